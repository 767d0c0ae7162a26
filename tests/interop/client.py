"""Produces a hundred records with kafka-python and reads them back: client.py HOST:PORT."""

import sys

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

bootstrap = sys.argv[1]
sent = [(b"key %d" % at, b"value %d" % at) for at in range(100)]

producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
for key, value in sent:
    producer.send("python", key=key, value=value, partition=0).get(timeout=30)
producer.close()

consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=30000)
consumer.assign([TopicPartition("python", 0)])
consumer.seek_to_beginning()
received = []
for record in consumer:
    received.append((record.key, record.value))
    if len(received) == len(sent):
        break
assert received == sent, received
print(f"{len(received)} records came back")
