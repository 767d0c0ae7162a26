//! Brokers that authenticate at each other by SASL, with an authorizer that knows them by their principal: their
//! requests, those of tools, and what is refused at the start.

use std::time::Duration;

use barnabas::client::settings::ProducerSettings;
use barnabas::client::{Producer, ProducerRecord};
use barnabas::config::Properties;
use barnabas::security::sasl::{ScramCredential, ScramHash};
use barnabas::zk::znode::config_entity::EntityType;

use crate::sasl::counted;
use crate::support::{Broker, Chroot, eventually, free_port, quotas, tool};

const SOON: Duration = Duration::from_secs(60);

/// The settings of a broker whose only listener is one for SASL, and that authenticates by this mechanism as this user.
fn settings(mechanism: &str, user: &str) -> Vec<(String, String)> {
    let key = format!("listener.name.sasl_plaintext.{}.sasl.jaas.config", mechanism.to_lowercase());
    let class = match mechanism {
        "PLAIN" => "org.apache.kafka.common.security.plain.PlainLoginModule",
        _ => "org.apache.kafka.common.security.scram.ScramLoginModule",
    };
    let jaas = format!(
        "{class} required username=\"{user}\" password=\"{user}-secret\" user_admin=\"admin-secret\";"
    );
    let pairs = [
        ("listeners", "SASL_PLAINTEXT://127.0.0.1:{port}"),
        ("security.inter.broker.protocol", "SASL_PLAINTEXT"),
        ("sasl.enabled.mechanisms", mechanism),
        ("sasl.mechanism.inter.broker.protocol", mechanism),
        (key.as_str(), jaas.as_str()),
        ("authorizer.class.name", "kafka.security.authorizer.AclAuthorizer"),
        ("super.users", "User:admin"),
        // Sessions end while records are replicated.
        ("connections.max.reauth.ms", "3000"),
        ("offsets.topic.replication.factor", "2"),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn broker(id: i32, chroot: &Chroot, settings: &[(String, String)]) -> Broker {
    let settings: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    Broker::prepare(id, &chroot.connect(), &settings)
}

/// The properties of a client that authenticates as the brokers' own user.
fn admin(mechanism: &str) -> String {
    let class = if mechanism == "PLAIN" { "plain.Plain" } else { "scram.Scram" };
    format!(
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism={mechanism}\nsasl.jaas.config=org.apache.kafka.common.security.\
         {class}LoginModule required username=\"admin\" password=\"admin-secret\";\n"
    )
}

#[test]
fn brokers_authenticate_at_each_other_by_each_mechanism() {
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let chroot = Chroot::new();
        // As the handbook has it: the credential of the brokers is there before the first of them.
        let credential = ScramCredential::of_password(ScramHash::Sha256, "admin-secret", 4096).to_string();
        quotas::change(&chroot.connect(), EntityType::Users, "admin", &[("SCRAM-SHA-256", &credential)]);
        let mut brokers: Vec<_> =
            (1..=2).map(|id| broker(id, &chroot, &settings(mechanism, "admin"))).collect();
        let metrics_ports: Vec<_> = brokers.iter().map(|_| free_port()).collect();
        for (broker, port) in brokers.iter_mut().zip(&metrics_ports) {
            broker.set_environment("METRICS_LISTENER", &format!("127.0.0.1:{port}"));
            broker.restart();
        }
        let bootstrap = format!("{},{}", brokers[0].bootstrap(), brokers[1].bootstrap());
        let file = brokers[0].directory().join("admin.properties");
        std::fs::write(&file, admin(mechanism)).unwrap();
        let tool = |name: &str, arguments: &[&str]| {
            let common = ["--bootstrap-server", &bootstrap, "--command-config", file.to_str().unwrap()];
            let output = tool(name, &[&common[..], arguments].concat());
            assert!(output.status.success(), "{mechanism}, {arguments:?}: {output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        tool(
            "topics",
            &[
                "--create",
                "--topic",
                "t",
                "--replica-assignment",
                "1:2,2:1",
                "--config",
                "min.insync.replicas=2",
            ],
        );
        let is_in_sync = || {
            let described = tool("topics", &["--describe", "--topic", "t"]);
            (described.contains("Isr: 1,2") && described.contains("Isr: 2,1")).then_some(())
        };
        eventually("both replicas are in sync", SOON, is_in_sync);
        if mechanism != "PLAIN" {
            produce_beyond_sessions(&bootstrap, &admin(mechanism), &metrics_ports);
        }

        // The leaders move to the broker that stays, at the request of the one that stops.
        brokers[1].stop();
        let described = tool("topics", &["--describe", "--topic", "t"]);
        assert!(
            !described.contains("Leader: 2") && described.matches("Leader: 1").count() == 2,
            "{described}"
        );
        brokers[1].restart();
        eventually("both replicas are in sync again", SOON, || {
            let described = tool("topics", &["--describe", "--topic", "t"]);
            (described.matches("Isr: 1,2").count() == 2).then_some(())
        });
        for broker in &brokers {
            let lines = broker.process().lines();
            let bad = lines.iter().find(|it| it.contains("Failed authentication") || it.contains("-secret"));
            assert_eq!(bad, None);
        }
    }
}

/// Transactions go on until sessions at every broker were renewed: followers, coordinator and markers authenticate
/// again.
fn produce_beyond_sessions(bootstrap: &str, properties: &str, metrics_ports: &[u16]) {
    let mut settings = Properties::parse(properties.as_bytes()).unwrap();
    for (key, value) in [("bootstrap.servers", bootstrap), ("transactional.id", "x"), ("acks", "all")] {
        settings.set(key, value);
    }
    let are_renewed =
        || metrics_ports.iter().all(|port| counted(*port, "successful-reauthentication-total") >= 3.0);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let producer = Producer::new(ProducerSettings::read(&settings).unwrap()).await.unwrap();
        producer.init_transactions().await.unwrap();
        while !are_renewed() {
            producer.begin_transaction().unwrap();
            for partition in [0, 1] {
                let record = ProducerRecord { partition: Some(partition), ..ProducerRecord::new("t", "x") };
                producer.send(record).await.unwrap().await.unwrap();
            }
            producer.commit_transaction().await.unwrap();
        }
        producer.close(SOON).await;
    });
}

