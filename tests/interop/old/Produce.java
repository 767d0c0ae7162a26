// Produces fifty records to each topic with one of Kafka's older clients: Produce HOST:PORT TOPIC:CODEC...
//
// Run from its source with the client's jars on the class path, so it uses nothing that a client since 0.8.2 lacks. Each topic
// holds one record already.

import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

public class Produce {
    public static void main(String[] arguments) throws Exception {
        for (int at = 1; at < arguments.length; at++) {
            String[] topicAndCodec = arguments[at].split(":");
            produce(arguments[0], topicAndCodec[0], topicAndCodec[1]);
        }
        System.out.println((arguments.length - 1) + " topics");
    }

    static void produce(String bootstrap, String topic, String codec) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("acks", "all");
        settings.put("compression.type", codec);
        settings.put("linger.ms", "5");
        settings.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        settings.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings)) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int at = 0; at < 50; at++) {
                String value = "a value that is long enough to be compressed, number " + at;
                sent.add(producer.send(new ProducerRecord<>(topic, 0, "key" + at, value)));
            }
            for (int at = 0; at < 50; at++) {
                long offset = sent.get(at).get().offset();
                if (offset != at + 1) {
                    throw new IllegalStateException(topic + ": record " + at + " is at " + offset);
                }
            }
        }
    }
}
