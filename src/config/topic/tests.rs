use super::*;

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn refusal(key: &str, value: &str) -> String {
    TopicConfig::default().with_overrides(&pairs(&[(key, value)])).unwrap_err().to_string()
}

#[test]
fn a_topics_own_values_stand_over_the_defaults() {
    let config = TopicConfig::default()
        .with_overrides(&pairs(&[("retention.ms", " 5 "), ("cleanup.policy", "compact, delete")]));
    let config = config.unwrap();
    assert_eq!((config.retention_ms, config.segment_bytes), (5, 1_073_741_824));
    assert_eq!(config.cleanup_policy, ["compact", "delete"]);
}

#[test]
fn refusals_have_kafkas_words() {
    assert_eq!(refusal("no.such", "1"), "Unknown topic config name: no.such");
    assert_eq!(
        refusal("retention.ms", "abc"),
        "Invalid value abc for configuration retention.ms: Not a number of type LONG"
    );
    assert_eq!(
        refusal("segment.bytes", "13"),
        "Invalid value 13 for configuration segment.bytes: Value must be at least 14"
    );
    assert_eq!(
        refusal("min.cleanable.dirty.ratio", "1.5"),
        "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than 1"
    );
    assert_eq!(
        refusal("min.cleanable.dirty.ratio", "2"),
        "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1"
    );
    assert_eq!(
        refusal("message.timestamp.type", "Never"),
        "Invalid value Never for configuration message.timestamp.type: String must be one of: CreateTime, LogAppendTime"
    );
    assert_eq!(
        refusal("preallocate", "yes"),
        "Invalid value yes for configuration preallocate: Expected value to be either true or false"
    );
    assert!(
        refusal("leader.replication.throttled.replicas", "0:1,x")
            .contains("must be the literal '*' or a list of replicas")
    );
}
