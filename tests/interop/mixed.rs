//! One cluster of Kafka 2.7.2's brokers and this project's, with either kind as the controller, while
//! producers and checking readers go on: no record is lost, duplicated or out of order, and both kinds give
//! the same answers.

pub mod cluster;

use crate::java::kafka;
use crate::support::flood::Flood;
use crate::support::reader::Reader;
use cluster::Mixed;

const TOPICS: [&str; 3] = ["one", "two", "three"];
const REPLICAS: [&str; 3] = ["1:2:3", "2:3:1", "3:1:2"];
/// Records a second to each topic.
const PACE: u32 = 400;
/// Records that a topic takes between two events.
const BETWEEN: u64 = 200;

/// Idempotent producers and readers of all topics.
struct Traffic {
    floods: Vec<Flood>,
    readers: Vec<Reader>,
}

impl Traffic {
    fn start(mixed: &Mixed) -> Self {
        TOPICS.iter().zip(REPLICAS).for_each(|(topic, replicas)| mixed.create(topic, replicas));
        let settings = [("enable.idempotence", "true"), ("acks", "all"), ("compression.type", "lz4")];
        let flood = |topic: &&'static str| Flood::paced(mixed.bootstrap(), topic, &settings, Some(PACE));
        let floods = TOPICS.iter().map(flood).collect();
        let readers = TOPICS.iter().map(|topic| Reader::start(mixed.bootstrap(), topic)).collect();
        Self { floods, readers }
    }

    fn goes_on(&self) {
        self.floods.iter().for_each(|flood| flood.await_more(BETWEEN));
    }

    /// Ends it: every record was acknowledged, is held and was read once, in order.
    fn finish(self, mixed: &Mixed) {
        self.goes_on();
        let mut records = 0;
        for (flood, reader) in self.floods.into_iter().zip(self.readers) {
            let (topic, acknowledged) = flood.finish();
            let count = u64::try_from(acknowledged.len()).unwrap();
            reader.finish(count);
            assert!(mixed.stored(topic).into_iter().eq(0..count), "{topic}: lost, twice or out of order");
            records += count;
        }
        println!("{records} records acknowledged, none lost, none twice");
    }
}

/// Topics are created, moved onto and off this project's brokers, led by their preferred replicas, and
/// deleted, with either kind as the controller.
fn work_under_either_controller(mixed: &Mixed, traffic: &Traffic) {
    for barnabas in [true, false] {
        let of_kind: Vec<_> =
            mixed.ids().into_iter().filter(|id| mixed.is_barnabas(*id) == barnabas).collect();
        if of_kind.is_empty() {
            continue;
        }
        mixed.elect_controller(|id| of_kind.contains(&id));
        let topic = if barnabas { "under-ours" } else { "under-theirs" };
        mixed.create(topic, REPLICAS[0]);
        let topics = [&TOPICS[..], &[topic]].concat();
        for id in mixed.ids().into_iter().filter(|id| mixed.is_barnabas(*id)) {
            let others: Vec<_> = mixed.ids().into_iter().filter(|other| *other != id).collect();
            mixed.reassign(&topics, &others);
            mixed.reassign(&topics, &[&[id], &others[..]].concat());
            mixed.elect_preferred(&topics, id);
            traffic.goes_on();
        }
        mixed.await_described_alike(topic);
        mixed.await_described_alike(TOPICS[0]);
        mixed.delete(topic);
    }
}

/// Every broker is killed while it is the controller and leads; the others take over, and it comes back.
fn every_broker_dies_once(mixed: &mut Mixed, traffic: &Traffic) {
    for id in mixed.ids() {
        let others = mixed.ids().into_iter().filter(|other| *other != id);
        mixed.reassign(&TOPICS, &std::iter::once(id).chain(others).collect::<Vec<_>>());
        mixed.elect_preferred(&TOPICS, id);
        mixed.elect_controller(|elected| elected == id);
        traffic.goes_on();
        assert!(TOPICS.iter().all(|topic| mixed.state(topic).is_some_and(|state| state.leader == id)));
        let dead = mixed.kill(id);
        mixed.await_leaders_other_than(id, &TOPICS);
        traffic.goes_on();
        mixed.revive(dead);
        mixed.await_in_sync(&TOPICS, 3);
    }
}

#[test]
fn either_kind_leads_controls_fails_and_takes_over_in_one_cluster() {
    let Some(kafka) = kafka("either_kind_leads_controls_fails_and_takes_over_in_one_cluster") else { return };
    let mut mixed = Mixed::start(kafka, &[1, 2]);
    let traffic = Traffic::start(&mixed);
    every_broker_dies_once(&mut mixed, &traffic);
    work_under_either_controller(&mixed, &traffic);
    mixed.roll(2);
    mixed.await_in_sync(&TOPICS, 3);
    every_broker_dies_once(&mut mixed, &traffic);
    work_under_either_controller(&mixed, &traffic);
    traffic.finish(&mixed);
}

#[test]
fn a_cluster_is_rolled_from_kafka_to_barnabas_and_back_while_it_is_written_to_and_read() {
    let name = "a_cluster_is_rolled_from_kafka_to_barnabas_and_back_while_it_is_written_to_and_read";
    let Some(kafka) = kafka(name) else { return };
    let mut mixed = Mixed::start(kafka, &[1, 2, 3]);
    let traffic = Traffic::start(&mixed);
    for id in [1, 2, 3, 2, 3, 1] {
        traffic.goes_on();
        mixed.roll(id);
        mixed.await_in_sync(&TOPICS, 3);
        mixed.await_described_alike(TOPICS[0]);
    }
    traffic.finish(&mixed);
}
