"""A member of a consumer group with librdkafka, through confluent-kafka: librdkafka.py BOOTSTRAP TOPIC NAME
GROUP[=ASSIGNOR].

It prints the lines of GroupMember.java, and follows the line "leave" of its standard input."""

import logging
import re
import sys
import threading

from confluent_kafka import Consumer, KafkaException, TopicPartition

bootstrap, topic, name, group = sys.argv[1:]
group, _, assignor = group.partition("=")
owned = set()
leaving = threading.Event()


def follow():
    for line in sys.stdin:
        if line.strip() == "leave":
            leaving.set()


def say(*words):
    print(group, *words, flush=True)


class Generations(logging.Handler):
    """The last generation that the client logged: its interface has none."""

    last = -1

    def emit(self, record):
        found = re.search(r"JoinGroup response: GenerationId (\d+)", record.getMessage())
        if found:
            self.last = int(found.group(1))


def assigned(_, partitions):
    owned.update(one.partition for one in partitions)
    say("assigned", generations.last, *sorted(owned))


def revoked(_, partitions):
    revoked = {one.partition for one in partitions}
    owned.difference_update(revoked)
    say("revoked", *sorted(revoked))


generations = Generations()
logger = logging.getLogger("librdkafka")
logger.setLevel(logging.DEBUG)
logger.propagate = False
logger.addHandler(generations)
consumer = Consumer(
    {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "client.id": name,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 500,
        "debug": "cgrp",
        **({"partition.assignment.strategy": assignor} if assignor else {}),
    },
    logger=logger,
)
consumer.subscribe([topic], on_assign=assigned, on_revoke=revoked, on_lost=revoked)
threading.Thread(target=follow, daemon=True).start()
while not leaving.is_set():
    positions = {}
    records = [consumer.poll(0.1)]
    records += consumer.consume(100, 0)
    for record in records:
        if record is not None and not record.error():
            say("record", record.partition(), record.offset())
            positions[record.partition()] = record.offset() + 1
    if not positions:
        continue
    try:
        consumer.commit(
            offsets=[TopicPartition(topic, partition, offset) for partition, offset in positions.items()],
            asynchronous=False,
        )
    except KafkaException as error:
        say("uncommitted", error.args[0].name())
consumer.close()
