//! A broker killed again and again under heavy producing: what it acknowledged is there, once, in order.
//!
//! `BARNABAS_TEST_KILLS` is the number of kills (6 by default).

use std::collections::HashMap;
use std::time::Instant;

use crate::support::flood::Flood;
use crate::support::{Broker, Chroot, Connection};

fn numbers(port: u16, topic: &str) -> Vec<u64> {
    let found = Connection::to(port).unwrap().read_all(topic);
    found.into_iter().map(|(_, value)| value.parse().unwrap()).collect()
}

#[test]
fn killed_under_heavy_producing_nothing_acknowledged_is_missing_and_with_idempotence_none_is_twice() {
    let kills = std::env::var("BARNABAS_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    let chroot = Chroot::new();
    let mut broker = Broker::start_with(1, &chroot.connect(), &[("zookeeper.session.timeout.ms", "1000")]);
    let floods = [
        Flood::start(broker.bootstrap(), "one", &[("acks", "1")]),
        Flood::start(broker.bootstrap(), "all", &[("acks", "all"), ("enable.idempotence", "true")]),
        Flood::start(
            broker.bootstrap(),
            "lz4",
            &[("enable.idempotence", "true"), ("compression.type", "lz4")],
        ),
    ];
    let begun = Instant::now();
    for _ in 0..kills {
        floods.iter().for_each(|flood| flood.await_more(5000));
        broker.kill();
        broker.restart();
    }
    floods.iter().for_each(|flood| flood.await_more(5000));
    let finished = floods.map(Flood::finish);
    let seconds = begun.elapsed().as_secs();
    for (topic, acknowledged) in finished {
        let stored = numbers(broker.port, topic);
        let mut times: HashMap<u64, usize> = HashMap::new();
        for number in &stored {
            *times.entry(*number).or_default() += 1;
        }
        println!(
            "{topic}: {kills} kills in {seconds} s, {} records acknowledged, {} held",
            acknowledged.len(),
            stored.len()
        );
        let missing: Vec<_> = acknowledged.iter().filter(|number| !times.contains_key(number)).collect();
        assert!(missing.is_empty(), "{topic}: acknowledged and missing: {missing:?}");
        if topic != "one" {
            let odd: Vec<_> = stored.windows(2).filter(|pair| pair[0] >= pair[1]).collect();
            assert!(odd.is_empty(), "{topic}: twice or out of order: {odd:?}");
        }
    }
}
