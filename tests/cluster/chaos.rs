//! Three brokers of which one after the other fails in some way, while producers and checking readers go on: nothing that
//! all in sync acknowledged is lost, twice or out of order, and every partition is soon led again.
//!
//! `BARNABAS_TEST_CHAOS` says for how many seconds (20 by default), `BARNABAS_TEST_SEED` which faults come in which order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::support::cluster::Brokers;
use crate::support::flood::Flood;
use crate::support::{Connection, Proxy, eventually, free_port};

const TOPICS: [(&str, &str); 3] = [("one", "1:2:3"), ("two", "2:3:1"), ("three", "3:1:2")];
/// The session timeout, and two seconds more.
const LEADERLESS: Duration = Duration::from_secs(4);
const SOON: Duration = Duration::from_secs(60);

fn asked(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// What befalls a broker.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It is killed, and started again.
    Kill,
    /// It stands still for longer than its session lasts.
    Stall,
    /// It is stopped in order, and started again.
    Restart,
    /// Other brokers do not reach it, and neither does it itself.
    Cut,
    /// It does not reach ZooKeeper for longer than its session lasts.
    Orphan,
}

const FAULTS: [Fault; 5] = [Fault::Kill, Fault::Stall, Fault::Restart, Fault::Cut, Fault::Orphan];

/// The brokers, and what lies between them and others: in front of each one's listener for brokers, and between each one
/// and ZooKeeper.
struct World {
    brokers: Brokers,
    between: BTreeMap<i32, Proxy>,
    zookeeper: BTreeMap<i32, Proxy>,
}

impl World {
    fn start() -> Self {
        let (mut between, mut zookeeper) = (BTreeMap::new(), BTreeMap::new());
        let settings = [("auto.create.topics.enable", "false"), ("inter.broker.listener.name", "BETWEEN")];
        let brokers = Brokers::start_each(3, &settings, |id, chroot| {
            let inside = free_port();
            let front = Proxy::to(&format!("127.0.0.1:{inside}"));
            let ensemble = Proxy::to(chroot.server());
            let plain = "PLAINTEXT://127.0.0.1:{port}";
            let own = vec![
                ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,BETWEEN:PLAINTEXT".to_owned()),
                ("listeners", format!("{plain},BETWEEN://127.0.0.1:{inside}")),
                ("advertised.listeners", format!("{plain},BETWEEN://{}", front.address())),
                ("zookeeper.connect", format!("{}{}", ensemble.address(), chroot.path())),
            ];
            between.insert(id, front);
            zookeeper.insert(id, ensemble);
            own
        });
        Self { brokers, between, zookeeper }
    }
}

/// A broker to suffer next: whoever leads one of the topics, or is controller.
fn victim(brokers: &Brokers, draw: &mut fastrand::Rng) -> i32 {
    let leads = |topic: &str| Some(brokers.state_of(topic).leader).filter(|id| *id > 0);
    let candidates = TOPICS.iter().filter_map(|(topic, _)| leads(topic)).chain(brokers.controller());
    let candidates: Vec<_> = candidates.collect();
    draw.choice(candidates).unwrap_or(1)
}

/// Until every topic is led by a broker other than `victim`, as ZooKeeper has it; how long that took.
fn await_leaders(brokers: &Brokers, victim: i32) -> Duration {
    let begun = Instant::now();
    eventually("every partition has a leader again", SOON, || {
        let led = |topic: &str| ![-1, victim].contains(&brokers.state_of(topic).leader);
        TOPICS.iter().all(|(topic, _)| led(topic)).then_some(())
    });
    begun.elapsed()
}

/// Until some partition has fewer in sync, where a broker that others do not reach can bring that about: it leads
/// something, and the controller is another.
fn await_shrunk(brokers: &Brokers, victim: i32) {
    let leads = TOPICS.iter().any(|(topic, _)| brokers.state_of(topic).leader == victim);
    if !leads || brokers.controller() == Some(victim) {
        return std::thread::sleep(Duration::from_secs(1));
    }
    eventually("the ISR shrinks", SOON, || {
        TOPICS.iter().any(|(topic, _)| brokers.state_of(topic).isr.len() < 3).then_some(())
    });
}

