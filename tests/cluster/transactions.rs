//! Transactions on real brokers: each ends whole, whichever broker is killed, and readers of committed records see all
//! of it or none.
//!
//! `BARNABAS_TEST_TRANSACTIONS` is how many the longest test makes (60 by default).

use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;

use crate::support::cluster::Brokers;
use crate::support::eventually;
use crate::support::transactional::{TOPIC, TransactionalProducer, read_committed};

const SOON: Duration = Duration::from_secs(60);

/// Three brokers; 1 coordinates all transactions, then 2. Topic `two` is on broker 2 alone, `three` on broker 3 alone.
fn scene(settings: &[(&str, &str)]) -> Brokers {
    let quick = [
        ("transaction.state.log.num.partitions", "1"),
        ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "500"),
    ];
    let brokers = Brokers::start(3, &[&quick[..], settings].concat());
    brokers.create_topic(TOPIC, "1:2", &["min.insync.replicas=1", "cleanup.policy=compact"]);
    brokers.create_topic("two", "2", &[]);
    brokers.create_topic("three", "3", &[]);
    brokers
}

/// A producer with an open transaction that has written `value` to both topics.
fn open(brokers: &Brokers, id: &str, timeout_ms: i32, value: &str) -> TransactionalProducer {
    let mut producer = TransactionalProducer::new(id, timeout_ms);
    assert_eq!(producer.init(brokers), ErrorCode::None);
    write(brokers, &mut producer, value);
    producer
}

fn write(brokers: &Brokers, producer: &mut TransactionalProducer, value: &str) {
    assert_eq!(producer.add(brokers, &["three", "two"]), ErrorCode::None);
    for topic in ["two", "three"] {
        assert_eq!(producer.produce(brokers, topic, value), ErrorCode::None);
    }
}

/// Waits until both topics have these committed values.
fn await_committed(brokers: &Brokers, values: &[&str]) {
    for topic in ["two", "three"] {
        eventually(&format!("{topic} has {values:?}"), SOON, || {
            (read_committed(brokers, topic) == values).then_some(())
        });
    }
}

#[test]
fn a_transaction_is_seen_whole_or_not_at_all() {
    let brokers = scene(&[]);
    let mut one = open(&brokers, "one", 60_000, "a");
    let other = open(&brokers, "other", 60_000, "b");
    assert_eq!(one.end(&brokers, true), ErrorCode::None);
    // Committed records behind an open transaction are not seen: b stands behind a.
    await_committed(&brokers, &["a"]);
    write(&brokers, &mut one, "c");
    assert_eq!(one.end(&brokers, true), ErrorCode::None);
    await_committed(&brokers, &["a"]);
    assert_eq!(other.end(&brokers, false), ErrorCode::None);
    await_committed(&brokers, &["a", "c"]);
    // Ended twice, the transaction is as it was.
    assert_eq!(other.decide(&brokers, false), ErrorCode::None);
    assert_eq!(other.decide(&brokers, true), ErrorCode::InvalidTxnState);
    // A producer that takes over aborts what was open; the one before writes nothing more.
    write(&brokers, &mut one, "d");
    let mut zombie = one;
    let mut one = open(&brokers, "one", 60_000, "e");
    assert_eq!(one.producer, (zombie.producer.0, zombie.producer.1 + 2));
    assert_eq!(zombie.produce(&brokers, "two", "f"), ErrorCode::InvalidProducerEpoch);
    assert_eq!(zombie.add(&brokers, &["two"]), ErrorCode::ProducerFenced);
    assert_eq!(zombie.decide(&brokers, true), ErrorCode::ProducerFenced);
    assert_eq!(one.end(&brokers, true), ErrorCode::None);
    await_committed(&brokers, &["a", "c", "e"]);
    // One that is never ended is aborted when its time is over.
    let late = open(&brokers, "late", 1000, "g");
    write(&brokers, &mut one, "h");
    assert_eq!(one.end(&brokers, true), ErrorCode::None);
    await_committed(&brokers, &["a", "c", "e", "h"]);
    assert_eq!(late.decide(&brokers, true), ErrorCode::ProducerFenced);
}

