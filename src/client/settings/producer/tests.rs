use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<ProducerSettings, ClientError> {
    let properties: Properties = [("bootstrap.servers", "h:1")].iter().chain(pairs).copied().collect();
    ProducerSettings::read(&properties)
}

fn text(pairs: &[(&str, &str)]) -> String {
    read(pairs).unwrap_err().to_string()
}

#[test]
fn defaults_are_kafkas() {
    let read = read(&[]).unwrap();
    let made = ProducerSettings::new("h:1");
    assert_eq!(format!("{read:?}"), format!("{made:?}"));
    assert_eq!(
        (read.acks, read.batch_size, read.buffer_memory, read.retries),
        (1, 16384, 32 << 20, 2_147_483_647)
    );
    assert!(!read.idempotent && read.transactional_id.is_none());
}

#[test]
fn a_transactional_id_makes_it_idempotent() {
    let settings = read(&[("transactional.id", "loop"), ("transaction.timeout.ms", "5000")]).unwrap();
    assert_eq!((settings.idempotent, settings.acks), (true, -1));
    assert_eq!(
        (settings.cluster.client_id.as_str(), settings.transaction_timeout.as_secs()),
        ("producer-loop", 5)
    );
    assert!(settings.ignored.is_empty());
}

#[test]
fn settings_that_exclude_each_other_are_refused_in_kafkas_words() {
    let idempotent = ("enable.idempotence", "true");
    assert_eq!(
        text(&[idempotent, ("acks", "1")]),
        "Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence."
    );
    assert_eq!(
        text(&[idempotent, ("retries", "0")]),
        "Must set retries to non-zero when using the idempotent producer."
    );
    assert_eq!(
        text(&[idempotent, ("max.in.flight.requests.per.connection", "6")]),
        "Must set max.in.flight.requests.per.connection to at most 5 to use the idempotent producer."
    );
    assert_eq!(
        text(&[("transactional.id", "x"), ("enable.idempotence", "false")]),
        "Cannot set a transactional.id without also enabling idempotence."
    );
    assert_eq!(
        text(&[("delivery.timeout.ms", "10")]),
        "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms"
    );
}

#[test]
fn values_are_checked_in_kafkas_words() {
    for (key, value, reason) in [
        ("linger.ms", "-1", "Value must be at least 0"),
        ("batch.size", "4294967296", "Not a number of type INT"),
        ("buffer.memory", "many", "Not a number of type LONG"),
        ("acks", "2", "String must be one of: all, -1, 0, 1"),
        ("transactional.id", "", "String must be non-empty"),
        ("partitioner.class", "com.example.Mine", "Class com.example.Mine could not be found."),
        ("enable.idempotence", "maybe", "Expected value to be either true or false"),
    ] {
        assert_eq!(text(&[(key, value)]), format!("Invalid value {value} for configuration {key}: {reason}"));
    }
}

#[test]
fn a_level_is_that_of_the_codec() {
    let levels =
        [("compression.gzip.level", "7"), ("compression.zstd.level", "12"), ("compression.lz4.level", "3")];
    for (codec, level) in [("gzip", Some(7)), ("zstd", Some(12)), ("lz4", Some(3)), ("snappy", None)] {
        let settings = read(&[&[("compression.type", codec)], &levels[..]].concat()).unwrap();
        assert_eq!(settings.compression_level, level, "{codec}");
    }
    assert_eq!(
        read(&[("compression.type", "gzip"), ("compression.gzip.level", "-1")]).unwrap().compression_level,
        None
    );
    assert!(read(&[("compression.lz4.level", "18")]).is_err());
}

#[test]
fn deliveries_last_at_least_as_long_as_a_request_that_lingered() {
    let settings = read(&[("request.timeout.ms", "150000"), ("linger.ms", "5")]).unwrap();
    assert_eq!(settings.delivery_timeout, Duration::from_millis(150_005));
}