fn suffer(world: &mut World, victim: i32, fault: Fault) -> Duration {
    let World { brokers, between, zookeeper } = world;
    match fault {
        Fault::Kill => brokers.broker(victim).kill(),
        Fault::Stall => brokers.broker(victim).process().stand_still(),
        Fault::Restart => brokers.broker(victim).stop(),
        Fault::Cut => between[&victim].cut(),
        Fault::Orphan => zookeeper[&victim].cut(),
    }
    // Whom others do not reach leads on, but soon alone.
    let leaderless = match fault {
        Fault::Cut => {
            await_shrunk(brokers, victim);
            Duration::ZERO
        }
        _ => await_leaders(brokers, victim),
    };
    match fault {
        Fault::Kill => brokers.broker(victim).restart_after_crash(),
        Fault::Stall => brokers.broker(victim).process().signal("CONT"),
        Fault::Restart => brokers.broker(victim).restart(),
        Fault::Cut => between[&victim].mend(),
        Fault::Orphan => zookeeper[&victim].mend(),
    }
    leaderless
}

/// What a broker that leads a topic has of it.
fn held(brokers: &Brokers, topic: &str) -> Vec<u64> {
    let leader = brokers.state_of(topic).leader;
    let found = Connection::to(brokers.all[&leader].port).unwrap().read_all(topic);
    found.into_iter().map(|(_, value)| value.parse().unwrap()).collect()
}

#[test]
fn nothing_acknowledged_by_all_is_lost_whoever_fails() {
    let (seconds, seed) = (asked("BARNABAS_TEST_CHAOS", 20), asked("BARNABAS_TEST_SEED", fastrand::u64(..)));
    println!("BARNABAS_TEST_SEED={seed}");
    let mut draw = fastrand::Rng::with_seed(seed);
    let mut world = World::start();
    for (topic, replicas) in TOPICS {
        world.brokers.create_topic(topic, replicas, &["min.insync.replicas=2"]);
    }
    let bootstrap = world.brokers.bootstrap();
    let settings = [("enable.idempotence", "true"), ("acks", "all")];
    let floods = TOPICS.map(|(topic, _)| Flood::start(bootstrap.clone(), topic, &settings));
    let begun = Instant::now();
    let (mut faults, mut longest) = (0, Duration::ZERO);
    while begun.elapsed() < Duration::from_secs(seconds) || faults < 3 {
        floods.iter().for_each(|flood| flood.await_more(1000));
        let fault = draw.choice(FAULTS).unwrap();
        let victim = victim(&world.brokers, &mut draw);
        let leaderless = suffer(&mut world, victim, fault);
        println!("{fault:?} of broker {victim}: led again after {} ms", leaderless.as_millis());
        longest = longest.max(leaderless);
        faults += 1;
        // Only with all in sync again may the next one fail: two must always have everything.
        eventually("all are in sync again", SOON, || {
            TOPICS.iter().all(|(topic, _)| world.brokers.state_of(topic).isr.len() == 3).then_some(())
        });
    }
    floods.iter().for_each(|flood| flood.await_more(1000));
    let finished = floods.map(Flood::finish);
    let records: usize = finished.iter().map(|(_, acknowledged)| acknowledged.len()).sum();
    println!(
        "{faults} faults, {records} records acknowledged, longest without a leader {} ms",
        longest.as_millis()
    );
    for (topic, acknowledged) in finished {
        let held = held(&world.brokers, topic);
        assert!(held.windows(2).all(|pair| pair[0] < pair[1]), "{topic}: twice or out of order");
        let held: BTreeSet<_> = held.into_iter().collect();
        let missing: Vec<_> = acknowledged.iter().filter(|number| !held.contains(number)).collect();
        assert!(missing.is_empty(), "{topic}: acknowledged and missing: {missing:?}");
    }
    assert!(longest < LEADERLESS, "{longest:?}");
}
