use super::*;
use crate::config::{BrokerConfig, Properties};

const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required user_a=b;";

fn secured(pairs: &[(&str, &str)]) -> Result<Vec<SecuredEndpoint>, ConfigError> {
    let given = [("zookeeper.connect", "z"), ("listeners", "PLAINTEXT://:1,IN://:2")];
    let map = [("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,IN:SASL_PLAINTEXT")];
    let pairs: Properties = given.iter().chain(&map).chain(pairs).copied().collect();
    let settings = LayeredSettings { broker: BrokerConfig::parse(&pairs)?, pairs, ..Default::default() };
    ListenerSecurity { jaas: JaasFile::default(), credentials: Arc::default() }.secured(&settings)
}

fn words(pairs: &[(&str, &str)]) -> String {
    secured(pairs).unwrap_err().to_string()
}

#[test]
fn the_setting_of_a_mechanism_of_a_listener_counts_first() {
    let endpoints = secured(&[
        ("sasl.enabled.mechanisms", "SCRAM-SHA-512"),
        ("listener.name.in.sasl.enabled.mechanisms", " PLAIN , PLAIN"),
        ("listener.name.in.plain.sasl.jaas.config", PLAIN),
        ("connections.max.reauth.ms", "1"),
        ("listener.name.in.connections.max.reauth.ms", "2"),
        ("listener.name.in.plain.connections.max.reauth.ms", "3"),
        ("connection.failed.authentication.delay.ms", "7"),
    ]);
    let endpoints = endpoints.unwrap();
    assert!(endpoints[0].sasl.is_none(), "PLAINTEXT");
    let sasl = endpoints[1].sasl.as_ref().unwrap();
    assert_eq!((sasl.names(), sasl.failure_delay), (vec!["PLAIN".to_owned()], Duration::from_millis(7)));
    let plain = sasl.mechanism("PLAIN").unwrap();
    assert_eq!(plain.session_lifetime, Some(Duration::from_millis(3)));
    assert_eq!((plain.users.password("a"), plain.users.password("b")), (Some("b"), None));
    assert!(sasl.mechanism("SCRAM-SHA-512").is_none());
}

#[test]
fn a_listener_that_could_let_nobody_in_is_refused() {
    assert_eq!(
        words(&[]),
        "Listener IN enables the SASL mechanism GSSAPI; of the mechanisms, PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are built"
    );
    let plain = ("sasl.enabled.mechanisms", "PLAIN");
    assert_eq!(
        words(&[plain]),
        "Could not find a 'KafkaServer' or 'in.KafkaServer' entry in the JAAS configuration. System property \
         'java.security.auth.login.config' is not set"
    );
    let key = "listener.name.in.plain.sasl.jaas.config";
    assert_eq!(words(&[plain, (key, "a.B required password=c;")]), "unable to find LoginModule class: a.B");
    assert_eq!(
        words(&[plain, (key, PLAIN), ("listener.name.in.plain.connections.max.reauth.ms", "x")]),
        "Invalid value x for configuration connections.max.reauth.ms: Not a number of type LONG"
    );
}

/// The user of a broker at the listener `IN`.
fn login(pairs: &[(&str, &str)]) -> Result<Option<String>, ConfigError> {
    let given = [("zookeeper.connect", "z"), ("listeners", "PLAINTEXT://:1,IN://:2")];
    let map = [("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,IN:SASL_PLAINTEXT")];
    let between = [("inter.broker.listener.name", "in"), ("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256")];
    let pairs: Properties = given.iter().chain(&map).chain(&between).chain(pairs).copied().collect();
    let settings =
        LayeredSettings { broker: BrokerConfig::parse(&pairs).unwrap(), pairs, ..Default::default() };
    let security = ListenerSecurity { jaas: JaasFile::default(), credentials: Arc::default() };
    let logins = security.logins(&settings)?;
    assert!(logins.at("PLAINTEXT").is_none());
    Ok(logins.at("IN").map(|login| format!("{}:{}", login.mechanism.name(), login.user)))
}

#[test]
fn a_broker_authenticates_at_others_as_the_user_of_its_own_listener() {
    let key = "listener.name.in.scram-sha-256.sasl.jaas.config";
    let scram = "org.apache.kafka.common.security.scram.ScramLoginModule required username=admin password=x;";
    let user = |pairs: &[(&str, &str)]| login(pairs).unwrap();
    let error = |pairs: &[(&str, &str)]| login(pairs).unwrap_err().to_string();
    let by = |mechanism: &'static str| ("sasl.mechanism.inter.broker.protocol", mechanism);
    let own = (key, scram);
    assert_eq!(user(&[by("SCRAM-SHA-256"), own]).as_deref(), Some("SCRAM-SHA-256:admin"));
    assert_eq!(user(&[("inter.broker.listener.name", "plaintext"), own]), None);
    let plane = [("inter.broker.listener.name", "plaintext"), ("control.plane.listener.name", "in")];
    assert!(user(&[&plane[..], &[by("SCRAM-SHA-256"), own]].concat()).is_some());
    let missing = "requirement failed: sasl.mechanism.inter.broker.protocol must be included in sasl.enabled.mechanisms when \
                   SASL is used for inter-broker communication";
    for other in ["GSSAPI", "SCRAM-SHA-512"] {
        assert_eq!(error(&[by(other), own]), missing);
    }
    let without = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    assert_eq!(
        error(&[by("SCRAM-SHA-256"), (key, without)]),
        "Could not login: the JAAS configuration has no username for SCRAM-SHA-256"
    );
}
