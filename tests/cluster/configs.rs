//! Configs changed while the broker runs: of a topic, of a broker, of all brokers; which changes are refused,
//! and what is described.

use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::alter_configs::{
    self as alter, AlterConfigsRequest, AlterConfigsResource as Replaced,
};
use barnabas::wire::message::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
};
use barnabas::wire::message::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterableConfig,
};

use crate::support::{Broker, Chroot, Connection, eventually};

const BROKER: i8 = 4;
pub const SET: i8 = 0;
pub const DELETE: i8 = 1;

/// Changes one config of a broker, or of all for no name; the error and its message.
pub fn change(
    connection: &mut Connection,
    name: &str,
    operation: i8,
    key: &str,
    value: &str,
) -> (i16, String) {
    let value = (operation != DELETE).then(|| value.to_owned());
    let config = IncrementalAlterableConfig { name: key.to_owned(), config_operation: operation, value };
    let resource = IncrementalAlterConfigsResource {
        resource_type: BROKER,
        resource_name: name.to_owned(),
        configs: vec![config],
    };
    let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
    let response = connection.call(&request, 1).unwrap().responses.remove(0);
    (response.error_code, response.error_message.unwrap_or_default())
}

pub fn describe(connection: &mut Connection, name: &str, key: &str) -> Option<DescribeConfigsResourceResult> {
    let resource = DescribeConfigsResource {
        resource_type: BROKER,
        resource_name: name.to_owned(),
        configuration_keys: Some(vec![key.to_owned()]),
    };
    let request = DescribeConfigsRequest {
        resources: vec![resource],
        include_synonyms: true,
        include_documentation: false,
    };
    connection.call(&request, 3).unwrap().results.remove(0).configs.pop()
}

/// Waits until a key is described with this value; the sources of it and of what stands behind it.
fn described(connection: &mut Connection, key: &str, value: &str) -> Vec<i8> {
    eventually("the config is in force", Duration::from_secs(10), || {
        let config = describe(connection, "1", key)?;
        let sources = config.synonyms.iter().map(|synonym| synonym.source).collect();
        (config.value.as_deref() == Some(value)).then_some(sources)
    })
}

#[test]
fn a_brokers_configs_change_while_it_runs() {
    let chroot = Chroot::new();
    let broker = Broker::start_with(1, &chroot.connect(), &[("log.retention.ms", "1000000")]);
    let mut connection = Connection::to(broker.port).unwrap();
    assert_eq!(described(&mut connection, "log.retention.ms", "1000000"), [4, 5]);
    assert_eq!(change(&mut connection, "", SET, "log.retention.ms", "2000000").0, 0);
    assert_eq!(described(&mut connection, "log.retention.ms", "2000000"), [3, 4, 5]);
    assert_eq!(change(&mut connection, "1", SET, "log.retention.ms", "3000000").0, 0);
    assert_eq!(described(&mut connection, "log.retention.ms", "3000000"), [2, 3, 4, 5]);
    let of_all = describe(&mut connection, "", "log.retention.ms").unwrap();
    assert_eq!((of_all.value.as_deref(), of_all.config_source), (Some("2000000"), 3));
    assert_eq!(change(&mut connection, "1", DELETE, "log.retention.ms", "").0, 0);
    assert_eq!(described(&mut connection, "log.retention.ms", "2000000"), [3, 4, 5]);
    assert_eq!(change(&mut connection, "1", SET, "leader.replication.throttled.rate", "5000").0, 0);
    assert_eq!(described(&mut connection, "leader.replication.throttled.rate", "5000"), [2]);
}

#[test]
fn a_changed_default_holds_for_topics_that_are_there() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    let mut connection = Connection::to(broker.port).unwrap();
    eventually("the topic has a leader", Duration::from_secs(30), || {
        connection.has_leader("t")?.then_some(())
    });
    let large = "x".repeat(1000);
    assert_eq!(connection.produce("t", &large, 1), Some(Ok(0)));
    assert_eq!(change(&mut connection, "", SET, "message.max.bytes", "500").0, 0);
    assert_eq!(described(&mut connection, "message.max.bytes", "500"), [3, 5]);
    eventually("the log has the new limit", Duration::from_secs(10), || {
        let refusal = connection.produce("t", &large, 1)?.err()?;
        (refusal == ErrorCode::MessageTooLarge as i16).then_some(())
    });
}

#[test]
fn a_brokers_configs_outlive_it() {
    let chroot = Chroot::new();
    let mut broker = Broker::start(1, &chroot.connect());
    let mut connection = Connection::to(broker.port).unwrap();
    assert_eq!(change(&mut connection, "1", SET, "message.max.bytes", "2000").0, 0);
    assert_eq!(described(&mut connection, "message.max.bytes", "2000"), [2, 5]);
    broker.stop();
    broker.restart();
    let mut connection = Connection::to(broker.port).unwrap();
    assert_eq!(described(&mut connection, "message.max.bytes", "2000"), [2, 5]);
}

#[test]
fn what_a_broker_cannot_take_is_refused_in_kafkas_words() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    let mut connection = Connection::to(broker.port).unwrap();
    let mut refused = |name: &str, key: &str, value: &str| {
        let (code, message) = change(&mut connection, name, SET, key, value);
        assert_eq!(code, ErrorCode::InvalidRequest as i16, "{message}");
        message
    };
    assert_eq!(
        refused("1", "broker.id", "2"),
        "Invalid config value for resource ConfigResource(type=BROKER, name='1'): Cannot update these configs \
         dynamically: Set(broker.id)"
    );
    assert_eq!(
        refused("", "advertised.listeners", "PLAINTEXT://a:1"),
        "Invalid config value for resource ConfigResource(type=BROKER, name=''): Cannot update these configs at \
         default cluster level, broker id must be specified: Set(advertised.listeners)"
    );
    assert_eq!(refused("5", "log.cleaner.threads", "2"), "Unexpected broker id, expected 1, but received 5");
    assert_eq!(
        refused("1", "log.retention.ms", "soon"),
        "Invalid config value for resource ConfigResource(type=BROKER, name='1'): Invalid value soon for \
         configuration log.retention.ms: Not a number of type LONG"
    );
}

#[test]
fn the_older_request_replaces_all_configs_or_only_checks_them() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    let mut connection = Connection::to(broker.port).unwrap();
    assert_eq!(change(&mut connection, "1", SET, "log.cleaner.threads", "2").0, 0);
    assert_eq!(described(&mut connection, "log.cleaner.threads", "2"), [2, 5]);
    let mut replace = |validate_only| {
        let config =
            alter::AlterableConfig { name: "message.max.bytes".to_owned(), value: Some("2000".to_owned()) };
        let resource =
            Replaced { resource_type: BROKER, resource_name: "1".to_owned(), configs: vec![config] };
        let request = AlterConfigsRequest { resources: vec![resource], validate_only };
        assert_eq!(connection.call(&request, 1).unwrap().responses[0].error_code, 0);
    };
    replace(true);
    replace(false);
    assert_eq!(described(&mut connection, "log.cleaner.threads", "1"), [5]);
    assert_eq!(described(&mut connection, "message.max.bytes", "2000"), [2, 5]);
}
