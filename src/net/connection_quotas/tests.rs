use std::net::Ipv4Addr;

use super::*;
use crate::config::Properties;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

fn config(settings: &[(&str, &str)]) -> BrokerConfig {
    let mut properties = Properties::default();
    properties.set("zookeeper.connect", "localhost:2181");
    for (key, value) in settings {
        properties.set(*key, *value);
    }
    BrokerConfig::read(&properties).unwrap().config
}

fn connections(settings: &[(&str, &str)]) -> Arc<ConnectionQuotas> {
    ConnectionQuotas::new(&config(settings), &BTreeMap::new()).unwrap()
}

/// What is tried at once: None where it has to wait.
fn try_slot(
    connections: &Arc<ConnectionQuotas>,
    listener: &str,
    address: IpAddr,
) -> Option<Result<ConnectionSlot, Rejected>> {
    connections.open(listener, address)
}

const TWO_LISTENERS: [(&str, &str); 3] = [
    ("listeners", "INTERNAL://:9091,EXTERNAL://:9092"),
    ("listener.security.protocol.map", "INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT"),
    ("inter.broker.listener.name", "INTERNAL"),
];

#[test]
fn an_address_has_its_share_and_its_override() {
    let limits =
        connections(&[("max.connections.per.ip", "1"), ("max.connections.per.ip.overrides", "10.0.0.1:2")]);
    let first = try_slot(&limits, "PLAINTEXT", HERE).unwrap().unwrap();
    let refused = try_slot(&limits, "PLAINTEXT", HERE).unwrap().unwrap_err();
    assert_eq!(refused, Rejected::Address(1));
    let _others = [(); 2].map(|()| try_slot(&limits, "PLAINTEXT", THERE).unwrap().unwrap());
    assert!(try_slot(&limits, "PLAINTEXT", THERE).unwrap().is_err());
    drop(first);
    assert!(try_slot(&limits, "PLAINTEXT", HERE).unwrap().is_ok());
}

#[tokio::test]
async fn a_connection_without_a_slot_waits_until_one_is_given_back() {
    let limits = connections(&[("max.connections", "1")]);
    let first = limits.acquire("PLAINTEXT", HERE).await.unwrap();
    let waiting = tokio::spawn({
        let limits = limits.clone();
        async move { limits.acquire("PLAINTEXT", HERE).await.map(drop) }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    drop(first);
    waiting.await.unwrap().unwrap();
    assert_eq!(limits.count(), 0);
}

#[tokio::test]
async fn more_room_is_made_while_it_runs() {
    let limits = connections(&[("max.connections", "1")]);
    let first = limits.acquire("PLAINTEXT", HERE).await.unwrap();
    assert!(try_slot(&limits, "PLAINTEXT", HERE).is_none());
    limits.reconfigure(&config(&[("max.connections", "2")]), &BTreeMap::new()).unwrap();
    let second = limits.acquire("PLAINTEXT", HERE).await.unwrap();
    first.activity().mark();
    limits.reconfigure(&config(&[("max.connections", "1")]), &BTreeMap::new()).unwrap();
    let closed = [&first, &second].map(|slot| slot.over().is_cancelled());
    assert_eq!(closed.iter().filter(|closed| **closed).count(), 1, "one is one too many");
}

#[test]
fn the_brokers_listener_is_never_full_and_others_make_room_for_it() {
    let settings = [&TWO_LISTENERS[..], &[("max.connections", "2")]].concat();
    let limits = connections(&settings);
    let idle = try_slot(&limits, "EXTERNAL", HERE).unwrap().unwrap();
    let _busy = try_slot(&limits, "EXTERNAL", HERE).unwrap().unwrap();
    assert!(try_slot(&limits, "EXTERNAL", HERE).is_none());
    let internal = try_slot(&limits, "INTERNAL", HERE).unwrap().unwrap();
    assert!(idle.over().is_cancelled());
    assert!(!internal.over().is_cancelled());
}

#[test]
fn a_listener_has_limits_of_its_own() {
    let own = ListenerLimits { connections: Some(1), creation_rate: None };
    let own = BTreeMap::from([("EXTERNAL".to_owned(), own)]);
    let limits = ConnectionQuotas::new(&config(&TWO_LISTENERS), &own).unwrap();
    let _first = try_slot(&limits, "EXTERNAL", HERE).unwrap().unwrap();
    assert!(try_slot(&limits, "EXTERNAL", HERE).is_none());
    limits.reconfigure(&config(&TWO_LISTENERS), &BTreeMap::new()).unwrap();
    assert!(try_slot(&limits, "EXTERNAL", HERE).is_some());
}

#[test]
fn connections_that_come_too_fast_wait() {
    let limits = connections(&[("max.connection.creation.rate", "1")]);
    let mut state = limits.state.lock();
    // The ten full windows that a rate is at least measured over have room for ten.
    let waits: Vec<_> = (0..11).map(|_| state.throttle("PLAINTEXT", 0)).collect();
    assert_eq!(waits, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1000]);
    assert_eq!(limits.longest_throttle, 1000);
}

/// SocketLimits of a process that may hold two connections, and closes one unused for `spare_after` to hold another.
fn scarce(spare_after: Duration) -> Arc<ConnectionQuotas> {
    let mut limits = connections(&TWO_LISTENERS);
    let it = Arc::get_mut(&mut limits).unwrap();
    (it.descriptors, it.spare_after) = (2, spare_after);
    limits
}

#[test]
fn when_descriptors_are_scarce_used_connections_stay_and_new_ones_are_rejected() {
    let limits = scarce(Duration::from_secs(3600));
    let slots = [(); 2].map(|()| try_slot(&limits, "EXTERNAL", HERE).unwrap().unwrap());
    for listener in ["EXTERNAL", "INTERNAL"] {
        assert_eq!(try_slot(&limits, listener, HERE).unwrap().unwrap_err(), Rejected::Descriptors(2));
    }
    assert!(slots.iter().all(|slot| !slot.over().is_cancelled()));
    drop(slots);
    assert!(try_slot(&limits, "EXTERNAL", HERE).unwrap().is_ok());
}

#[test]
fn when_descriptors_are_scarce_an_unused_connection_makes_room() {
    let limits = scarce(Duration::ZERO);
    let brokers = try_slot(&limits, "INTERNAL", HERE).unwrap().unwrap();
    let unused = try_slot(&limits, "EXTERNAL", HERE).unwrap().unwrap();
    let newer = try_slot(&limits, "EXTERNAL", HERE).unwrap().unwrap();
    assert!(unused.over().is_cancelled());
    assert!(!brokers.over().is_cancelled() && !newer.over().is_cancelled());
    limits.shed();
    assert!(newer.over().is_cancelled(), "files had none left");
    limits.shed();
    assert!(!brokers.over().is_cancelled(), "brokers are never shed");
}
