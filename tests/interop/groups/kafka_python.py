"""A member of a consumer group with kafka-python: kafka_python.py BOOTSTRAP TOPIC NAME GROUP.

It prints the lines of GroupMember.java, and follows the line "leave" of its standard input."""

import sys
import threading

from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

bootstrap, topic, name, group = sys.argv[1:]
leaving = threading.Event()


def follow():
    for line in sys.stdin:
        if line.strip() == "leave":
            leaving.set()


def say(*words):
    print(group, *words, flush=True)


class Listener(ConsumerRebalanceListener):
    def on_partitions_assigned(self, assigned):
        generation = consumer._coordinator.generation_if_stable().generation_id
        say("assigned", generation, *sorted(one.partition for one in assigned))

    def on_partitions_revoked(self, revoked):
        say("revoked", *sorted(one.partition for one in revoked))


consumer = KafkaConsumer(
    bootstrap_servers=bootstrap.split(","),
    group_id=group,
    client_id=name,
    enable_auto_commit=False,
    auto_offset_reset="earliest",
    session_timeout_ms=6000,
    heartbeat_interval_ms=500,
)
consumer.subscribe([topic], listener=Listener())
threading.Thread(target=follow, daemon=True).start()
while not leaving.is_set():
    batches = consumer.poll(timeout_ms=100)
    for partition, records in batches.items():
        for record in records:
            say("record", partition.partition, record.offset)
    positions = {one: OffsetAndMetadata(consumer.position(one), "", -1) for one in batches}
    if not positions:
        continue
    try:
        consumer.commit(positions)
    except KafkaError as error:
        say("uncommitted", type(error).__name__)
consumer.close()
