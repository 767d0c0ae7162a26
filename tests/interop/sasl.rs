//! SASL across the two projects: Kafka 2.7.2's clients, librdkafka and kafka-python at our listener, our clients at
//! Kafka's, and one cluster of both kinds of brokers that authenticate at each other, under ACLs.

use std::process::Command;
use std::time::Duration;

use barnabas::client::settings::{ConsumerSettings, ProducerSettings};
use barnabas::client::{Consumer, Producer, ProducerRecord};
use barnabas::config::Properties;
use barnabas::zk::{ConnectOptions, ZooKeeper};

use crate::groups::clients::python_package;
use crate::java::{Ended, Kafka, feed, kafka};
use crate::support::{Broker, Chroot, Connection, Process, eventually};

const SOON: Duration = Duration::from_secs(90);
const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
const USERS: [&str; 3] = ["admin", "alice", "bob"];

fn module(mechanism: &str) -> &'static str {
    match mechanism {
        "PLAIN" => "org.apache.kafka.common.security.plain.PlainLoginModule",
        _ => "org.apache.kafka.common.security.scram.ScramLoginModule",
    }
}

fn password(user: &str) -> String {
    format!("{user}-secret")
}

/// The settings of a broker of either kind: a listener for SASL, over which brokers authenticate at each other by
/// SCRAM-SHA-256.
fn settings() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = [
        ("listeners", "SASL_PLAINTEXT://127.0.0.1:{port}"),
        ("security.inter.broker.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism.inter.broker.protocol", "SCRAM-SHA-256"),
        ("sasl.enabled.mechanisms", MECHANISMS.join(",").as_str()),
        ("authorizer.class.name", "kafka.security.authorizer.AclAuthorizer"),
        ("super.users", "User:admin"),
        ("connections.max.reauth.ms", "4000"),
        ("offsets.topic.num.partitions", "2"),
        ("group.initial.rebalance.delay.ms", "0"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .to_vec();
    for mechanism in MECHANISMS {
        let users: String = USERS.iter().map(|user| format!(" user_{user}=\"{}\"", password(user))).collect();
        let own = format!("username=\"admin\" password=\"{}\"", password("admin"));
        let options = if mechanism == "PLAIN" { users } else { String::new() };
        all.push((
            format!("listener.name.sasl_plaintext.{}.sasl.jaas.config", mechanism.to_lowercase()),
            format!("{} required {own}{options};", module(mechanism)),
        ));
    }
    all
}

fn broker(id: i32, chroot: &Chroot) -> Broker {
    let settings = settings();
    let settings: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    Broker::prepare(id, &chroot.connect(), &settings)
}

/// A client's properties, as a file.
struct Login {
    file: tempfile::NamedTempFile,
    pairs: Vec<(String, String)>,
}

impl Login {
    fn of(user: &str, mechanism: &str) -> Self {
        let jaas =
            format!("{} required username=\"{user}\" password=\"{}\";", module(mechanism), password(user));
        let pairs = [
            ("security.protocol", "SASL_PLAINTEXT"),
            ("sasl.mechanism", mechanism),
            ("sasl.jaas.config", jaas.as_str()),
            ("auto.offset.reset", "earliest"),
        ];
        let pairs: Vec<_> = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        let file = tempfile::NamedTempFile::new().unwrap();
        let text: String = pairs.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
        std::fs::write(file.path(), text).unwrap();
        Self { file, pairs }
    }

    fn path(&self) -> &str {
        self.file.path().to_str().unwrap()
    }

    fn properties(&self, others: &[(&str, &str)]) -> Properties {
        let own = self.pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        own.chain(others.iter().copied()).collect()
    }
}

/// Runs our tool with this on its standard input.
fn ours(arguments: &[&str], input: &str) -> Ended {
    feed(Command::new(env!("CARGO_BIN_EXE_barnabas")).args(arguments), input)
}

/// Creates the users by Java's `kafka-configs --zookeeper`, as the handbook has it before the first broker.
fn create_users(kafka: &Kafka, chroot: &Chroot) {
    // Java's tool asks for a chroot that is there.
    let options = ConnectOptions { make_chroot: true, ..ConnectOptions::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { ZooKeeper::connect(&chroot.connect(), options).await.unwrap().close().await });
    for user in USERS {
        let each = |mechanism: &&str| format!("{mechanism}=[password={}]", password(user));
        let added = MECHANISMS[1..].iter().map(each).collect::<Vec<_>>().join(",");
        let connect = chroot.connect();
        let arguments = ["--zookeeper", &connect, "--alter", "--entity-type", "users", "--entity-name", user];
        kafka.run("kafka.admin.ConfigCommand", &[&arguments[..], &["--add-config", &added]].concat()).ok();
    }
}

#[test]
fn kafkas_clients_and_others_authenticate_at_our_broker() {
    let Some(kafka) = kafka("kafkas_clients_and_others_authenticate_at_our_broker") else { return };
    let chroot = Chroot::new();
    create_users(kafka, &chroot);
    let mut broker = broker(1, &chroot);
    broker.restart();
    let bootstrap = broker.bootstrap();
    let admin = Login::of("admin", "SCRAM-SHA-512");
    let by_admin = ["--bootstrap-server", &bootstrap, "--command-config", admin.path()];

    // Java's kafka-configs over the brokers' road: another password for bob; described as by the other road.
    let bob = ["--entity-type", "users", "--entity-name", "bob"];
    let alter = ["--alter", "--add-config", "SCRAM-SHA-512=[iterations=5000,password=other]"];
    kafka.run("kafka.admin.ConfigCommand", &[&by_admin[..], &alter, &bob].concat()).ok();
    let described =
        kafka.run("kafka.admin.ConfigCommand", &[&by_admin[..], &["--describe"], &bob].concat()).ok();
    assert!(described.out.contains("SCRAM-SHA-512=iterations=5000"), "{}", described.out);

    kafka.run("kafka.admin.TopicCommand", &[&by_admin[..], &["--create", "--topic", "t"]].concat()).ok();
    let acl = [
        "--add",
        "--allow-principal",
        "User:alice",
        "--producer",
        "--idempotent",
        "--consumer",
        "--group",
        "*",
        "--topic",
        "*",
    ];
    kafka.run("kafka.admin.AclCommand", &[&by_admin[..], &acl].concat()).ok();
    for (at, mechanism) in MECHANISMS.iter().enumerate() {
        let alice = Login::of("alice", mechanism);
        let to = ["--bootstrap-server", &bootstrap, "--topic", "t", "--producer.config", alice.path()];
        kafka.run_with_input("kafka.tools.ConsoleProducer", &to, &format!("{mechanism}\n")).ok();
        let count = (at + 1).to_string();
        let from = ["--bootstrap-server", &bootstrap, "--topic", "t", "--consumer.config", alice.path()];
        let all = ["--from-beginning", "--max-messages", &count];
        let read = kafka.run("kafka.tools.ConsoleConsumer", &[&from[..], &all].concat()).ok();
        assert_eq!(read.out.lines().last(), Some(*mechanism));
    }
    let alice = Login::of("alice", "SCRAM-SHA-256");
    let beyond = ["--topic", "t", "--num-records", "60", "--record-size", "10", "--throughput", "10"];
    let servers = format!("bootstrap.servers={bootstrap}");
    let config = ["--producer.config", alice.path(), "--producer-props", &servers];
    let arguments = [&beyond[..], &config].concat();
    let perf = kafka.run("org.apache.kafka.tools.ProducerPerformance", &arguments).ok();
    assert!(perf.out.contains("60 records sent"), "{}", perf.out);

    let denied = Login::of("bob", "PLAIN");
    let to = ["--bootstrap-server", &bootstrap, "--topic", "t", "--producer.config", denied.path()];
    let refused = kafka.run_with_input("kafka.tools.ConsoleProducer", &to, "no\n");
    let printed = format!("{}{}", refused.out, refused.err);
    assert!(printed.contains("TopicAuthorizationException"), "{printed}");
    // By its password of before.
    let wrong = Login::of("bob", "SCRAM-SHA-512");
    let list = ["--bootstrap-server", &bootstrap, "--command-config", wrong.path(), "--list"];
    let refused = kafka.run("kafka.admin.TopicCommand", &list);
    let printed = format!("{}{}", refused.out, refused.err);
    let words = "SaslAuthenticationException: Authentication failed during authentication due to invalid credentials with \
                 SASL mechanism SCRAM-SHA-512";
    assert!(refused.code != 0 && printed.contains(words), "{printed}");
    let here = ours(&[&["topics"], &list[..]].concat(), "");
    assert!(here.code == 1 && format!("{}{}", here.out, here.err).contains(words), "{here:?}");
    by_python(&bootstrap);
}

/// Clients in Python, by every mechanism.
fn by_python(bootstrap: &str) {
    let test = "kafkas_clients_and_others_authenticate_at_our_broker";
    for (package, version, program) in
        [("confluent-kafka", "2.9.0", "sasl/librdkafka.py"), ("kafka-python", "3.0.12", "client.py")]
    {
        let Some(packages) = python_package(test, package, version) else { continue };
        for mechanism in MECHANISMS {
            let secret = password("alice");
            let mut python = Command::new("python3");
            python.arg(crate::support::root().join("tests/interop").join(program)).arg(bootstrap);
            python.env("PYTHONPATH", &packages);
            let printed = match package {
                "kafka-python" => {
                    python.env("SASL", format!("{mechanism}:alice:{secret}"));
                    "100 records came back"
                }
                _ => {
                    python.args([mechanism, "alice", &secret, "t"]);
                    mechanism
                }
            };
            assert_eq!(feed(&mut python, "").ok().out.trim(), printed, "{package}");
        }
    }
}

#[test]
fn our_clients_authenticate_at_kafkas_broker_and_a_cluster_of_both_is_under_one_set_of_acls() {
    let name = "our_clients_authenticate_at_kafkas_broker_and_a_cluster_of_both_is_under_one_set_of_acls";
    let Some(kafka) = kafka(name) else { return };
    let chroot = Chroot::new();
    create_users(kafka, &chroot);
    let java = broker(1, &chroot);
    let properties = java.write_settings().display().to_string();
    let process = Process::start("Kafka 2.7.2", &mut kafka.broker_of_heap("256m", &properties));
    eventually("Kafka's broker listens", SOON, || Connection::to(java.port).map(drop));
    let mut barnabas = broker(2, &chroot);
    barnabas.restart();

    let admin = Login::of("admin", "SCRAM-SHA-256");
    let bootstraps = [java.bootstrap(), barnabas.bootstrap()];
    let by_admin = |at: usize| ["--bootstrap-server", &bootstraps[at], "--command-config", admin.path()];
    let create =
        ["--create", "--topic", "t", "--replica-assignment", "1:2,2:1", "--config", "min.insync.replicas=2"];
    ours(&[&["topics"], &by_admin(0)[..], &create].concat(), "").ok();
    for at in [0, 1] {
        eventually("both replicas are in sync, by either broker", SOON, || {
            let described =
                ours(&[&["topics"], &by_admin(at)[..], &["--describe", "--topic", "t"]].concat(), "");
            (described.out.contains("Isr: 1,2") && described.out.contains("Isr: 2,1")).then_some(())
        });
    }

    // What Java's tool changes at either broker is in force at both.
    let alice =
        ["--allow-principal", "User:alice", "--producer", "--consumer", "--group", "*", "--topic", "t"];
    // A topic is listed to users that may describe it.
    let sees = |user: &Login, at: usize| {
        let list = ["--bootstrap-server", &bootstraps[at], "--command-config", user.path(), "--list"];
        ours(&[&["topics"], &list[..]].concat(), "").ok().out.lines().any(|line| line == "t")
    };
    let is_allowed = |user: &Login, allowed: bool| {
        for at in [0, 1] {
            eventually("the ACLs are in force", SOON, || (sees(user, at) == allowed).then_some(()));
        }
    };
    for at in [0, 1] {
        let user = Login::of("alice", "SCRAM-SHA-512");
        kafka.run("kafka.admin.AclCommand", &[&by_admin(at)[..], &["--add"], &alice].concat()).ok();
        is_allowed(&user, true);
        is_allowed(&Login::of("bob", "PLAIN"), false);
        write_and_read(&bootstraps[at], at);
        kafka
            .run("kafka.admin.AclCommand", &[&by_admin(at)[..], &["--remove", "--force"], &alice].concat())
            .ok();
        is_allowed(&user, false);
    }
    let lines = [process.lines(), barnabas.process().lines()].concat();
    let bad = lines.iter().find(|line| line.contains("Failed authentication") || line.contains("-secret"));
    assert_eq!(bad, None);
}

/// Our producer and consumer by every mechanism, through either broker, for longer than a session lasts.
fn write_and_read(bootstrap: &str, round: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for mechanism in MECHANISMS {
            let login = Login::of("alice", mechanism);
            let group = format!("{mechanism}-{round}");
            let settings =
                login.properties(&[("bootstrap.servers", bootstrap), ("acks", "all"), ("group.id", &group)]);
            let producer = Producer::new(ProducerSettings::read(&settings).unwrap()).await.unwrap();
            let mut consumer = Consumer::new(ConsumerSettings::read(&settings).unwrap()).await.unwrap();
            consumer.subscribe(["t"]).unwrap();
            // Long enough for the sessions of one mechanism.
            let pause = Duration::from_millis(if mechanism == "SCRAM-SHA-256" { 500 } else { 0 });
            let mut sent = Vec::new();
            for number in 0..10 {
                let value = format!("{group} {number}");
                let record =
                    ProducerRecord { partition: Some(number % 2), ..ProducerRecord::new("t", value.clone()) };
                producer.send(record).await.unwrap().await.unwrap();
                sent.push(value);
                tokio::time::sleep(pause).await;
            }
            let mut received = Vec::new();
            while received.len() < sent.len() {
                let records = consumer.poll(Duration::from_secs(1)).await.unwrap();
                let values = records.iter().map(|it| String::from_utf8(it.value.unwrap().to_vec()).unwrap());
                received.extend(values.filter(|value| value.starts_with(&format!("{group} "))));
            }
            received.sort();
            assert_eq!(received, sent);
        }
    });
}
