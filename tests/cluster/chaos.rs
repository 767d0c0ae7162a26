//! Three brokers and three ZooKeeper servers of which one after the other fails in some way, while clients of the
//! library go on: idempotent producers, checking consumers, a consumer group whose members come and go, and an
//! application that copies a topic in transactions. Nothing that all in sync acknowledged is lost, twice or out of
//! order, the group leaves nothing out, the copy has everything once, and every partition is soon led again.
//!
//! `BARNABAS_TEST_CHAOS` is the number of seconds (45 by default), `BARNABAS_TEST_SEED` decides the faults
//! and their order. `scripts/chaos.sh` runs it for long.

mod group;
mod watch;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use barnabas::base::TopicPartition;
use barnabas::client::Consumer;
use barnabas::client::settings::ConsumerSettings;

use crate::support::cluster::Brokers;
use crate::support::copier::Copier;
use crate::support::flood::Flood;
use crate::support::reader::Reader;
use crate::support::{Broker, Connection};
use group::Members;
use watch::Watch;
use world::{FAULTS, Fault, World};

const TOPICS: [&str; 3] = ["one", "two", "three"];
const REPLICAS: [&str; 3] = ["1:2:3", "2:3:1", "3:1:2"];
/// What the first of them is copied to.
const COPY: &str = "copy";
/// The topics of the coordinators, each with one partition.
const OF_COORDINATORS: [&str; 2] = ["__consumer_offsets", "__transaction_state"];
/// All topics.
const ALL: [&str; 6] = ["one", "two", "three", COPY, OF_COORDINATORS[0], OF_COORDINATORS[1]];
/// What the brokers' session timeout is.
const SESSION: Duration = Duration::from_secs(2);
/// How long it may take, once the failure of a broker is known, until every partition has a leader again.
const ELECTION: Duration = Duration::from_secs(2);
/// How many records a second are written to each topic: half an hour of them fits into memory and onto a small disk.
const PACE: u32 = 500;
/// How many records a topic takes between two faults.
const BETWEEN: u64 = 300;

fn asked(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// The broker of the next fault: the leader of one of the topics, a coordinator, or the controller.
fn victim(brokers: &Brokers, draw: &mut fastrand::Rng) -> i32 {
    let leaders = ALL.iter().map(|topic| brokers.state_of(topic).leader).filter(|id| *id > 0);
    let candidates: Vec<_> = leaders.chain(brokers.controller()).collect();
    draw.choice(candidates).unwrap_or(1)
}

/// What a broker that leads a topic has of it.
fn stored(brokers: &Brokers, topic: &str) -> Vec<u64> {
    let leader = brokers.state_of(topic).leader;
    let found = Connection::to(brokers.all[&leader].port).unwrap().read_all(topic);
    found.into_iter().map(|(_, value)| value.parse().unwrap()).collect()
}

/// What a reader of committed records finds in a topic, up to its end.
fn committed(bootstrap: &str, topic: &str, most: u64) -> Vec<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let settings = ConsumerSettings { read_committed: true, ..ConsumerSettings::new(bootstrap) };
        let mut consumer = Consumer::new(settings).await.unwrap();
        let id = TopicPartition::new(topic, 0);
        consumer.assign([id.clone()]).unwrap();
        consumer.seek_to_beginning(&[]).unwrap();
        let end = consumer.end_offsets(std::slice::from_ref(&id)).await.unwrap()[&id];
        let mut found = Vec::new();
        while consumer.position(&id).await.unwrap() < end && found.len() as u64 <= most {
            let records = consumer.poll(Duration::from_millis(200)).await.unwrap();
            let numbers =
                records.iter().map(|it| std::str::from_utf8(it.value.unwrap()).unwrap().parse().unwrap());
            found.extend(numbers.collect::<Vec<u64>>());
        }
        found
    })
}

/// What lies in a broker's log of a topic.
fn log_bytes(broker: &Broker, topic: &str) -> Vec<u8> {
    let files = std::fs::read_dir(broker.data().join(format!("{topic}-0"))).unwrap();
    let mut segments: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    segments.retain(|path| path.extension().is_some_and(|ending| ending == "log"));
    segments.sort();
    segments.iter().flat_map(|path| std::fs::read(path).unwrap()).collect()
}

/// One fault, until all is well again: for how long partitions may have been without a leader that served.
///
/// A broker that is cut off from the others but not from ZooKeeper is alive to the controller and may be
/// elected, here as in Kafka: then it leads once it is reached.
fn suffer(world: &mut World, watch: &Watch, fault: Fault, victim: i32) -> Duration {
    if World::takes_leaders(fault) {
        watch.set_down(victim, true);
    }
    let struck = Instant::now();
    world.strike(fault, victim);
    world.await_shown(fault, victim, &TOPICS);
    world.mend(fault, victim);
    let known = if World::takes_leaders(fault) { SESSION } else { struck.elapsed().max(SESSION) };
    watch.set_down(victim, false);
    // Only with all in sync again may the next one fail: two must always have everything.
    world.await_whole(&ALL);
    known + ELECTION
}

/// What faults of a kind have brought about.
#[derive(Default)]
struct Figures {
    times: usize,
    of_the_controller: usize,
    /// The longest that a partition had no leader that served.
    leaderless: Duration,
    /// The longest that a producer waited for an acknowledgement.
    unacknowledged: Duration,
}

