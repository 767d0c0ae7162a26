import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Copies a topic to another one exactly once: ExactlyOnce BOOTSTRAP INPUT OUTPUT GROUP TRANSACTIONAL_ID.
 *
 * Each transaction carries the records of a poll and the offsets behind them; every fourth one is aborted after its
 * records, under the value "aborted", were sent, and its input is read again. Each that is committed prints "committed".
 */
public final class ExactlyOnce {
    private final KafkaConsumer<String, String> consumer;
    private KafkaProducer<String, String> producer;
    private final String[] arguments;

    private ExactlyOnce(String[] arguments) {
        this.arguments = arguments;
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("group.id", arguments[3]);
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        settings.put("isolation.level", "read_committed");
        settings.put("session.timeout.ms", "6000");
        settings.put("heartbeat.interval.ms", "500");
        settings.put("max.poll.records", "500");
        consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
        consumer.subscribe(List.of(arguments[1]));
    }

    public static void main(String[] arguments) {
        ExactlyOnce copy = new ExactlyOnce(arguments);
        copy.begin();
        for (int number = 0; ; number++) {
            try {
                copy.transaction(number % 4 == 3);
            } catch (ProducerFencedException error) {
                throw error;
            } catch (KafkaException error) {
                System.out.println("again " + error);
                copy.recover();
            }
        }
    }

    /** A new producer, which ends what the last one under the same id left open. */
    private void begin() {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("transactional.id", arguments[4]);
        settings.put("transaction.timeout.ms", "10000");
        producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
        while (true) {
            try {
                producer.initTransactions();
                return;
            } catch (org.apache.kafka.common.errors.TimeoutException error) {
                System.out.println("again " + error);
            }
        }
    }

    private void recover() {
        producer.close(Duration.ZERO);
        begin();
        rewind();
    }

    private void rewind() {
        Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(consumer.assignment());
        committed.forEach((partition, offset) -> {
            if (offset == null) {
                consumer.seekToBeginning(List.of(partition));
            } else {
                consumer.seek(partition, offset.offset());
            }
        });
    }

    private void transaction(boolean abort) {
        ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(100));
        if (records.isEmpty()) {
            return;
        }
        producer.beginTransaction();
        for (ConsumerRecord<String, String> record : records) {
            String value = abort ? "aborted" : record.value();
            producer.send(new ProducerRecord<>(arguments[2], record.partition(), record.key(), value));
        }
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        records.partitions().forEach(one -> offsets.put(one, new OffsetAndMetadata(consumer.position(one))));
        producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
        if (abort) {
            producer.flush();
            producer.abortTransaction();
            rewind();
        } else {
            producer.commitTransaction();
            System.out.println("committed " + records.count());
        }
    }
}