#[test]
fn a_broker_that_could_not_authenticate_at_others_does_not_start() {
    let chroot = Chroot::new();
    let with = |changes: &[(&str, &str)]| {
        let mut all = settings("PLAIN", "admin");
        for (key, value) in changes {
            all.retain(|(known, _)| known != key);
            all.push(((*key).to_owned(), (*value).to_owned()));
        }
        all
    };
    let key = "listener.name.sasl_plaintext.plain.sasl.jaas.config";
    let plain =
        "org.apache.kafka.common.security.plain.PlainLoginModule required user_admin=\"admin-secret\";";
    for (changes, words) in [
        (
            &[("sasl.mechanism.inter.broker.protocol", "SCRAM-SHA-512")][..],
            "sasl.mechanism.inter.broker.protocol must be included in sasl.enabled.mechanisms when SASL is used for \
             inter-broker communication",
        ),
        (&[(key, plain)], "Could not login: the JAAS configuration has no username for PLAIN"),
    ] {
        let mut broker = broker(1, &chroot, &with(changes));
        broker.launch();
        broker.process().wait_for_line(words, SOON);
        assert_eq!(broker.process_mut().wait(SOON).code(), Some(1));
    }
}

#[test]
fn a_broker_with_a_wrong_password_is_not_let_in_by_the_others() {
    let chroot = Chroot::new();
    let mut right = broker(1, &chroot, &settings("PLAIN", "admin"));
    right.restart();
    let mut wrong = broker(2, &chroot, &settings("PLAIN", "eve"));
    wrong.restart();
    let create = ["--create", "--topic", "t", "--replica-assignment", "1:2"];
    assert!(tool("topics", &[&["--zookeeper", &chroot.connect()], &create[..]].concat()).status.success());
    let line = right.process().wait_for_line("Failed authentication with /127.0.0.1", SOON);
    assert!(line.contains("Invalid username or password") && !line.contains("secret"), "{line}");
    let line = wrong.process().wait_for_line("Authentication failed: Invalid username or password", SOON);
    assert!(!line.contains("secret"), "{line}");
}
