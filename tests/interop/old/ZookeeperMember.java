// A member of a group in znodes that prints partition, offset and value of each record of a topic:
// ZookeeperMember HOST:PORT/CHROOT GROUP TOPIC.
//
// Run from its source with the jars of a Kafka up to 1.1 on the class path. It leaves its group when it is stopped.

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Properties;
import kafka.consumer.Consumer;
import kafka.consumer.ConsumerConfig;
import kafka.consumer.KafkaStream;
import kafka.javaapi.consumer.ConsumerConnector;
import kafka.message.MessageAndMetadata;

public class ZookeeperMember {
    @SuppressWarnings("deprecation")
    public static void main(String[] arguments) {
        // ZooKeeper's client of that time does not know how this Java prints addresses, which it needs for SASL alone.
        System.setProperty("zookeeper.sasl.client", "false");
        Properties settings = new Properties();
        settings.put("zookeeper.connect", arguments[0]);
        settings.put("group.id", arguments[1]);
        settings.put("auto.offset.reset", "smallest");
        settings.put("zookeeper.session.timeout.ms", "4000");
        settings.put("zookeeper.connection.timeout.ms", "30000");
        settings.put("rebalance.backoff.ms", "500");
        settings.put("rebalance.max.retries", "30");
        ConsumerConnector connector = Consumer.createJavaConsumerConnector(new ConsumerConfig(settings));
        Runtime.getRuntime().addShutdownHook(new Thread(connector::shutdown));
        String topic = arguments[2];
        KafkaStream<byte[], byte[]> stream =
            connector.createMessageStreams(Collections.singletonMap(topic, 1)).get(topic).get(0);
        System.out.println("joined");
        for (MessageAndMetadata<byte[], byte[]> record : stream) {
            String value = new String(record.message(), StandardCharsets.UTF_8);
            System.out.println("Partition:" + record.partition() + "\tOffset:" + record.offset() + "\t" + value);
        }
    }
}
