use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<ConsumerSettings, ClientError> {
    ConsumerSettings::read(&pairs.iter().copied().collect())
}

/// Kafka's text for a setting that cannot be.
fn refusal(pairs: &[(&str, &str)]) -> String {
    read(pairs).unwrap_err().to_string()
}

#[test]
fn what_is_not_set_is_as_in_kafka() {
    let alone = read(&[]).unwrap();
    assert_eq!((alone.group_id.as_deref(), alone.enable_auto_commit), (None, false));
    assert_eq!((alone.max_poll_records, alone.fetch_max_bytes), (500, 52_428_800));
    assert_eq!((alone.offset_reset, alone.read_committed), (OffsetReset::Latest, false));
    assert!(alone.check_crcs && alone.exclude_internal_topics && alone.group().is_none());
    let member = read(&[("group.id", "g"), ("session.timeout.ms", "6000")]).unwrap();
    assert!(member.enable_auto_commit, "a member commits by itself");
    let group = member.group().unwrap();
    assert_eq!((group.group_id.as_str(), group.session_timeout), ("g", Duration::from_secs(6)));
    assert_eq!(member.assignors[0].name(), "range");
}

#[test]
fn every_key_is_read_and_none_is_ignored() {
    let assignors = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor,RoundRobinAssignor";
    let settings = read(&[
        ("group.id", "g"),
        ("group.instance.id", "i"),
        ("enable.auto.commit", "false"),
        ("partition.assignment.strategy", assignors),
        ("auto.offset.reset", "none"),
        ("isolation.level", "read_committed"),
        ("client.rack", "r"),
        ("check.crcs", "FALSE"),
        ("max.poll.records", "7"),
        ("metadata.max.age.ms", "1000"),
        ("key.deserializer", "x"),
    ])
    .unwrap();
    assert_eq!(settings.ignored, []);
    let names: Vec<_> = settings.assignors.iter().map(|it| it.name().to_owned()).collect();
    assert_eq!(names, ["cooperative-sticky", "roundrobin"]);
    assert_eq!((settings.offset_reset, settings.read_committed), (OffsetReset::None, true));
    assert_eq!(
        (settings.client_rack.as_str(), settings.check_crcs, settings.max_poll_records),
        ("r", false, 7)
    );
    assert_eq!(settings.cluster.metadata_max_age, Duration::from_secs(1));
}

#[test]
fn what_cannot_be_is_refused_in_kafkas_words() {
    for (key, value, reason) in [
        ("max.poll.records", "0", "Value must be at least 1"),
        ("fetch.min.bytes", "-1", "Value must be at least 0"),
        ("fetch.max.wait.ms", "x", "Not a number of type INT"),
        ("isolation.level", "none", "String must be one of: read_committed, read_uncommitted"),
        ("auto.offset.reset", "first", "String must be one of: latest, earliest, none"),
        ("check.crcs", "yes", "Expected value to be either true or false"),
        ("partition.assignment.strategy", "a.B", "Class a.B could not be found."),
    ] {
        let wanted = format!("Invalid value {value} for configuration {key}: {reason}");
        assert_eq!(refusal(&[(key, value)]), wanted);
    }
    let text = "enable.auto.commit cannot be set to true when default group id (null) is used.";
    assert_eq!(refusal(&[("enable.auto.commit", "true")]), text);
}
