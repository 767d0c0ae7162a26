use super::*;

fn own<const N: usize>(pairs: [(&str, &str); N]) -> OwnConfigs {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn layers() -> Layers {
    Layers::new(
        [("zookeeper.connect", "localhost"), ("log.retention.hours", "2"), ("num.io.threads", "8")]
            .into_iter()
            .collect(),
    )
}

fn refusal(layer: Layer, pair: (&str, &str)) -> String {
    layers().check(layer, &own([pair])).unwrap_err().to_string()
}

#[test]
fn a_brokers_own_config_goes_before_that_of_all_brokers_and_that_before_the_file() {
    let mut layers = layers();
    assert_eq!(layers.settings().unwrap().broker.retention_ms(), 2 * 3_600_000);
    assert!(layers.take(Layer::AllBrokers, own([("log.retention.ms", "300000")])).is_empty());
    assert_eq!(layers.settings().unwrap().broker.retention_ms(), 5 * 60_000);
    assert!(layers.take(Layer::Broker, own([("log.retention.ms", "7")])).is_empty());
    assert_eq!(layers.settings().unwrap().broker.retention_ms(), 7);
    assert!(layers.take(Layer::Broker, own([])).is_empty());
    assert_eq!(layers.settings().unwrap().broker.retention_ms(), 5 * 60_000);
}

#[test]
fn throttles_come_from_zookeeper_only() {
    let mut layers = layers();
    assert!(layers.take(Layer::Broker, own([("leader.replication.throttled.rate", "1000")])).is_empty());
    let throttles = layers.settings().unwrap().throttles;
    assert_eq!(throttles.leader_replication_throttled_rate, 1000);
    assert_eq!(throttles.follower_replication_throttled_rate, i64::MAX);
}

#[test]
fn what_may_not_change_is_refused_in_kafkas_words() {
    assert_eq!(
        refusal(Layer::Broker, ("log.dirs", "/x")),
        "Cannot update these configs dynamically: Set(log.dirs)"
    );
    assert_eq!(
        refusal(Layer::AllBrokers, ("advertised.listeners", "PLAINTEXT://a:1")),
        "Cannot update these configs at default cluster level, broker id must be specified: Set(advertised.listeners)"
    );
    assert_eq!(
        refusal(Layer::Broker, ("ssl.keystore.location", "/x")),
        "These security configs can be dynamically updated only per-listener using the listener prefix: \
         HashSet(ssl.keystore.location)"
    );
    assert_eq!(
        refusal(Layer::Broker, ("log.retention.ms", "soon")),
        "Invalid value soon for configuration log.retention.ms: Not a number of type LONG"
    );
}

#[test]
fn what_may_change_is_taken() {
    for pair in [("num.io.threads", "16"), ("log.cleaner.threads", "2"), ("somebodys.own", "x")] {
        assert_eq!(layers().check(Layer::Broker, &own([pair])).map(drop), Ok(()));
    }
    let limit = ("listener.name.plaintext.max.connections", "10");
    assert_eq!(layers().check(Layer::AllBrokers, &own([limit])).map(drop), Ok(()));
}

#[test]
fn invalid_configs_in_zookeeper_are_left_out_and_reported() {
    let mut layers = layers();
    let warnings = layers.take(
        Layer::AllBrokers,
        own([("broker.id", "7"), ("log.retention.ms", "soon"), ("message.max.bytes", "9")]),
    );
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert_eq!(layers.own(Layer::AllBrokers), &own([("message.max.bytes", "9")]));
    assert_eq!(layers.settings().unwrap().broker.message_max_bytes, 9);
}
