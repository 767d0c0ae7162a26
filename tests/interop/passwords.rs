//! Passwords that kafka-configs encrypts for a broker that does not run: those of Kafka's tool are read here, and those
//! of this project's tool by Kafka, with each cipher, key and number of iterations.

use barnabas::config::broker::BrokerConfig;
use barnabas::config::password_encoder::PasswordEncoder;
use barnabas::zk::znode::config_entity::{ConfigEntity, EntityType, path};
use barnabas::zk::{ConnectOptions, ZooKeeper};

use crate::java::kafka;
use crate::support::{Broker, Chroot, root, tool};

const SECRET: &str = "the-secret";
const PASSWORD: &str = "pass-word, of more than sixteen bytes";

/// A cipher, the bits of its keys, and how often the secret is hashed.
const CIPHERS: [(&str, &str, &str); 8] = [
    ("AES/CBC/PKCS5Padding", "128", "4096"),
    ("AES/CBC/PKCS5Padding", "256", "1024"),
    ("AES/CFB/PKCS5Padding", "128", "1024"),
    ("AES/OFB/PKCS5Padding", "192", "10000"),
    ("AES/GCM/NoPadding", "128", "4096"),
    ("AES/GCM/NoPadding", "256", "1024"),
    ("DES/CBC/PKCS5Padding", "64", "1024"),
    ("DESede/CBC/PKCS5Padding", "192", "1024"),
];

/// The config of each broker, which has the number of its cipher.
fn key(broker: usize) -> String {
    format!("listener.name.of{broker}.ssl.keystore.password")
}

fn arguments(chroot: &Chroot, broker: usize) -> Vec<String> {
    let (cipher, length, iterations) = CIPHERS[broker];
    let configs = [
        format!("{}=[{PASSWORD}]", key(broker)),
        format!("password.encoder.secret={SECRET}"),
        format!("password.encoder.cipher.algorithm={cipher}"),
        format!("password.encoder.key.length={length}"),
        format!("password.encoder.iterations={iterations}"),
    ];
    let (zookeeper, configs) = (chroot.connect(), configs.join(","));
    let name = broker.to_string();
    [
        "--zookeeper",
        &zookeeper,
        "--alter",
        "--entity-type",
        "brokers",
        "--entity-name",
        &name,
        "--add-config",
        &configs,
    ]
    .map(str::to_owned)
    .to_vec()
}

/// The encrypted password of each broker.
fn encrypted(chroot: &Chroot) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let zk = ZooKeeper::connect(&chroot.connect(), ConnectOptions::default()).await.unwrap();
        let mut found = Vec::new();
        for broker in 0..CIPHERS.len() {
            let (data, _) = zk.get(&path(EntityType::Brokers, &broker.to_string())).await.unwrap().unwrap();
            found.push(ConfigEntity::decode(&data).unwrap().to_map()[&key(broker)].clone());
        }
        zk.close().await;
        found
    })
}

/// The names of what stands beside a password, in order.
fn names(encrypted: &str) -> Vec<&str> {
    encrypted.split(',').filter_map(|pair| pair.split(':').next()).collect()
}

#[test]
fn passwords_of_every_cipher_are_read_by_kafka_and_here() {
    let Some(kafka) = kafka("passwords_of_every_cipher_are_read_by_kafka_and_here") else { return };
    let (of_kafka, of_barnabas) = (Chroot::new(), Chroot::new());
    // Another broker than those whose passwords are stored: it makes the znodes that all share.
    let _running = [&of_kafka, &of_barnabas].map(|chroot| Broker::start(100, &chroot.connect()));
    for broker in 0..CIPHERS.len() {
        let arguments = arguments(&of_kafka, broker);
        kafka
            .run("kafka.admin.ConfigCommand", &arguments.iter().map(String::as_str).collect::<Vec<_>>())
            .ok();
        let arguments = self::arguments(&of_barnabas, broker);
        let ended = tool("configs", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(ended.status.success(), "{:?}", String::from_utf8_lossy(&ended.stderr));
    }
    let (of_kafka, of_barnabas) = (encrypted(&of_kafka), encrypted(&of_barnabas));
    let mut config = BrokerConfig::default();
    config.set("password.encoder.secret", SECRET).unwrap();
    let encoder = PasswordEncoder::of(&config).unwrap();
    for (broker, (kafkas, own)) in of_kafka.iter().zip(&of_barnabas).enumerate() {
        assert_eq!(encoder.decode(kafkas).as_deref(), Ok(PASSWORD), "{:?}", CIPHERS[broker]);
        assert_eq!(names(kafkas), names(own), "{:?}", CIPHERS[broker]);
        assert!(kafkas.len().abs_diff(own.len()) < 8, "{kafkas}\n{own}");
    }
    let classes = kafka.compile(&root().join("tests/interop/passwords/Passwords.java"), "passwords");
    let mut arguments = vec![SECRET];
    for (broker, own) in of_barnabas.iter().enumerate() {
        arguments.extend([CIPHERS[broker].0, own]);
    }
    let read = kafka.command_beside(Some(&classes), "Passwords", &arguments).output().unwrap();
    let lines = String::from_utf8_lossy(&read.stdout).into_owned();
    let expected = vec![PASSWORD; CIPHERS.len()];
    assert_eq!(lines.lines().collect::<Vec<_>>(), expected, "{}", String::from_utf8_lossy(&read.stderr));
}
