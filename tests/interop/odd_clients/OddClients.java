import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Queue;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Clients that obey the commands of scenarios: a command is a line of standard input, its outcome lines of standard
 * output, which end with a line of one dot.
 */
public final class OddClients {
    private static final long LIMIT_SECONDS = 20;

    private interface Outcome {
        void await() throws Exception;
    }

    private static final Map<String, Producer> producers = new HashMap<>();
    private static final Map<String, Consumer> consumers = new HashMap<>();

    public static void main(String[] arguments) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            for (String outcome : obey(line.split(" "))) {
                System.out.println(outcome);
            }
            System.out.println(".");
        }
        System.exit(0);
    }

    private static List<String> obey(String[] words) throws Exception {
        String name = words[0];
        if (name.equals("end")) {
            producers.values().forEach(it -> it.producer.close(Duration.ZERO));
            consumers.values().forEach(it -> it.consumer.close(Duration.ZERO));
            producers.clear();
            consumers.clear();
            return List.of();
        }
        if (words[1].equals("=")) {
            Properties settings = new Properties();
            for (String setting : Arrays.copyOfRange(words, 3, words.length)) {
                String[] parts = setting.split("=", 2);
                settings.put(parts[0], parts[1]);
            }
            if (words[2].equals("producer")) {
                producers.put(name, new Producer(settings));
            } else {
                consumers.put(name, new Consumer(settings));
            }
            return List.of();
        }
        String[] rest = Arrays.copyOfRange(words, 1, words.length);
        return producers.containsKey(name) ? producers.get(name).obey(rest) : consumers.get(name).obey(rest);
    }

    private static List<String> outcome(Outcome outcome) {
        try {
            outcome.await();
            return List.of();
        } catch (Exception exception) {
            return List.of(text(exception));
        }
    }

    /** The class and the text of an exception, and those of what caused it. */
    private static String text(Throwable exception) {
        String own = exception.getClass().getSimpleName() + ": " + exception.getMessage();
        Throwable cause = exception.getCause();
        return cause == null || cause == exception ? own : own + " <- " + text(cause);
    }

    private static TopicPartition first(String topic) {
        return new TopicPartition(topic, 0);
    }

    private static Map<TopicPartition, OffsetAndMetadata> at(String topic, String offset) {
        return Map.of(first(topic), new OffsetAndMetadata(Long.parseLong(offset)));
    }

    private static final class Producer {
        private final KafkaProducer<byte[], byte[]> producer;
        private final Queue<Future<RecordMetadata>> deliveries = new ArrayDeque<>();

        Producer(Properties settings) {
            producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
        }

        List<String> obey(String[] words) throws Exception {
            switch (words[0]) {
                case "init": return outcome(producer::initTransactions);
                case "begin": return outcome(producer::beginTransaction);
                case "commit": return outcome(producer::commitTransaction);
                case "abort": return outcome(producer::abortTransaction);
                case "flush": return outcome(producer::flush);
                case "send": deliveries.add(send(words[1], words[2])); return List.of();
                case "sent": return List.of(sent());
                case "offsets":
                    KafkaConsumer<byte[], byte[]> group = consumers.get(words[4]).consumer;
                    return outcome(() -> producer.sendOffsetsToTransaction(at(words[1], words[2]), group.groupMetadata()));
                default: throw new IllegalArgumentException("no command of a producer: " + words[0]);
            }
        }

        private Future<RecordMetadata> send(String topic, String value) {
            byte[] bytes = value.getBytes();
            if (value.startsWith("*")) {
                bytes = new byte[Integer.parseInt(value.substring(1))];
                Arrays.fill(bytes, (byte) 'v');
            }
            try {
                return producer.send(new ProducerRecord<>(topic, 0, null, bytes));
            } catch (Exception exception) {
                CompletableFuture<RecordMetadata> failed = new CompletableFuture<>();
                failed.completeExceptionally(exception);
                return failed;
            }
        }

        private String sent() throws Exception {
            try {
                RecordMetadata metadata = deliveries.remove().get(LIMIT_SECONDS, TimeUnit.SECONDS);
                return "offset " + metadata.offset();
            } catch (ExecutionException exception) {
                return text(exception.getCause());
            }
        }
    }

    private static final class Consumer implements ConsumerRebalanceListener {
        private final KafkaConsumer<byte[], byte[]> consumer;
        private final List<String> happened = new ArrayList<>();
        private final List<String> completed = new ArrayList<>();
        private int commitsUnderWay;

        Consumer(Properties settings) {
            consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        }

        List<String> obey(String[] words) {
            switch (words[0]) {
                case "subscribe": return outcome(() -> consumer.subscribe(List.of(words[1]), this));
                case "assign": return outcome(() -> consumer.assign(List.of(first(words[1]))));
                case "seek": return outcome(() -> seek(words));
                case "commit": return commit(words);
                case "position": return result(() -> happened.add("position " + consumer.position(first(words[1]))));
                case "committed": return result(() -> committed(words[1]));
                case "poll": return pollUntil(words[2]);
                default: throw new IllegalArgumentException("no command of a consumer: " + words[0]);
            }
        }

        private void seek(String[] words) {
            long offset = Long.parseLong(words[2]);
            if (words.length > 3) {
                java.util.Optional<Integer> epoch = java.util.Optional.of(Integer.parseInt(words[3]));
                consumer.seek(first(words[1]), new OffsetAndMetadata(offset, epoch, ""));
            } else {
                consumer.seek(first(words[1]), offset);
            }
        }

        private List<String> commit(String[] words) {
            if (words.length == 1) {
                return outcome(consumer::commitSync);
            }
            if (words.length == 3) {
                return outcome(() -> consumer.commitSync(at(words[1], words[2])));
            }
            commitsUnderWay++;
            return outcome(() -> consumer.commitAsync(at(words[1], words[2]), (offsets, exception) -> {
                commitsUnderWay--;
                completed.add("completed " + (exception == null ? "ok" : text(exception)));
            }));
        }

        private void committed(String topic) {
            OffsetAndMetadata found = consumer.committed(Collections.singleton(first(topic))).get(first(topic));
            happened.add("committed " + (found == null ? -1 : found.offset()));
        }

        /** What has happened by a call, or what it has thrown. */
        private List<String> result(Outcome call) {
            List<String> thrown = outcome(call);
            List<String> all = new ArrayList<>(happened);
            all.addAll(thrown);
            happened.clear();
            return all;
        }

        private boolean has(String what) {
            boolean isCompleted = what.equals("completed") && !completed.isEmpty();
            return commitsUnderWay == 0
                && (isCompleted || happened.stream().anyMatch(it -> it.split(" ")[0].equals(what)));
        }

        private List<String> pollUntil(String what) {
            long end = System.currentTimeMillis() + LIMIT_SECONDS * 500;
            while (!has(what) && System.currentTimeMillis() < end) {
                try {
                    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(50))) {
                        happened.add("record " + record.topic() + "-" + record.partition() + "@" + record.offset());
                    }
                } catch (Exception exception) {
                    happened.add("thrown " + text(exception));
                    break;
                }
            }
            List<String> all = new ArrayList<>(completed);
            all.addAll(happened);
            completed.clear();
            happened.clear();
            return all;
        }

        private void partitions(String what, Collection<TopicPartition> partitions) {
            TreeSet<String> names = new TreeSet<>();
            partitions.forEach(it -> names.add(" " + it));
            happened.add(what + String.join("", names));
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            partitions("revoked", partitions);
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            partitions("assigned", partitions);
        }

        @Override
        public void onPartitionsLost(Collection<TopicPartition> partitions) {
            partitions("lost", partitions);
        }
    }
}