fn print(faults: &BTreeMap<Fault, Figures>) {
    for (fault, figures) in faults {
        println!(
            "{fault:?}: {} times, {} of them of the controller; longest without a leader {} ms, without an \
             acknowledgement {} ms",
            figures.times,
            figures.of_the_controller,
            figures.leaderless.as_millis(),
            figures.unacknowledged.as_millis()
        );
    }
}

#[test]
fn no_record_acknowledged_by_all_is_lost_whichever_broker_fails() {
    let (seconds, seed) = (asked("BARNABAS_TEST_CHAOS", 45), asked("BARNABAS_TEST_SEED", fastrand::u64(..)));
    println!("BARNABAS_TEST_SEED={seed}");
    let mut draw = fastrand::Rng::with_seed(seed);
    let mut world = World::start();
    for (topic, replicas) in TOPICS.iter().zip(REPLICAS) {
        world.brokers.create_topic(topic, replicas, &["min.insync.replicas=2"]);
    }
    world.brokers.create_topic(COPY, REPLICAS[1], &["min.insync.replicas=2"]);
    let bootstrap = world.brokers.bootstrap();
    let settings = [("enable.idempotence", "true"), ("acks", "all")];
    let floods = TOPICS.map(|topic| Flood::paced(bootstrap.clone(), topic, &settings, Some(PACE)));
    let readers = TOPICS.map(|topic| Reader::start(bootstrap.clone(), topic));
    let members = Members::start(&bootstrap, &TOPICS);
    let copier = Copier::start(bootstrap.clone(), TOPICS[0], COPY);
    floods.iter().for_each(|flood| flood.await_more(BETWEEN));
    world.await_coordinators(&OF_COORDINATORS);
    let watch = Watch::start(&world.brokers, &TOPICS);
    let begun = Instant::now();
    let (mut faults, mut late) = (BTreeMap::<Fault, Figures>::new(), Vec::new());
    // Every kind once, in any order; then as it comes.
    let mut kinds = FAULTS.to_vec();
    draw.shuffle(&mut kinds);
    while begun.elapsed() < Duration::from_secs(seconds) || faults.len() < FAULTS.len() {
        let fault = kinds.pop().unwrap_or_else(|| draw.choice(FAULTS).unwrap());
        let of_ensemble = fault == Fault::KillZooKeeper;
        let victim = if of_ensemble { draw.i32(1..=3) } else { victim(&world.brokers, &mut draw) };
        let is_controller = !of_ensemble && world.brokers.controller() == Some(victim);
        let allowed = suffer(&mut world, &watch, fault, victim);
        floods.iter().for_each(|flood| flood.await_more(BETWEEN));
        watch.await_led();
        let leaderless = watch.take_longest();
        if leaderless > allowed {
            late.push((fault, leaderless, allowed));
        }
        let unacknowledged = floods.iter().map(Flood::take_longest_wait).max().unwrap();
        println!(
            "{:>6.1} s: {fault:?} of {victim}: led again after {} ms, acknowledged again after {} ms",
            begun.elapsed().as_secs_f32(),
            leaderless.as_millis(),
            unacknowledged.as_millis()
        );
        let figures = faults.entry(fault).or_default();
        figures.times += 1;
        figures.of_the_controller += usize::from(is_controller);
        figures.leaderless = figures.leaderless.max(leaderless);
        figures.unacknowledged = figures.unacknowledged.max(unacknowledged);
        match draw.u8(..6) {
            0 | 1 => members.replace(&mut draw),
            2 => copier.replace(),
            _ => {}
        }
    }
    watch.finish();
    let finished = floods.map(Flood::finish);
    let records: usize = finished.iter().map(|(_, acknowledged)| acknowledged.len()).sum();
    world.await_whole(&ALL);
    let longest = faults.values().map(|figures| figures.leaderless).max().unwrap_or_default();
    print(&faults);
    println!(
        "{} faults in {:.0} s, {records} records acknowledged, longest without a leader {} ms",
        faults.values().map(|figures| figures.times).sum::<usize>(),
        begun.elapsed().as_secs_f32(),
        longest.as_millis()
    );
    let counts = finished.iter().map(|(topic, acknowledged)| (*topic, acknowledged.len() as u64)).collect();
    members.finish(&counts);
    let transactions = copier.finish(counts[TOPICS[0]]);
    println!("{} records copied in {transactions} transactions", counts[TOPICS[0]]);
    let copied = committed(&bootstrap, COPY, counts[TOPICS[0]]);
    assert!(copied.into_iter().eq(0..counts[TOPICS[0]]), "the copy is not exact");
    for ((topic, acknowledged), reader) in finished.into_iter().zip(readers) {
        let count = u64::try_from(acknowledged.len()).unwrap();
        assert!(acknowledged.into_iter().eq(0..count), "{topic}: idempotent producers leave nothing out");
        reader.finish(count);
        assert!(
            stored(&world.brokers, topic).into_iter().eq(0..count),
            "{topic}: lost, twice or out of order"
        );
        let logs = world.brokers.all.values().map(|broker| log_bytes(broker, topic));
        let logs: BTreeSet<_> = logs.collect();
        assert!(logs.len() == 1, "{topic}: replicas in sync have different logs");
    }
    assert!(late.is_empty(), "without a leader for longer than allowed: {late:?}");
}
