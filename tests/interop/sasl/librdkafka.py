"""Produces a record with librdkafka and reads it back: librdkafka.py HOST:PORT MECHANISM USER PASSWORD TOPIC."""

import sys

from confluent_kafka import Consumer, Producer, TopicPartition

bootstrap, mechanism, user, password, topic = sys.argv[1:]
settings = {
    "bootstrap.servers": bootstrap,
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": mechanism,
    "sasl.username": user,
    "sasl.password": password,
}
delivered = []


def note(error, message):
    if error:
        sys.exit(f"not delivered: {error}")
    delivered.append(message.offset())


producer = Producer(settings)
producer.produce(topic, mechanism, partition=0, on_delivery=note)
producer.flush(60)

consumer = Consumer({**settings, "group.id": f"librdkafka-{mechanism}"})
consumer.assign([TopicPartition(topic, 0, delivered[0])])
message = consumer.poll(60)
if message is None or message.error():
    sys.exit(f"not read: {message and message.error()}")
print(message.value().decode())
consumer.close()