#[test]
fn a_decided_transaction_is_completed_by_the_next_coordinator() {
    let mut brokers = scene(&[]);
    let mut expected = vec![];
    for (committed, value) in [(true, "a"), (false, "b")] {
        if brokers.state_of(TOPIC).leader != 1 {
            brokers.broker(1).restart();
            eventually("1 is in sync", SOON, || (brokers.state_of(TOPIC).isr.len() == 2).then_some(()));
            brokers.broker(2).kill();
            eventually("1 coordinates", SOON, || (brokers.state_of(TOPIC).leader == 1).then_some(()));
            brokers.broker(2).restart();
            eventually("2 is in sync", SOON, || (brokers.state_of(TOPIC).isr.len() == 2).then_some(()));
        }
        let producer = open(&brokers, "app", 60_000, value);
        // The leader of one partition is away: its marker cannot be written.
        brokers.broker(3).kill();
        eventually("nobody leads", SOON, || (brokers.state_of("three").leader < 0).then_some(()));
        let decided = eventually("it is decided", SOON, || {
            let error = producer.decide(&brokers, committed);
            (error != ErrorCode::CoordinatorNotAvailable).then_some(error)
        });
        assert_eq!(decided, ErrorCode::None);
        assert_eq!(producer.decide(&brokers, committed), ErrorCode::ConcurrentTransactions);
        if committed {
            expected.push(value);
        }
        eventually("the marker that can be written is", SOON, || {
            (read_committed(&brokers, "two") == expected).then_some(())
        });
        brokers.broker(1).kill();
        eventually("2 coordinates", SOON, || (brokers.state_of(TOPIC).leader == 2).then_some(()));
        brokers.broker(3).restart();
        await_committed(&brokers, &expected);
        assert_eq!(producer.end(&brokers, committed), ErrorCode::None);
        let mut producer = TransactionalProducer::new("app", 60_000);
        assert_eq!(producer.init(&brokers), ErrorCode::None);
    }
}

#[test]
fn what_is_not_decided_goes_on_with_the_next_coordinator() {
    let mut brokers = scene(&[]);
    let mut empty = TransactionalProducer::new("empty", 60_000);
    assert_eq!(empty.init(&brokers), ErrorCode::None);
    let going_on = open(&brokers, "going-on", 60_000, "a");
    let late = open(&brokers, "late", 5_000, "b");
    let complete = open(&brokers, "complete", 60_000, "c");
    assert_eq!(complete.end(&brokers, true), ErrorCode::None);
    brokers.broker(1).kill();
    eventually("2 coordinates", SOON, || (brokers.state_of(TOPIC).leader == 2).then_some(()));
    assert_eq!(complete.end(&brokers, true), ErrorCode::None);
    assert_eq!(going_on.end(&brokers, true), ErrorCode::None);
    write(&brokers, &mut empty, "d");
    assert_eq!(empty.end(&brokers, true), ErrorCode::None);
    // b is aborted when its time is over.
    await_committed(&brokers, &["a", "c", "d"]);
    assert_eq!(late.end(&brokers, true), ErrorCode::ProducerFenced);
}

#[test]
fn killed_again_and_again_no_transaction_is_seen_in_part() {
    let count = std::env::var("BARNABAS_TEST_TRANSACTIONS").ok().and_then(|it| it.parse().ok()).unwrap_or(60);
    let quick = [("transaction.state.log.num.partitions", "1")];
    let mut brokers = Brokers::start(3, &quick);
    let replicas = ["1:2:3", "2:3:1", "3:1:2"];
    for (topic, replicas) in [TOPIC, "t", "u"].into_iter().zip(replicas) {
        brokers.create_topic(topic, replicas, &["min.insync.replicas=2"]);
    }
    let mut producer = TransactionalProducer::new("app", 600_000);
    assert_eq!(producer.init(&brokers), ErrorCode::None);
    let mut committed = Vec::new();
    for number in 0..count {
        let value = format!("transaction {number}");
        let commit = number % 3 > 0;
        // A broker is killed at one of four moments of every fifth transaction, and is back before the next is.
        let round = number / 5;
        let moment = (number % 5 == 4).then_some(round % 4);
        let victim = round % 3 + 1;
        let at = |brokers: &mut Brokers, now| {
            if moment == Some(now) {
                brokers.broker(victim).kill();
            }
        };
        at(&mut brokers, 0);
        assert_eq!(producer.add(&brokers, &["t", "u"]), ErrorCode::None);
        at(&mut brokers, 1);
        for topic in ["t", "u"] {
            assert_eq!(producer.produce(&brokers, topic, &value), ErrorCode::None, "{value}");
        }
        at(&mut brokers, 2);
        if moment == Some(3) {
            let _ = producer.decide(&brokers, commit);
            brokers.broker(victim).kill();
        }
        assert_eq!(producer.end(&brokers, commit), ErrorCode::None, "{value}");
        if commit {
            committed.push(value);
        }
        if moment.is_some() {
            brokers.broker(victim).restart();
            for topic in [TOPIC, "t", "u"] {
                eventually("all are in sync", SOON, || {
                    (brokers.state_of(topic).isr.len() == 3).then_some(())
                });
            }
        }
    }
    for topic in ["t", "u"] {
        assert_eq!(read_committed(&brokers, topic), committed, "{topic}");
    }
}
