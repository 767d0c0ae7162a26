use super::*;

fn limits(settings: &[(&str, &str)]) -> Arc<SocketLimits> {
    let mut properties = Properties::default();
    properties.set("zookeeper.connect", "localhost:2181");
    for (key, value) in settings {
        properties.set(*key, *value);
    }
    let config = BrokerConfig::read(&properties).unwrap().config;
    SocketLimits::new(&config, &properties).unwrap()
}

fn is_ready<T>(work: impl Future<Output = T>) -> Option<T> {
    futures_util::FutureExt::now_or_never(work)
}

#[test]
fn memory_is_given_back_with_the_last_slice_of_a_frame() {
    let limits = limits(&[("queued.max.request.bytes", "100"), ("socket.request.max.bytes", "100")]);
    let frame = is_ready(limits.memory(100)).unwrap().by(Bytes::from(vec![1; 100]));
    let slice = frame.slice(90..);
    drop(frame);
    assert!(is_ready(limits.memory(1)).is_none());
    drop(slice);
    assert!(is_ready(limits.memory(1)).is_some());
}

#[test]
fn a_request_passes_as_long_as_any_memory_is_left() {
    let limits = limits(&[("queued.max.request.bytes", "100"), ("socket.request.max.bytes", "100")]);
    let _first = is_ready(limits.memory(99)).unwrap();
    let _second = is_ready(limits.memory(100)).unwrap();
    assert!(is_ready(limits.memory(1)).is_none());
}

#[test]
fn requests_wait_for_those_before_them_to_be_taken_up() {
    let limits = limits(&[("queued.max.requests", "1")]);
    let first = is_ready(limits.request()).unwrap();
    assert!(is_ready(limits.request()).is_none());
    drop(first);
    assert!(is_ready(limits.request()).is_some());
}

#[test]
fn a_listeners_own_limit_has_to_be_a_number() {
    let mut properties = Properties::default();
    properties.set("zookeeper.connect", "localhost:2181");
    properties.set("listener.name.plaintext.max.connections", "many");
    let config = BrokerConfig::read(&properties).unwrap().config;
    let error = SocketLimits::new(&config, &properties).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Invalid value many for configuration listener.name.plaintext.max.connections: Not a number of type INT"
    );
}

/// Settings with two listeners and these limits.
fn settings(limits: &[(&str, &str)]) -> Arc<LayeredSettings> {
    let mut pairs = Properties::default();
    let listeners = [
        ("zookeeper.connect", "localhost:2181"),
        ("listeners", "INTERNAL://:9091,EXTERNAL://:9092"),
        ("listener.security.protocol.map", "INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT"),
        ("inter.broker.listener.name", "INTERNAL"),
    ];
    for (key, value) in listeners.iter().chain(limits) {
        pairs.set(*key, *value);
    }
    let broker = BrokerConfig::read(&pairs).unwrap().config;
    Arc::new(LayeredSettings { broker, throttles: Default::default(), pairs })
}

#[test]
fn a_change_by_which_a_listener_would_accept_nothing_is_refused() {
    let refusal = |before: &[(&str, &str)], now: &[(&str, &str)]| {
        let change = SettingsChange { before: settings(before), now: settings(now) };
        SocketLimits::validate_reconfiguration(&change).map_err(|error| error.to_string())
    };
    let own = "listener.name.external.max.connections";
    let rate = "listener.name.external.max.connection.creation.rate";
    assert_eq!(refusal(&[], &[(own, "1"), (rate, "1")]), Ok(()));
    assert_eq!(refusal(&[], &[(own, "0")]), Err("Invalid max.connections 0".to_owned()));
    assert_eq!(refusal(&[], &[(rate, "-1")]), Err("Invalid max.connection.creation.rate -1".to_owned()));
    let brokers = ("max.connections", "0");
    assert_eq!(refusal(&[], &[brokers]), Err("Invalid max.connections 0".to_owned()));
    assert_eq!(refusal(&[(own, "0")], &[(own, "0")]), Ok(()), "it was so from the start");
}
