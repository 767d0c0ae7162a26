// Consumes numbers, and produces each once to another topic, in transactions that commit the offsets too:
// ExactlyOnce HOST:PORT INPUT OUTPUT TRANSACTIONAL_ID GROUP
//
// Every seventh transaction is aborted and its records are read again. Runs until it is killed; prints a line when it has
// committed.

import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
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

public class ExactlyOnce {
    public static void main(String[] arguments) throws Exception {
        String input = arguments[1];
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        settings.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        settings.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        settings.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        settings.put("transactional.id", arguments[3]);
        settings.put("group.id", arguments[4]);
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        settings.put("isolation.level", "read_committed");
        settings.put("max.poll.records", "50");
        settings.put("session.timeout.ms", "6000");
        while (true) {
            try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings);
                    KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings)) {
                producer.initTransactions();
                consumer.subscribe(Collections.singleton(input));
                for (int count = 1; ; count++) {
                    transform(consumer, producer, arguments[2], count % 7 == 0);
                }
            } catch (ProducerFencedException fenced) {
                throw fenced;
            } catch (KafkaException error) {
                // Begins again with the offsets that are committed.
                System.err.println(error);
            }
        }
    }

    static void transform(
            KafkaConsumer<String, String> consumer,
            KafkaProducer<String, String> producer,
            String output,
            boolean abort) {
        ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(100));
        if (records.isEmpty()) {
            return;
        }
        producer.beginTransaction();
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        Map<TopicPartition, Long> begun = new HashMap<>();
        for (ConsumerRecord<String, String> record : records) {
            TopicPartition partition = new TopicPartition(record.topic(), record.partition());
            producer.send(new ProducerRecord<>(output, record.partition(), record.key(), record.value()));
            offsets.put(partition, new OffsetAndMetadata(record.offset() + 1));
            begun.putIfAbsent(partition, record.offset());
        }
        producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
        if (abort) {
            producer.flush();
            producer.abortTransaction();
            begun.forEach(consumer::seek);
        } else {
            producer.commitTransaction();
            System.out.println("committed " + records.count());
        }
    }
}
