use super::*;
use crate::config::broker::ROWS;

fn broker(key: &str, value: &str) -> Option<String> {
    let refused = check_broker(&Properties::from_iter([(key, value)]));
    refused.err().map(|error| error.to_string())
}

fn client(key: &str, value: &str) -> Option<String> {
    let refused = check_client(&Properties::from_iter([(key, value)]));
    refused.err().map(|error| error.to_string())
}

#[test]
fn settings_that_ask_for_security_are_refused_by_name_without_their_value() {
    let asked = [
        ("authorizer.class.name", "com.example.Authorizer"),
        ("principal.builder.class", "com.example.Builder"),
        ("zookeeper.set.acl", "true"),
        ("zookeeper.ssl.client.enable", "true"),
        ("zookeeper.clientCnxnSocket", "org.apache.zookeeper.ClientCnxnSocketNetty"),
        ("security.inter.broker.protocol", "SASL_SSL"),
        ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,EXTERNAL:SSL"),
        ("sasl.enabled.mechanisms", "PLAIN,OAUTHBEARER"),
        ("sasl.login.class", "com.example.Login"),
        ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,EXTERNAL:SASL_SSL"),
        ("ssl.keystore.password", "secret"),
        ("ssl.client.auth", "required"),
        ("listener.name.external.ssl.keystore.location", "/secret"),
        ("listener.name.external.plain.sasl.server.callback.handler.class", "com.example.Handler"),
        ("listener.name.external.sasl.enabled.mechanisms", "GSSAPI,PLAIN"),
        ("delegation.token.master.key", "secret"),
        ("create.topic.policy.class.name", "com.example.Policy"),
        ("alter.config.policy.class.name", "com.example.Policy"),
        ("client.quota.callback.class", "com.example.Callback"),
    ];
    for (key, value) in asked {
        let sentence = broker(key, value).unwrap_or_else(|| panic!("{key}={value} was not refused"));
        assert!(sentence.ends_with(&format!(": {key}.")) && !sentence.contains("secret"), "{sentence}");
    }
}

#[test]
fn what_every_broker_has_by_default_asks_for_nothing() {
    for row in ROWS {
        if let Some(value) = row.default_text() {
            assert_eq!(broker(row.key, value), None, "{}", row.key);
            assert_eq!(client(row.key, value), None, "{}", row.key);
        }
    }
    assert_eq!(broker("listener.security.protocol.map", "A:PLAINTEXT, SSL:SSL"), None);
    assert_eq!(broker("listener.name.external.max.connections", "5"), None);
    assert_eq!(broker("principal.builder.class", DEFAULT_PRINCIPAL_BUILDER), None);
    for (key, value) in [
        ("listener.security.protocol.map", "A:PLAINTEXT,B:SASL_PLAINTEXT"),
        ("sasl.enabled.mechanisms", "PLAIN, SCRAM-SHA-256,SCRAM-SHA-512"),
        ("listener.name.b.plain.sasl.jaas.config", "x"),
        ("connections.max.reauth.ms", "1"),
    ] {
        assert_eq!(broker(key, value), None, "{key}");
    }
    for class in crate::config::authorizer::CLASSES {
        assert_eq!(broker("authorizer.class.name", class), None);
    }
    assert_eq!(broker("zookeeper.clientCnxnSocket", "org.apache.zookeeper.ClientCnxnSocketNIO"), None);
}

#[test]
fn clients_are_refused_what_brokers_are() {
    for (key, value) in [
        ("security.protocol", "SSL"),
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "OAUTHBEARER"),
        ("sasl.login.callback.handler.class", "com.example.Handler"),
        ("ssl.truststore.location", "/secret"),
        ("ssl.truststore.password", "secret"),
    ] {
        let sentence = client(key, value).unwrap_or_else(|| panic!("{key}={value} was not refused"));
        assert!(sentence.ends_with(&format!(": {key}.")) && !sentence.contains("secret"), "{sentence}");
    }
    for (key, value) in [
        ("security.protocol", "PLAINTEXT"),
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "GSSAPI"),
        ("sasl.mechanism", "SCRAM-SHA-512"),
        ("sasl.jaas.config", "secret"),
        ("ssl.endpoint.identification.algorithm", "https"),
        ("client.id", "ssl"),
    ] {
        assert_eq!(client(key, value), None, "{key}");
    }
}

#[test]
fn javas_options_ask_too() {
    assert!(check_java_options("-Dzookeeper.client.secure=true").is_err());
    assert_eq!(
        check_java_options(
            "-Dcom.sun.management.jmxremote.port=1 -Djava.security.auth.login.config=/j -Xlog"
        ),
        Ok(())
    );
}

#[test]
fn all_that_is_asked_for_is_named_at_once() {
    let properties = Properties::from_iter([
        ("ssl.keystore.location", "/x"),
        ("authorizer.class.name", "a.B"),
        ("ssl.truststore.location", "/y"),
    ]);
    assert_eq!(
        check_broker(&properties).unwrap_err().to_string(),
        "TLS is not built yet: connections would not be encrypted as these settings ask: ssl.keystore.location, \
         ssl.truststore.location. Java classes cannot be loaded: requests would not be judged as these settings ask: \
         authorizer.class.name."
    );
}
