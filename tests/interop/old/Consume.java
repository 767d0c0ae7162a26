// Prints topic, offset and value of fifty-one records of each topic: Consume HOST:PORT TOPIC:CODEC...
//
// Run from its source with the jars of a client since 0.10 on the class path. One of 0.9 asks for a group's coordinator even
// where partitions are assigned by hand.

import java.util.Collections;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

public class Consume {
    public static void main(String[] arguments) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("enable.auto.commit", "false");
        settings.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        settings.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        for (int at = 1; at < arguments.length; at++) {
            consume(settings, arguments[at].split(":")[0]);
        }
    }

    @SuppressWarnings("deprecation")
    static void consume(Properties settings, String topic) {
        TopicPartition partition = new TopicPartition(topic, 0);
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings)) {
            consumer.assign(Collections.singletonList(partition));
            consumer.seek(partition, 0);
            long end = System.currentTimeMillis() + 30_000;
            int count = 0;
            while (count < 51 && System.currentTimeMillis() < end) {
                for (ConsumerRecord<String, String> record : consumer.poll(500)) {
                    System.out.println(topic + " " + record.offset() + " " + record.value());
                    count++;
                }
            }
        }
    }
}
