//! Listeners with SASL: which callers come in by which mechanism and version, what is refused and how, and changed
//! credentials.

use std::io::Read;
use std::time::{Duration, Instant};

use barnabas::admin::configs;
use barnabas::security::sasl::client::SaslLogin;
use barnabas::security::sasl::{SaslClient, SaslMechanism, ScramCredential, ScramHash};
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::api_versions::ApiVersionsRequest;
use barnabas::wire::message::metadata::MetadataRequest;
use barnabas::wire::message::sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse};
use barnabas::wire::message::sasl_handshake::SaslHandshakeRequest;
use barnabas::zk::znode::config_entity::EntityType;
use barnabas::zk::{ConnectOptions, ZooKeeper};

use crate::support::{Broker, Chroot, Connection, eventually, free_port, quotas};

const SOON: Duration = Duration::from_secs(30);
const SCRAM: SaslMechanism = SaslMechanism::Scram(ScramHash::Sha512);

/// A broker with a listener for SASL beside its own, whose users of PLAIN are alice and bob.
pub struct SaslBroker {
    /// The broker, with its own port.
    pub broker: Broker,
    /// The port of the listener for SASL.
    pub port: u16,
    /// The port of its metrics.
    pub metrics_port: u16,
    chroot: Chroot,
}

impl SaslBroker {
    /// Starts it, with further settings.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_logging(settings, "")
    }

    /// As [`SaslBroker::start`], with this in its variable `KAFKA_LOG4J_OPTS`.
    pub fn start_logging(settings: &[(&str, &str)], log4j_opts: &str) -> Self {
        let (chroot, port, metrics_port) = (Chroot::new(), free_port(), free_port());
        let listeners = format!("PLAINTEXT://127.0.0.1:{{port}},SASL_PLAINTEXT://127.0.0.1:{port}");
        let all = [
            &[("listeners", listeners.as_str()), ("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-512")],
            settings,
        ];
        let mut broker = Broker::prepare(1, &chroot.connect(), &all.concat());
        // The way of the file, for all mechanisms.
        let file = broker.directory().join("jaas.conf");
        let text = "KafkaServer {\n  org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=\"secret\"\n  \
                    user_bob=geheim;\n};\n";
        std::fs::write(&file, text).unwrap();
        broker
            .set_environment("KAFKA_OPTS", &format!("-Djava.security.auth.login.config={}", file.display()));
        if !log4j_opts.is_empty() {
            broker.set_environment("KAFKA_LOG4J_OPTS", log4j_opts);
        }
        broker.set_environment("METRICS_LISTENER", &format!("127.0.0.1:{metrics_port}"));
        broker.restart();
        Self { broker, port, metrics_port, chroot }
    }

    /// Where clients with SASL begin.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where tools find its znodes.
    pub fn zookeeper(&self) -> String {
        self.chroot.connect()
    }

    /// What is counted of the authentications on its listener for SASL.
    pub fn counted(&self, attribute: &str) -> f64 {
        counted(self.metrics_port, attribute)
    }

    /// The credential of a user of SCRAM-SHA-512, as its znode has it.
    pub fn credential(&self, user: &str) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let zk = ZooKeeper::connect(&self.chroot.connect(), ConnectOptions::default()).await.unwrap();
            let found = configs::fetch(&zk, EntityType::Users, user).await.unwrap();
            zk.close().await;
            found["SCRAM-SHA-512"].clone()
        })
    }

    fn connect(&self) -> Connection {
        Connection::to(self.port).unwrap()
    }

    /// Sets the password of a user of SCRAM.
    fn set_password(&self, user: &str, password: &str) {
        let credential = ScramCredential::of_password(ScramHash::Sha512, password, 4096).to_string();
        let pairs = [("SCRAM-SHA-512", credential.as_str())];
        quotas::change(&self.chroot.connect(), EntityType::Users, user, &pairs);
    }
}

/// What a broker counts of the authentications on its listener `SASL_PLAINTEXT`.
pub fn counted(metrics_port: u16, attribute: &str) -> f64 {
    let name = format!("kafka_server_socket_server_metrics_{}{{", attribute.replace('-', "_"));
    let figures = crate::metrics::figures(metrics_port);
    let of = |key: &&String| key.starts_with(&name) && key.contains("listener=\"SASL_PLAINTEXT\"");
    let found = figures.keys().find(of).and_then(|key| figures.get(key));
    *found.unwrap_or_else(|| panic!("no {name} in {figures:#?}"))
}

fn login(mechanism: SaslMechanism, user: &str, password: &str) -> SaslLogin {
    SaslLogin { mechanism, user: user.to_owned(), password: password.to_owned() }
}

fn handshake(connection: &mut Connection, mechanism: &str, version: i16) -> i16 {
    let request = SaslHandshakeRequest { mechanism: mechanism.to_owned() };
    connection.call(&request, version).unwrap().error_code
}

/// Logs in with tokens in requests: the last answer.
fn log_in(connection: &mut Connection, login: &SaslLogin) -> SaslAuthenticateResponse {
    assert_eq!(handshake(connection, login.mechanism.name(), 1), 0);
    let (mut client, mut next) = SaslClient::new(login);
    loop {
        let request = SaslAuthenticateRequest { auth_bytes: next.into() };
        let answer = connection.call(&request, 1).unwrap();
        if answer.error_code != 0 {
            return answer;
        }
        match client.evaluate(&answer.auth_bytes).unwrap() {
            Some(token) => next = token,
            None => return answer,
        }
    }
}

/// Whether the caller is served.
fn is_served(connection: &mut Connection) -> bool {
    connection.call(&MetadataRequest::default(), 4).is_some_and(|answer| !answer.brokers.is_empty())
}

