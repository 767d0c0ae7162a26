//! Every znode that Kafka 2.7.2 was seen to write: it matches its schema, and this project's codecs reproduce
//! every byte.

use std::collections::BTreeSet;

use barnabas::config::KafkaVersion;
use barnabas::zk::znode::*;
use serde_json::Value;

use crate::support::root;
use crate::support::znodes::Schemas;

/// Path and data of the znodes in a file of `data/znodes/`.
fn recorded(file: &str) -> Vec<(String, Vec<u8>)> {
    let text = std::fs::read_to_string(root().join("tests/formats/data/znodes").join(file)).unwrap();
    text.lines()
        .map(|line| line.split_once('\t').expect("path, tab, data"))
        .map(|(path, data)| (path.to_owned(), data.as_bytes().to_vec()))
        .collect()
}

/// What our codec of this name makes of the data after reading it.
fn rewritten(name: &str, path: &str, data: &[u8]) -> Result<Vec<u8>, ZnodeError> {
    Ok(match name {
        "acl" => acl::encode(&acl::decode(data)?),
        "acl_extended" => acl_extended::encode(&acl_extended::decode(data)?),
        "acl_change" => {
            let (resource_type, name) = acl_change::decode(data)?;
            acl_change::encode(&resource_type, &name)
        }
        "acl_extended_change" => acl_extended_change::AclExtendedChange::decode(data)?.encode(),
        "broker" => registration(path, data)?.encode(),
        "broker_sequence" => broker_sequence::DATA.to_vec(),
        "cluster_id" => cluster_id::encode(&cluster_id::decode(data)?),
        "config_change" => config_change::encode(&config_change::decode(data)?),
        "config_entity" => config_entity::ConfigEntity::decode(data)?.encode(),
        "consumer_offset" => consumer_offset::encode(consumer_offset::decode(data)?),
        "consumer_owner" => consumer_owner::encode(&consumer_owner::decode(data)?),
        "consumer_registration" => consumer_registration::ConsumerRegistration::decode(data)?.encode(),
        "controller" => controller::encode(controller::decode(data)?, timestamp(data)),
        "controller_epoch" => controller_epoch::encode(controller_epoch::decode(data)?),
        "delete_topic" => Vec::new(),
        "feature" => feature::FeatureZNode::decode(data)?.encode(),
        "isr_change" => isr_change::encode(&isr_change::decode(data)?),
        "log_dir_event" => log_dir_event::encode(log_dir_event::decode(data)?),
        "partition_state" => partition_state::PartitionStateZNode::decode(data, 0)?.encode(),
        "preferred_election" => preferred_election::encode(&preferred_election::decode(data)?),
        "producer_id_block" if data.is_empty() => Vec::new(),
        "producer_id_block" => producer_id_block::ProducerIdBlock::decode(data)?.encode(),
        "reassign_partitions" => reassign_partitions::encode(&reassign_partitions::decode(data)?),
        "token" => token::Token::decode(data)?.encode(),
        "token_change" => token_change::encode(&token_change::decode(data)?),
        "topic" => topic::TopicZNode::decode(data)?.encode(),
        other => panic!("{other} has a schema and no codec here"),
    })
}

/// A registration with what a broker's picture of another leaves out.
fn registration(path: &str, data: &[u8]) -> Result<broker::Registration, ZnodeError> {
    let id = path.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or(0);
    let read = broker::decode(id, data, -1)?;
    let fields: Value = serde_json::from_slice(data).unwrap();
    let protocol_version = match fields["version"].as_i64() {
        Some(5) => "2.7-IV0",
        Some(4) => "2.6-IV0",
        _ => "0.10.0-IV0",
    };
    Ok(broker::Registration {
        id,
        endpoints: read.endpoints,
        rack: read.rack,
        features: read.features,
        jmx_port: fields["jmx_port"].as_i64().unwrap() as i32,
        timestamp: timestamp(data),
        protocol_version: KafkaVersion::parse(protocol_version).unwrap(),
    })
}

fn timestamp(data: &[u8]) -> i64 {
    let fields: Value = serde_json::from_slice(data).unwrap();
    fields["timestamp"].as_str().unwrap().parse().unwrap()
}

#[test]
fn every_recorded_znode_is_valid_and_rewritten_to_the_byte() {
    let schemas = Schemas::read();
    for (path, data) in recorded("recorded.tsv") {
        assert_eq!(schemas.problems(&path, &data, None), Vec::<String>::new());
        let schema = schemas.of(&path).unwrap();
        let again = rewritten(&schema.name, &path, &data).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&data), "{path}");
    }
}

#[test]
fn what_older_tools_wrote_is_read() {
    let schemas = Schemas::read();
    for (path, data) in recorded("older.tsv") {
        let read = schemas.of(&path).map(|schema| rewritten(&schema.name, &path, &data));
        // 0.8 wrote the topic's bare name into a notice, which Kafka 2.7.2 does not take either.
        let bare = path.starts_with("/config/changes/") && data.starts_with(b"\"");
        assert_eq!(read.map(|read| read.is_ok()), Some(!bare), "{path} {}", String::from_utf8_lossy(&data));
        assert_eq!(schemas.problems(&path, &data, None).is_empty(), !bare, "{path}");
    }
}

#[test]
fn examples_of_schemas_are_valid_and_read() {
    for schema in Schemas::read().all {
        let examples = schema.text["examples"].as_array().expect("examples");
        assert!(!examples.is_empty(), "{} has no example", schema.name);
        for key in ["$schema", "title", "description", "x-path", "x-encoding", "x-ephemeral"] {
            assert!(!schema.text[key].is_null(), "{} has no {key}", schema.name);
        }
        for example in examples {
            assert_eq!(schema.instance_problems(example), Vec::<String>::new(), "{}", schema.name);
            let data = match example {
                Value::Null => Vec::new(),
                Value::String(text) => text.clone().into_bytes(),
                json => json.to_string().into_bytes(),
            };
            let path = schema.text["x-path"][0].as_str().unwrap();
            assert!(rewritten(&schema.name, path, &data).is_ok(), "{}: {example}", schema.name);
        }
    }
}

#[test]
fn every_codec_has_a_schema_and_every_schema_a_codec() {
    let names = |folder: &str, extension: &str| -> BTreeSet<String> {
        let files = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        files
            .filter(|file| file.extension().is_some_and(|it| it == extension))
            .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
            .filter(|name| name != "mod" && name != "tests")
            .collect()
    };
    assert_eq!(names("src/zk/znode", "rs"), names("zk-schema", "json"));
}

#[test]
fn violations_of_a_schema_are_reported() {
    let schemas = Schemas::read();
    for (path, data) in [
        ("/brokers/ids/1", &br#"{"version":5}"#[..]),
        ("/brokers/ids/x", b""),
        ("/controller_epoch", b"one"),
        ("/brokers/topics/t", br#"{"version":2,"partitions":{"0":["1"]}}"#),
        ("/config/changes", b"data where there is none"),
        ("/nobody/knows", b""),
    ] {
        assert!(!schemas.problems(path, data, None).is_empty(), "{path} {}", String::from_utf8_lossy(data));
    }
    assert!(
        !schemas
            .problems("/controller", br#"{"version":1,"brokerid":1,"timestamp":"1"}"#, Some(false))
            .is_empty()
    );
}
