"""Copies a topic to another one exactly once with librdkafka: exactly_once.py BOOTSTRAP INPUT OUTPUT GROUP TRANSACTIONAL_ID.

It does what ExactlyOnce.java does, and prints the same lines."""

import sys

from confluent_kafka import Consumer, KafkaException, Producer

bootstrap, source, target, group, transactional_id = sys.argv[1:]
consumer = Consumer(
    {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 500,
    }
)


def begin():
    """A new producer, which ends what the last one under the same id left open."""
    settings = {
        "bootstrap.servers": bootstrap,
        "transactional.id": transactional_id,
        "transaction.timeout.ms": 10000,
    }
    producer = Producer(settings)
    while True:
        try:
            producer.init_transactions(30)
            return producer
        except KafkaException as error:
            print("again", error, flush=True)
            if error.args[0].fatal():
                producer = Producer(settings)


def rewind():
    for partition in consumer.committed(consumer.assignment(), 30):
        if partition.offset < 0:
            partition.offset = 0
        consumer.seek(partition)


def until_done(step):
    """Takes a step of a transaction again for as long as librdkafka says that this may help."""
    while True:
        try:
            return step()
        except KafkaException as error:
            if not error.args[0].retriable():
                raise
            print("again", error, flush=True)


def transaction(abort):
    records = [record for record in consumer.consume(500, 0.1) if not record.error()]
    if not records:
        return
    producer.begin_transaction()
    for record in records:
        value = "aborted" if abort else record.value()
        producer.produce(target, partition=record.partition(), key=record.key(), value=value)
    offsets = consumer.position(consumer.assignment())
    until_done(lambda: producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), 30))
    if abort:
        producer.flush(30)
        until_done(lambda: producer.abort_transaction(30))
        rewind()
    else:
        until_done(lambda: producer.commit_transaction(30))
        print("committed", len(records), flush=True)


consumer.subscribe([source])
producer = begin()
number = 0
while True:
    try:
        transaction(number % 4 == 3)
    except KafkaException as error:
        print("again", error, flush=True)
        try:
            producer.abort_transaction(10)
        except KafkaException as second:
            print("again", second, flush=True)
            producer = begin()
        rewind()
    number += 1