fn is_closed(connection: &Connection) -> bool {
    connection.stream().read(&mut [0]).unwrap_or(0) == 0
}

#[test]
fn callers_come_in_by_their_passwords_alone() {
    let sasl = SaslBroker::start(&[]);
    sasl.set_password("carol", "first");
    let comes_in = |login: &SaslLogin| {
        let mut connection = sasl.connect();
        log_in(&mut connection, login).error_code == 0 && is_served(&mut connection)
    };
    assert!(comes_in(&login(SaslMechanism::Plain, "alice", "secret")));
    eventually("the credential is known", SOON, || comes_in(&login(SCRAM, "carol", "first")).then_some(()));

    // Both versions of the handshake, behind a request for the versions of the APIs.
    let mut bare = sasl.connect();
    let versions = bare.call(&ApiVersionsRequest::default(), 0).unwrap();
    assert!(versions.api_keys.iter().any(|it| it.api_key == 36), "SaslAuthenticate");
    assert_eq!(handshake(&mut bare, "PLAIN", 0), 0);
    assert_eq!(bare.call_raw(b"\0bob\0geheim").as_deref(), Some(&[][..]));
    assert!(is_served(&mut bare));
    let mut bare = sasl.connect();
    assert_eq!(handshake(&mut bare, "SCRAM-SHA-512", 0), 0);
    let (mut client, first) = SaslClient::new(&login(SCRAM, "carol", "first"));
    let last = client.evaluate(&bare.call_raw(&first).unwrap()).unwrap().unwrap();
    assert_eq!(client.evaluate(&bare.call_raw(&last).unwrap()), Ok(None), "the broker proves itself, too");
    assert!(is_served(&mut bare));
    assert_eq!(handshake(&mut bare, "PLAIN", 1), ErrorCode::IllegalSaslState.code());

    // Wrong passwords and unknown users: answered alike, late, and the connection ends.
    let refused = |login: &SaslLogin| {
        let (mut connection, began) = (sasl.connect(), Instant::now());
        let answer = log_in(&mut connection, login);
        assert!(began.elapsed() >= Duration::from_millis(100) && is_closed(&connection));
        assert_eq!(answer.error_code, ErrorCode::SaslAuthenticationFailed.code());
        answer.error_message.unwrap()
    };
    for mechanism in [SaslMechanism::Plain, SCRAM] {
        let wrong = refused(&login(mechanism, "carol", "wrong"));
        assert_eq!(refused(&login(mechanism, "nobody", "first")), wrong);
    }
    let mut other = sasl.connect();
    assert_eq!(handshake(&mut other, "GSSAPI", 1), ErrorCode::UnsupportedSaslMechanism.code());
    assert!(is_closed(&other));

    // Another password is in force at once, and what was is not any more.
    sasl.set_password("carol", "second");
    eventually("the new password is known", SOON, || {
        comes_in(&login(SCRAM, "carol", "second")).then_some(())
    });
    assert!(!comes_in(&login(SCRAM, "carol", "first")));
    quotas::change(&sasl.chroot.connect(), EntityType::Users, "carol", &[]);
    eventually("the user is gone", SOON, || (!comes_in(&login(SCRAM, "carol", "second"))).then_some(()));
    let told = sasl.broker.process().lines().join("\n");
    assert!(["secret", "geheim", "first", "second", "stored_key"].iter().all(|it| !told.contains(it)));
}

#[test]
fn nothing_is_served_before_a_caller_has_authenticated() {
    let sasl = SaslBroker::start(&[]);
    let refused = |mut connection: Connection| assert!(!is_served(&mut connection));
    refused(sasl.connect());
    let mut begun = sasl.connect();
    assert_eq!(handshake(&mut begun, "PLAIN", 1), 0);
    refused(begun);
    // Longer than a frame of a caller that is not authenticated may be.
    let mut large = sasl.connect();
    assert_eq!(large.call_raw(&vec![0; 524_289]), None);
    assert!(is_closed(&large));
    let mut half = sasl.connect();
    assert_eq!(half.call_raw(b"\0\x11\0\x01\0\0\0\x01\0"), None, "a request that ends too early");
    // Where no caller has to authenticate, none may.
    assert_eq!(
        handshake(&mut Connection::to(sasl.broker.port).unwrap(), "PLAIN", 1),
        ErrorCode::IllegalSaslState.code()
    );
}

#[test]
fn a_caller_authenticates_again_before_its_time_is_over() {
    let sasl = SaslBroker::start(&[("connections.max.reauth.ms", "2500")]);
    let alice = login(SaslMechanism::Plain, "alice", "secret");
    let mut connection = sasl.connect();
    assert_eq!(log_in(&mut connection, &alice).session_lifetime_ms, 2500);
    let mut idle = sasl.connect();
    log_in(&mut idle, &alice);
    let mut last = Instant::now();
    let mut await_second = || {
        let is_over = || (last.elapsed() >= Duration::from_millis(1100)).then_some(());
        eventually("a second has passed", SOON, is_over);
        last = Instant::now();
    };
    for _ in 0..3 {
        await_second();
        assert!(is_served(&mut connection));
        assert_eq!(log_in(&mut connection, &alice).error_code, 0);
    }
    assert!(is_served(&mut connection));
    assert!(!is_served(&mut idle), "its time is over");
    // Another user is refused.
    await_second();
    let refused = log_in(&mut connection, &login(SaslMechanism::Plain, "bob", "geheim"));
    assert_eq!(
        refused.error_message.as_deref(),
        Some("Cannot change principals during re-authentication from User.alice: User.bob")
    );
    assert!(is_closed(&connection));
}
