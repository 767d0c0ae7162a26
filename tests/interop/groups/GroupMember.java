import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * A member of one or of several consumer groups, a thread for each: GroupMember BOOTSTRAP TOPIC NAME GROUP=ASSIGNOR...
 * With "static" as its assignor a group has range and this member is a static one.
 *
 * What happens is printed as lines of "GROUP assigned GENERATION PARTITION...", "GROUP revoked PARTITION..." and
 * "GROUP record PARTITION OFFSET".
 * The lines "hang", "resume" and "leave" of standard input have all threads stop polling, go on, or close their consumers.
 */
public final class GroupMember {
    private enum Will { POLL, HANG, LEAVE }

    private static final Map<String, String> ASSIGNORS = Map.of(
        "range", "RangeAssignor",
        "roundrobin", "RoundRobinAssignor",
        "sticky", "StickyAssignor",
        "cooperative-sticky", "CooperativeStickyAssignor",
        "static", "RangeAssignor");
    private static volatile Will will = Will.POLL;

    public static void main(String[] arguments) throws Exception {
        List<Thread> threads = new ArrayList<>();
        for (int at = 3; at < arguments.length; at++) {
            String[] group = arguments[at].split("=");
            Thread thread = new Thread(() -> consume(arguments[0], arguments[1], arguments[2], group[0], group[1]));
            thread.start();
            threads.add(thread);
        }
        Thread commands = new Thread(GroupMember::follow);
        commands.setDaemon(true);
        commands.start();
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static void follow() {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        input.lines().forEach(line -> will = line.equals("resume") ? Will.POLL : Will.valueOf(line.toUpperCase()));
    }

    private static void print(String group, String what) {
        System.out.println(group + " " + what);
    }

    private static String numbers(Collection<TopicPartition> partitions) {
        return partitions.stream().map(one -> " " + one.partition()).collect(Collectors.joining());
    }

    private static Properties settings(String bootstrap, String name, String group, String assignor) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("group.id", group);
        settings.put("client.id", name);
        settings.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer." + ASSIGNORS.get(assignor));
        if (assignor.equals("static")) {
            settings.put("group.instance.id", name);
        }
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        settings.put("session.timeout.ms", "6000");
        settings.put("heartbeat.interval.ms", "500");
        settings.put("max.poll.interval.ms", "8000");
        settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
        settings.put("value.deserializer", ByteArrayDeserializer.class.getName());
        return settings;
    }

    private static void consume(String bootstrap, String topic, String name, String group, String assignor) {
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings(bootstrap, name, group, assignor))) {
            consumer.subscribe(List.of(topic), new Listener(consumer, group));
            while (will != Will.LEAVE) {
                if (will == Will.HANG) {
                    Thread.sleep(20);
                } else {
                    round(consumer, group);
                }
            }
        } catch (Exception error) {
            print(group, "failed " + error);
        }
    }

    private static void round(KafkaConsumer<byte[], byte[]> consumer, String group) {
        var records = consumer.poll(Duration.ofMillis(100));
        for (ConsumerRecord<byte[], byte[]> record : records) {
            print(group, "record " + record.partition() + " " + record.offset());
        }
        if (records.isEmpty()) {
            return;
        }
        Map<TopicPartition, OffsetAndMetadata> positions = records.partitions().stream()
            .collect(Collectors.toMap(one -> one, one -> new OffsetAndMetadata(consumer.position(one))));
        try {
            consumer.commitSync(positions);
        } catch (KafkaException error) {
            print(group, "uncommitted " + error.getClass().getSimpleName());
        }
    }

    private record Listener(KafkaConsumer<?, ?> consumer, String group) implements ConsumerRebalanceListener {
        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> added) {
            String generation = String.valueOf(consumer.groupMetadata().generationId());
            print(group, "assigned " + generation + numbers(consumer.assignment()));
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
            print(group, "revoked" + numbers(revoked));
        }

        @Override
        public void onPartitionsLost(Collection<TopicPartition> lost) {
            print(group, "revoked" + numbers(lost));
        }
    }
}
