//! What `kafka-configs.sh --zookeeper` writes, transaction by transaction: what Kafka 2.7.2's tool wrote.

use barnabas::zk::{ConnectOptions, ZooKeeper, bootstrap};

use crate::support::{Chroot, ZooKeeperServer, tool};

/// The arguments of a command, and what it wrote: entities and their configs. A notice follows each of them.
const COMMANDS: &[(&str, &str, &str)] = &[
    (
        "--entity-type topics --entity-name t --add-config \
         retention.ms=100000,min.insync.replicas=1,follower.replication.throttled.replicas=*",
        "set topics/t",
        r#""follower.replication.throttled.replicas":"*","min.insync.replicas":"1","retention.ms":"100000""#,
    ),
    (
        "--topic t --delete-config retention.ms",
        "set topics/t",
        r#""follower.replication.throttled.replicas":"*","min.insync.replicas":"1""#,
    ),
    (
        "--topic t --add-config cleanup.policy=[compact,delete],retention.ms=1",
        "set topics/t",
        r#""cleanup.policy":"compact,delete","follower.replication.throttled.replicas":"*","min.insync.replicas":"1","retention.ms":"1""#,
    ),
    (
        "--entity-type brokers --entity-name 1 --add-config \
         leader.replication.throttled.rate=1000,follower.replication.throttled.rate=2000",
        "create brokers/1",
        r#""leader.replication.throttled.rate":"1000","follower.replication.throttled.rate":"2000""#,
    ),
    (
        "--broker-defaults --add-config log.cleaner.threads=2",
        "create brokers/<default>",
        r#""log.cleaner.threads":"2""#,
    ),
    (
        "--entity-type clients --entity-name clientA --add-config \
         producer_byte_rate=1024,consumer_byte_rate=2048,request_percentage=200",
        "create clients/clientA",
        r#""request_percentage":"200","producer_byte_rate":"1024","consumer_byte_rate":"2048""#,
    ),
    (
        "--entity-type clients --entity-default --add-config producer_byte_rate=4096",
        "create clients/<default>",
        r#""producer_byte_rate":"4096""#,
    ),
    (
        "--user-defaults --add-config request_percentage=50",
        "create users/<default>",
        r#""request_percentage":"50""#,
    ),
    (
        "--entity-type users --entity-name userA --add-config producer_byte_rate=1,consumer_byte_rate=2",
        "create users/userA",
        r#""producer_byte_rate":"1","consumer_byte_rate":"2""#,
    ),
    (
        "--entity-type users --entity-name userA --delete-config producer_byte_rate,consumer_byte_rate",
        "set users/userA",
        "",
    ),
    (
        "--entity-type users --entity-name CN=Jö,O=x/y*z --add-config producer_byte_rate=5",
        "create users/CN%3DJ%C3%B6%2CO%3Dx%2Fy%2Az",
        r#""producer_byte_rate":"5""#,
    ),
];

/// The commands about client ids of users write a parent, too.
const BELOW_USERS: &[(&str, &[&str])] = &[
    (
        "--entity-type users --entity-name userA --entity-type clients --entity-name clientA --add-config \
         producer_byte_rate=1,consumer_byte_rate=2",
        &[
            "create /config/users/userA/clients ",
            r#"create /config/users/userA/clients/clientA {"version":1,"config":{"producer_byte_rate":"1","consumer_byte_rate":"2"}}"#,
            "users/userA/clients/clientA",
        ],
    ),
    (
        "--client-defaults --user userA --add-config producer_byte_rate=3",
        &[
            r#"create /config/users/userA/clients/<default> {"version":1,"config":{"producer_byte_rate":"3"}}"#,
            "users/userA/clients/<default>",
        ],
    ),
    (
        "--entity-type users --entity-name userB --entity-type clients --entity-name clientB --add-config \
         request_percentage=12.5",
        &[
            "create /config/users/userB ",
            "create /config/users/userB/clients ",
            r#"create /config/users/userB/clients/clientB {"version":1,"config":{"request_percentage":"12.5"}}"#,
            "users/userB/clients/clientB",
        ],
    ),
];

struct Ensemble {
    server: ZooKeeperServer,
    chroot: Chroot,
    read: usize,
}

impl Ensemble {
    /// An ensemble with the parents that a broker makes, and a topic; no broker runs.
    fn start() -> Self {
        let server = ZooKeeperServer::start();
        let chroot = Chroot::on(&server.address());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let options = ConnectOptions { make_chroot: true, ..ConnectOptions::default() };
            let zk = ZooKeeper::connect(&chroot.connect(), options).await.unwrap();
            bootstrap::make_paths(&zk).await.unwrap();
            zk.close().await;
        });
        let create =
            ["--zookeeper", &chroot.connect(), "--create", "--topic", "t", "--replica-assignment", "1"];
        assert!(tool("topics", &create).status.success());
        let mut ensemble = Self { server, chroot, read: 0 };
        ensemble.since();
        ensemble
    }

    fn since(&mut self) -> Vec<String> {
        let all = self.server.journal(self.chroot.path());
        let new = all[self.read..].to_vec();
        self.read = all.len();
        new
    }

    /// What a command writes that succeeds.
    fn alter(&mut self, arguments: &str) -> Vec<String> {
        let connect = self.chroot.connect();
        let given = arguments.split_whitespace();
        let all: Vec<_> = ["--zookeeper", &connect, "--alter"].into_iter().chain(given).collect();
        let output = tool("configs", &all);
        assert!(output.status.success(), "{arguments}: {output:?}");
        self.since()
    }
}

fn notice(number: usize, entity: &str) -> String {
    format!(
        "create /config/changes/config_change_{number:010} {{\"version\":2,\"entity_path\":\"{entity}\"}}"
    )
}

#[test]
fn configs_are_written_through_zookeeper_as_by_kafkas_tool() {
    let mut ensemble = Ensemble::start();
    let mut notices = 0..;
    for (arguments, write, pairs) in COMMANDS {
        let (verb, entity) = write.split_once(' ').unwrap();
        let written = format!("{verb} /config/{entity} {{\"version\":1,\"config\":{{{pairs}}}}}");
        assert_eq!(
            ensemble.alter(arguments),
            [written, notice(notices.next().unwrap(), entity)],
            "{arguments}"
        );
    }
    for (arguments, lines) in BELOW_USERS {
        let (entity, znodes) = lines.split_last().unwrap();
        let mut expected: Vec<_> = znodes.iter().map(|line| (*line).to_owned()).collect();
        expected.push(notice(notices.next().unwrap(), entity));
        assert_eq!(ensemble.alter(arguments), expected, "{arguments}");
    }
    let credential =
        ensemble.alter("--user alice --add-config SCRAM-SHA-256=[iterations=8192,password=secret]");
    assert!(
        credential[0]
            .starts_with("create /config/users/alice {\"version\":1,\"config\":{\"SCRAM-SHA-256\":\"salt=")
    );
    assert!(credential[0].ends_with("=,iterations=8192\"}}"), "{credential:?}");
    let password =
        "--broker 8 --add-config listener.name.internal.ssl.key.password=p,password.encoder.secret=s";
    let written = ensemble.alter(password);
    assert!(written[0].contains("\":\"encryptedPassword:") && !written[0].contains("secret"), "{written:?}");
    let connect = ensemble.chroot.connect();
    let refused = ["--zookeeper", &connect, "--alter", "--topic", "t", "--add-config", "retention.ms=abc"];
    assert!(!tool("configs", &refused).status.success());
    assert_eq!(ensemble.since(), [""; 0], "a refused change writes nothing");
}
