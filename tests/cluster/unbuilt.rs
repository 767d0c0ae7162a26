//! What asks for security that is not built is refused, at the start, by a change, and by the tools.

use std::time::Duration;

use barnabas::admin::configs;
use barnabas::wire::message::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterableConfig,
};
use barnabas::zk::znode::config_entity::EntityType;
use barnabas::zk::{ConnectOptions, ZooKeeper};

use crate::support::{Broker, Chroot, Connection, tool};

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn a_broker_that_is_to_be_secured_does_not_start() {
    let chroot = Chroot::new();
    for (settings, keys) in [
        (&[("authorizer.class.name", "com.example.Authorizer")][..], "authorizer.class.name"),
        (&[("zookeeper.set.acl", "true")], "zookeeper.set.acl"),
        (&[("sasl.enabled.mechanisms", "PLAIN,OAUTHBEARER")], "sasl.enabled.mechanisms"),
        (
            &[("ssl.keystore.location", "/x"), ("ssl.client.auth", "required")],
            "ssl.client.auth, ssl.keystore.location",
        ),
        (
            &[("listener.name.plaintext.ssl.keystore.location", "/x")],
            "listener.name.plaintext.ssl.keystore.location",
        ),
        (&[("zookeeper.ssl.client.enable", "true")], "zookeeper.ssl.client.enable"),
    ] {
        let mut broker = Broker::prepare(1, &chroot.connect(), settings);
        broker.launch();
        broker.process().wait_for_line(&format!(" these settings ask: {keys}."), LIMIT);
        assert_eq!(broker.process_mut().wait(LIMIT).code(), Some(1));
        assert!(!broker.data().exists(), "nothing was made");
    }
}

#[test]
fn default_values_of_unbuilt_settings_are_accepted() {
    let chroot = Chroot::new();
    let settings = [
        ("authorizer.class.name", ""),
        ("zookeeper.set.acl", "false"),
        ("security.inter.broker.protocol", "PLAINTEXT"),
        ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,SSL:SSL"),
        ("ssl.client.auth", "none"),
    ];
    Broker::start_with(1, &chroot.connect(), &settings);
}

#[test]
fn javas_options_that_ask_for_security_are_refused() {
    let mut broker = Broker::prepare(1, "127.0.0.1:1", &[]);
    let file = broker.directory().join("jaas.conf");
    std::fs::write(&file, "Client { org.apache.zookeeper.server.auth.DigestLoginModule required; };")
        .unwrap();
    let option = format!("-Djava.security.auth.login.config={}", file.display());
    for (options, words) in [
        (option.as_str(), "as the context Client of java.security.auth.login.config asks."),
        ("-Djava.security.auth.login.config=/nowhere", "/nowhere: No such file or directory"),
        ("-Dzookeeper.client.secure=true", " these settings ask: zookeeper.client.secure."),
    ] {
        broker.set_environment("KAFKA_OPTS", options);
        broker.launch();
        broker.process().wait_for_line(words, LIMIT);
        assert_eq!(broker.process_mut().wait(LIMIT).code(), Some(1));
    }
}

#[test]
fn a_running_broker_refuses_a_change_that_asks_for_security() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    let mut connection = Connection::to(broker.port).unwrap();
    let key = "listener.name.plaintext.ssl.keystore.location";
    let config = IncrementalAlterableConfig {
        name: key.to_owned(),
        config_operation: 0,
        value: Some("/x".to_owned()),
    };
    let resource = IncrementalAlterConfigsResource {
        resource_type: 4,
        resource_name: "1".to_owned(),
        configs: vec![config],
    };
    let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
    let answer = connection.call(&request, 1).unwrap().responses.remove(0);
    let message = answer.error_message.unwrap_or_default();
    assert!(
        answer.error_code == 42 && message.ends_with(&format!(" these settings ask: {key}.")),
        "{message}"
    );
}

#[tokio::test]
async fn a_change_by_znode_that_asks_for_security_is_logged_as_not_in_force() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    let zk = ZooKeeper::connect(&chroot.connect(), ConnectOptions::default()).await.unwrap();
    let key = "listener.name.plaintext.sasl.enabled.mechanisms";
    let own = [(key, "OAUTHBEARER"), ("log.retention.ms", "12345")];
    let own = own.map(|(key, value)| (key.to_owned(), value.to_owned()));
    configs::change(&zk, EntityType::Brokers, "1", &own.into()).await.unwrap();
    let line = broker.process().wait_for_line("SASL is not built yet", LIMIT);
    assert!(line.contains(&format!("Set({key})")), "{line}");
    let mut connection = Connection::to(broker.port).unwrap();
    crate::support::eventually("the other change is in force", LIMIT, || {
        let described = super::configs::describe(&mut connection, "1", "log.retention.ms")?;
        (described.value.as_deref() == Some("12345")).then_some(())
    });
    let refused = super::configs::describe(&mut connection, "1", key);
    assert!(refused.is_none(), "what is not in force is not described");
    zk.close().await;
}

#[tokio::test]
async fn a_metrics_reporter_named_by_znode_is_logged_as_not_applied() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    let zk = ZooKeeper::connect(&chroot.connect(), ConnectOptions::default()).await.unwrap();
    let own = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
    configs::change(&zk, EntityType::Brokers, "1", &own("metric.reporters", "x.Reporter")).await.unwrap();
    broker.process().wait_for_line("could not be applied: Validation of dynamic config update", LIMIT);
    zk.close().await;
}

#[test]
fn tools_refuse_settings_that_ask_for_security() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("client.properties");
    std::fs::write(&file, "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nssl.truststore.location=/x\n")
        .unwrap();
    let (file, servers) = (file.to_str().unwrap(), "127.0.0.1:1");
    let topic = ["--topic", "t"];
    let tools: [(&str, Vec<&str>, &str); 4] = [
        ("topics", vec!["--bootstrap-server", servers, "--list"], "--command-config"),
        ("broker-api-versions", vec!["--bootstrap-server", servers], "--command-config"),
        ("console-producer", [&["--bootstrap-server", servers], &topic[..]].concat(), "--producer.config"),
        ("console-consumer", [&["--bootstrap-server", servers], &topic[..]].concat(), "--consumer.config"),
    ];
    for (name, arguments, option) in &tools {
        let run = |file: &str| {
            let output = tool(name, &[&arguments[..], &[option, file]].concat());
            assert_eq!(output.status.code(), Some(1), "{name}");
            String::from_utf8_lossy(&output.stderr).into_owned()
        };
        let refused = run(file);
        assert!(
            refused.contains("these settings ask: security.protocol, ssl.truststore.location."),
            "{name}: {refused}"
        );
        let missing = run("/no/such/file");
        let thrown = "java.nio.file.NoSuchFileException: /no/such/file";
        assert!(missing.contains(thrown), "{name}: {missing}");
    }
    for (name, option) in
        [("console-producer", "--producer-property"), ("console-consumer", "--consumer-property")]
    {
        let arguments = ["--bootstrap-server", servers, "--topic", "t", option, "security.protocol=SSL"];
        let output = tool(name, &arguments);
        let refused = String::from_utf8_lossy(&output.stderr);
        assert!(refused.contains("TLS is not built yet"), "{name}: {refused}");
        assert_eq!(output.status.code(), Some(1), "{name}");
    }
}
