"""Produces a hundred records with kafka-python and reads them back: client.py HOST:PORT [ERA [CODEC]].

ERA is the version of the broker that the client takes this one for; it finds out by itself where none is given. With
SASL=MECHANISM:USER:PASSWORD in its environment it authenticates."""

import os
import sys

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

bootstrap = sys.argv[1]
era = sys.argv[2] if len(sys.argv) > 2 else None
codec = sys.argv[3] if len(sys.argv) > 3 else "none"
topic = f"python-{era}-{codec}"
settings = {"bootstrap_servers": bootstrap}
if "SASL" in os.environ:
    mechanism, user, password = os.environ["SASL"].split(":")
    settings |= {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": mechanism}
    settings |= {"sasl_plain_username": user, "sasl_plain_password": password}
    topic = f"python-{mechanism}"
if era:
    settings["api_version"] = tuple(int(part) for part in era.split("."))
sent = [(b"key %d" % at, b"value %d" % at) for at in range(100)]

producer = KafkaProducer(acks="all", compression_type=None if codec == "none" else codec, **settings)
for key, value in sent:
    producer.send(topic, key=key, value=value, partition=0).get(timeout=30)
producer.close()

consumer = KafkaConsumer(auto_offset_reset="earliest", consumer_timeout_ms=30000, **settings)
consumer.assign([TopicPartition(topic, 0)])
consumer.seek_to_beginning()
received = []
for record in consumer:
    received.append((record.key, record.value))
    if len(received) == len(sent):
        break
assert received == sent, received
print(f"{len(received)} records came back")
