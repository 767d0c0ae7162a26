//! What a broker logs, where, and how that is changed: by its log4j file, and while it runs.

use std::fs;
use std::time::Duration;

use barnabas::wire::message::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResult,
};
use barnabas::wire::message::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterableConfig,
};

use crate::support::{Broker, Chroot, Connection, eventually, root, tool};

const BROKER_LOGGER: i8 = 8;
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const LIMIT: Duration = Duration::from_secs(30);

/// Changes loggers of the broker of this name; the error and its message.
fn change(connection: &mut Connection, broker: &str, changes: &[(i8, &str, Option<&str>)]) -> (i16, String) {
    let configs = changes.iter().map(|(operation, logger, level)| IncrementalAlterableConfig {
        name: (*logger).to_owned(),
        config_operation: *operation,
        value: level.map(str::to_owned),
    });
    let resource = IncrementalAlterConfigsResource {
        resource_type: BROKER_LOGGER,
        resource_name: broker.to_owned(),
        configs: configs.collect(),
    };
    let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
    let response = connection.call(&request, 1).unwrap().responses.remove(0);
    (response.error_code, response.error_message.unwrap_or_default())
}

fn describe(connection: &mut Connection, broker: &str, loggers: &[&str]) -> DescribeConfigsResult {
    let resource = DescribeConfigsResource {
        resource_type: BROKER_LOGGER,
        resource_name: broker.to_owned(),
        configuration_keys: Some(loggers.iter().map(|logger| (*logger).to_owned()).collect()),
    };
    let request = DescribeConfigsRequest {
        resources: vec![resource],
        include_synonyms: true,
        include_documentation: true,
    };
    connection.call(&request, 3).unwrap().results.remove(0)
}

fn level(connection: &mut Connection, logger: &str) -> Option<String> {
    describe(connection, "1", &[logger]).configs.pop()?.value
}

#[test]
fn the_levels_of_loggers_change_while_the_broker_runs() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    let mut connection = Connection::to(broker.port).unwrap();
    let logger = "kafka.log.LogManager";
    let entry = describe(&mut connection, "1", &[logger]).configs.remove(0);
    assert_eq!((entry.name.as_str(), entry.value.as_deref()), (logger, Some("INFO")));
    assert_eq!((entry.config_source, entry.config_type, entry.read_only), (6, 0, false));
    assert_eq!(
        (entry.is_sensitive, entry.synonyms.len(), entry.documentation.as_deref()),
        (false, 0, Some(""))
    );

    let create = |topic: &str| {
        let connect = chroot.connect();
        let options = ["--zookeeper", &connect, "--create", "--topic", topic];
        let counts = ["--partitions", "1", "--replication-factor", "1"];
        assert!(tool("topics", &[&options[..], &counts].concat()).status.success());
    };
    let has_leader = |connection: &mut Connection, topic: &str| {
        eventually("the topic has a leader", LIMIT, || connection.has_leader(topic)?.then_some(()));
    };
    assert_eq!(change(&mut connection, "1", &[(SET, logger, Some("ERROR"))]), (0, String::new()));
    assert_eq!(level(&mut connection, logger).as_deref(), Some("ERROR"));
    create("silent");
    has_leader(&mut connection, "silent");
    assert_eq!(change(&mut connection, "1", &[(DELETE, logger, None)]), (0, String::new()));
    assert_eq!(level(&mut connection, logger).as_deref(), Some("INFO"));
    create("loud");
    broker.process().wait_for_line("Created log for partition loud-0", LIMIT);
    let lines = broker.process().lines();
    assert!(lines.iter().all(|line| !line.contains("Created log for partition silent-0")));
}

