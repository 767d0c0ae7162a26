import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The load by Java's clients: WORK BOOTSTRAP TOPIC RECORDS CODEC PAYLOADS. */
public class ClientLoad {
    private static final int AWAITED = 2_000;

    private final String bootstrap;
    private final String topic;
    private final int records;
    private final String codec;
    private final byte[][] payloads;

    private ClientLoad(String[] arguments) throws Exception {
        bootstrap = arguments[1];
        topic = arguments[2];
        records = Integer.parseInt(arguments[3]);
        codec = arguments[4];
        List<String> lines = Files.readAllLines(Path.of(arguments[5]));
        payloads = lines.stream().map(line -> line.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new);
    }

    public static void main(String[] arguments) throws Exception {
        ClientLoad load = new ClientLoad(arguments);
        switch (arguments[0]) {
            case "produce" -> load.produce();
            case "consume" -> load.consume();
            default -> load.await();
        }
    }

    private static long cpuNanos() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private static void report(long cpu, long begun) {
        System.out.println("cpu " + (cpuNanos() - cpu) / 1e9);
        System.out.println("elapsed " + (System.nanoTime() - begun) / 1e9);
    }

    private KafkaProducer<byte[], byte[]> producer(int linger) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("acks", "all");
        settings.put("linger.ms", linger);
        settings.put("batch.size", 64 << 10);
        settings.put("buffer.memory", 32 << 20);
        settings.put("compression.type", codec);
        return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    private void produce() {
        AtomicLong refused = new AtomicLong();
        try (KafkaProducer<byte[], byte[]> producer = producer(5)) {
            send(producer, records / 10, refused);
            long cpu = cpuNanos();
            long begun = System.nanoTime();
            send(producer, records, refused);
            report(cpu, begun);
        }
        if (refused.get() > 0) {
            throw new IllegalStateException(refused + " records were refused");
        }
    }

    private void send(KafkaProducer<byte[], byte[]> producer, int count, AtomicLong refused) {
        for (int at = 0; at < count; at++) {
            producer.send(new ProducerRecord<>(topic, payloads[at % payloads.length]), (metadata, error) -> {
                if (error != null) {
                    refused.incrementAndGet();
                }
            });
        }
        producer.flush();
    }

    private void consume() {
        read("warm-up");
        long cpu = cpuNanos();
        long begun = System.nanoTime();
        read("measured");
        report(cpu, begun);
    }

    private void read(String group) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("group.id", "java-" + group + "-" + topic);
        settings.put("auto.offset.reset", "earliest");
        long bytes = 0;
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of(topic));
            int count = 0;
            while (count < records) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                    count++;
                    bytes += record.value().length;
                }
            }
        }
        if (bytes == 0) {
            throw new IllegalStateException("the records had no values");
        }
    }

    private void await() throws Exception {
        long[] latencies = new long[AWAITED];
        try (KafkaProducer<byte[], byte[]> producer = producer(0)) {
            for (int at = -AWAITED / 10; at < AWAITED; at++) {
                long begun = System.nanoTime();
                producer.send(new ProducerRecord<>(topic, payloads[Math.floorMod(at, payloads.length)])).get();
                if (at >= 0) {
                    latencies[at] = System.nanoTime() - begun;
                }
            }
        }
        Arrays.sort(latencies);
        System.out.println("p50 " + latencies[AWAITED / 2] / 1000);
        System.out.println("p99 " + latencies[AWAITED * 99 / 100] / 1000);
    }
}
