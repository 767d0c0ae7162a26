//! What the recorded znodes of `tests/formats` do not show: other formats, unknown members, bad data.

use super::config_entity::ConfigEntity;
use super::partition_state::PartitionStateZNode;
use super::topic::TopicZNode;
use super::*;
use crate::base::SecurityProtocol;

#[test]
fn a_registration_of_any_format_is_read() {
    let v1 = br#"{"jmx_port":-1,"timestamp":"7","host":"h","version":1,"port":9092}"#;
    let read = broker::decode(3, v1, 9).unwrap();
    assert_eq!((read.id, read.epoch, read.endpoints[0].to_string().as_str()), (3, 9, "PLAINTEXT://h:9092"));
    let v3 = br#"{"endpoints":["SSL://h:1"],"jmx_port":9,"port":-1,"host":null,"version":3,"timestamp":"7","rack":"r"}"#;
    let read = broker::decode(3, v3, 9).unwrap();
    assert_eq!((read.endpoints[0].protocol, read.rack.as_deref()), (SecurityProtocol::Ssl, Some("r")));
    let v5 = br#"{"features":{"f":{"min_version":1,"max_version":3}},"listener_security_protocol_map":{"IN":"SASL_SSL"},"endpoints":["IN://[::1]:1"],"jmx_port":-1,"port":-1,"host":null,"version":5,"timestamp":"7"}"#;
    let read = broker::decode(3, v5, 9).unwrap();
    let versions = crate::base::features::SupportedVersionRange::new(1, 3).unwrap();
    assert_eq!((read.features["f"], read.endpoints[0].host.as_str()), (versions, "::1"));
}

#[test]
fn members_of_later_versions_survive_a_rewrite() {
    let topic =
        br#"{"version":2,"partitions":{"0":[1]},"adding_replicas":{},"removing_replicas":{},"topic_id":"x"}"#;
    assert_eq!(TopicZNode::decode(topic).unwrap().encode(), topic);
    let state = br#"{"controller_epoch":1,"leader":3,"version":1,"leader_epoch":0,"isr":[3],"leader_recovery_state":0}"#;
    assert_eq!(PartitionStateZNode::decode(state, 0).unwrap().encode(), state);
    let config = br#"{"version":1,"config":{"a":"b"},"since":9}"#;
    assert_eq!(ConfigEntity::decode(config).unwrap().encode(), config);
}

#[test]
fn a_topic_of_format_1_has_no_reassignments() {
    let read = TopicZNode::decode(br#"{"version":1,"partitions":{"1":[1],"0":[2,1]}}"#).unwrap();
    assert_eq!((read.partitions[&0].replicas.as_slice(), read.partitions[&1].adding.len()), (&[2, 1][..], 0));
}

#[test]
fn what_cannot_be_read_is_an_error_and_no_panic() {
    let bad: [&[u8]; 8] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        br#"{"version":"x"}"#,
        br#"{"version":99999999999}"#,
        b"{\"version\":2}",
    ];
    for data in bad {
        assert!(broker::decode(1, data, 0).is_err());
        assert!(PartitionStateZNode::decode(data, 0).is_err());
        assert!(config_change::decode(data).is_err());
        assert!(controller_epoch::decode(data).is_err());
        assert!(controller::decode(data).is_err());
        assert!(token::Token::decode(data).is_err());
        assert!(isr_change::decode(data).is_err());
        assert!(acl_extended_change::AclExtendedChange::decode(data).is_err());
    }
    assert!(TopicZNode::decode(br#"{"version":2,"partitions":{"zero":[1]}}"#).is_err());
    assert!(acl::decode(br#"{"version":2,"acls":[]}"#).is_err());
    assert!(acl_change::decode(b"no colon").is_err());
}

#[test]
fn control_characters_are_escaped_as_jackson_does() {
    let entity =
        ConfigEntity { config: vec![("k".to_owned(), "\u{1f}\t\"\\é/".to_owned())], ..Default::default() };
    let text = String::from_utf8(entity.encode()).unwrap();
    assert_eq!(text, "{\"version\":1,\"config\":{\"k\":\"\\u001F\\t\\\"\\\\é/\"}}");
}

#[test]
fn names_of_sequential_znodes_end_in_their_number() {
    assert_eq!(sequence_number("config_change_0000000012", "config_change_"), Some(12));
    assert_eq!(sequence_number("config_change_", "config_change_"), None);
    assert_eq!(sequence_number("other_0000000012", "config_change_"), None);
}