/// The answers that Kafka 2.7.2 gives.
#[test]
fn what_cannot_be_done_to_a_logger_is_refused_as_kafka_refuses_it() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    let mut connection = Connection::to(broker.port).unwrap();
    let refused = |sentence: &str| (42, sentence.to_owned());
    let resource = "Invalid config value for resource ConfigResource(type=BROKER_LOGGER, name='1'): ";
    let log = "kafka.log.Log";
    assert_eq!(
        change(&mut connection, "1", &[(SET, "no.such.Logger", Some("INFO"))]),
        refused(&format!("{resource}Logger no.such.Logger does not exist!"))
    );
    for level in ["LOUD", "debug", "OFF"] {
        assert_eq!(
            change(&mut connection, "1", &[(SET, log, Some(level))]),
            refused(&format!(
                "{resource}Cannot set the log level of {log} to {level} as it is not a supported log level. Valid log \
                 levels are TRACE, ERROR, INFO, FATAL, DEBUG, WARN"
            ))
        );
    }
    assert_eq!(
        change(&mut connection, "1", &[(DELETE, "root", None)]),
        refused("Removing the log level of the root logger is not allowed")
    );
    assert_eq!(
        change(&mut connection, "1", &[(APPEND, log, Some("INFO"))]),
        refused("APPEND operation is not allowed for the BROKER_LOGGER resource")
    );
    assert_eq!(
        change(&mut connection, "2", &[(SET, log, Some("INFO"))]),
        refused("Unexpected broker id, expected 1, but received 2")
    );
    assert_eq!(
        change(&mut connection, "one", &[(SET, log, Some("INFO"))]),
        refused("Broker id must be an integer, but it is: one")
    );
    // All of them or none.
    let both = [(SET, log, Some("ERROR")), (SET, "no.such.Logger", Some("ERROR"))];
    assert_eq!(change(&mut connection, "1", &both).0, 42);
    assert_eq!(level(&mut connection, log).as_deref(), Some("INFO"));
    for (broker, sentence) in [
        ("", "Broker id must not be empty"),
        ("2", "Unexpected broker id, expected 1 but received 2"),
        ("one", "Broker id must be an integer, but it is: one"),
    ] {
        let result = describe(&mut connection, broker, &[]);
        assert_eq!((result.error_code, result.error_message.as_deref()), (42, Some(sentence)));
    }
}

#[test]
fn a_brokers_lines_lie_in_the_files_that_operators_look_into() {
    let chroot = Chroot::new();
    let mut broker = Broker::prepare(1, &chroot.connect(), &[("num.partitions", "3")]);
    let logs = broker.directory().join("logs");
    let log4j = root().join("config/log4j.properties");
    broker.set_environment("LOG_DIR", &logs.display().to_string());
    broker.set_environment("KAFKA_LOG4J_OPTS", &format!("-Dlog4j.configuration=file:{}", log4j.display()));
    broker.restart();
    let text = |name: &str| fs::read_to_string(logs.join(name)).unwrap();
    let mut connection = Connection::to(broker.port).unwrap();
    eventually("the topic has a leader", LIMIT, || connection.has_leader("t")?.then_some(()));
    let server = text("server.log");
    let version = format!("Kafka version: 2.7.2 (Barnabas {})", env!("CARGO_PKG_VERSION"));
    let address = format!("Awaiting socket connections on PLAINTEXT://127.0.0.1:{}.", broker.port);
    for line in [&version, &address, "\tnum.partitions = 3\n", "started (kafka.server.KafkaServer)"] {
        assert!(server.contains(line), "{line} is not in\n{server}");
    }
    assert!(text("controller.log").contains("(kafka.controller.KafkaController)"));
    assert!(!server.contains("(kafka.controller."), "the controller's lines are in its own file only");
    eventually("state changes are logged", LIMIT, || {
        let text = text("state-change.log");
        let asked = "] Sending LeaderAndIsr request to broker 1 with 3 become-leader and 0 become-follower partitions";
        (text.contains(asked) && text.contains("[Broker id=1] Leader t-2 starts at leader epoch 0"))
            .then_some(())
    });
    broker.stop();
    broker.restart();
    assert!(text("server.log").starts_with(&server), "what was logged before stays");
}

#[test]
fn a_log4j_file_that_is_wrong_keeps_no_broker_from_starting() {
    let chroot = Chroot::new();
    let mut broker = Broker::prepare(1, &chroot.connect(), &[]);
    broker.set_environment("KAFKA_LOG4J_OPTS", "-Dlog4j.configuration=file:/no/such/file");
    broker.restart();
    broker.process().wait_for_line("log4j:ERROR Could not read configuration file /no/such/file", LIMIT);
}
