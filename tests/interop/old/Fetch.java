// Prints topic, offset and value of fifty-one records of each topic, as Consume does: Fetch HOST:PORT TOPIC:CODEC...
//
// With the consumer that Kafka had before 0.9, and kept until 1.1: it fetches from one broker and knows no groups.

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import kafka.api.FetchRequestBuilder;
import kafka.javaapi.FetchResponse;
import kafka.javaapi.consumer.SimpleConsumer;
import kafka.message.MessageAndOffset;

public class Fetch {
    public static void main(String[] arguments) {
        String[] address = arguments[0].split(":");
        SimpleConsumer consumer =
            new SimpleConsumer(address[0], Integer.parseInt(address[1]), 30_000, 65_536, "old");
        for (int at = 1; at < arguments.length; at++) {
            fetch(consumer, arguments[at].split(":")[0]);
        }
        consumer.close();
    }

    static void fetch(SimpleConsumer consumer, String topic) {
        long next = 0;
        for (int attempts = 0; next < 51; attempts++) {
            if (attempts > 100) {
                throw new IllegalStateException(topic + ": nothing at offset " + next);
            }
            FetchResponse response =
                consumer.fetch(new FetchRequestBuilder().clientId("old").addFetch(topic, 0, next, 1_000_000).build());
            if (response.hasError()) {
                throw new IllegalStateException(topic + ": error " + response.errorCode(topic, 0));
            }
            for (MessageAndOffset message : response.messageSet(topic, 0)) {
                // A compressed set comes whole, what was read before of it too.
                if (message.offset() >= next) {
                    ByteBuffer payload = message.message().payload();
                    System.out.println(topic + " " + message.offset() + " " + StandardCharsets.UTF_8.decode(payload));
                    next = message.nextOffset();
                }
            }
        }
    }
}
