use super::*;

fn cluster(settings: &[(&str, &str)]) -> Result<ClusterOptions, ClientError> {
    let mut properties = Properties::default();
    settings.iter().for_each(|(key, value)| properties.set(*key, *value));
    Keys { properties: &properties, used: Vec::new() }.cluster("default-id")
}

#[test]
fn the_keys_that_all_clients_share_are_kafkas() {
    let options = cluster(&[
        ("bootstrap.servers", "a:1,b:2"),
        ("client.id", "id"),
        ("client.dns.lookup", "default"),
        ("connections.max.idle.ms", "-1"),
        ("metadata.max.age.ms", "7"),
        ("metadata.max.idle.ms", "6000"),
        ("send.buffer.bytes", "-1"),
        ("receive.buffer.bytes", "65536"),
        ("socket.connection.setup.timeout.max.ms", "9"),
        ("allow.auto.create.topics", "FALSE"),
        ("zookeeper.connect", "z:2181/chroot"),
        ("zookeeper.session.timeout.ms", "5000"),
    ]);
    let options = options.unwrap();
    assert_eq!((options.bootstrap.as_str(), options.client_id.as_str()), ("a:1,b:2", "id"));
    assert_eq!((options.dns_lookup, options.connections_max_idle), (ClientDnsLookup::Default, Duration::MAX));
    let (age, idle) = (Duration::from_millis(7), Duration::from_secs(6));
    assert_eq!((options.metadata_max_age, options.metadata_max_idle), (age, idle));
    assert_eq!((options.send_buffer, options.receive_buffer), (None, Some(65_536)));
    assert_eq!(options.connection_setup_timeout_max, Duration::from_millis(9));
    assert!(!options.allow_auto_create_topics);
    let zookeeper = options.zookeeper.unwrap();
    assert_eq!(
        (zookeeper.connect.as_str(), zookeeper.session_timeout),
        ("z:2181/chroot", Duration::from_secs(5))
    );
    assert_eq!(cluster(&[]).unwrap().client_id, "default-id");
}

#[test]
fn a_reconnect_backoff_that_was_set_does_not_grow_by_itself() {
    let waits = |settings: &[(&str, &str)]| {
        let options = cluster(settings).unwrap();
        (options.reconnect_backoff.as_millis(), options.reconnect_backoff_max.as_millis())
    };
    assert_eq!(waits(&[]), (50, 1000));
    assert_eq!(waits(&[("reconnect.backoff.ms", "300")]), (300, 300));
    assert_eq!(waits(&[("reconnect.backoff.ms", "300"), ("reconnect.backoff.max.ms", "900")]), (300, 900));
}

#[test]
fn a_value_that_cannot_be_is_refused_in_kafkas_words() {
    let text = |key: &str, value: &str| cluster(&[(key, value)]).unwrap_err().to_string();
    let refused = |key: &str, value: &str, reason: &str| {
        assert_eq!(text(key, value), format!("Invalid value {value} for configuration {key}: {reason}"));
    };
    refused("request.timeout.ms", "soon", "Not a number of type INT");
    refused("retry.backoff.ms", "soon", "Not a number of type LONG");
    refused("retry.backoff.ms", "-1", "Value must be at least 0");
    refused("receive.buffer.bytes", "-2", "Value must be at least -1");
    refused("max.in.flight.requests.per.connection", "0", "Value must be at least 1");
    refused("metadata.max.idle.ms", "10", "Value must be at least 5000");
    refused("allow.auto.create.topics", "yes", "Expected value to be either true or false");
    let lookups = "default, use_all_dns_ips, resolve_canonical_bootstrap_servers_only";
    refused("client.dns.lookup", "none", &format!("String must be one of: {lookups}"));
    refused("security.protocol", "SSL", "Only PLAINTEXT and SASL_PLAINTEXT are supported");
}

const JAAS: &str =
    "org.apache.kafka.common.security.scram.ScramLoginModule required username=alice password=\"h1dden\";";

#[test]
fn a_client_authenticates_as_its_settings_ask() {
    let security = |settings: &[(&str, &str)]| cluster(settings).map(|it| it.security);
    assert_eq!(security(&[("sasl.jaas.config", "broken")]).unwrap(), ClientSecurity::Plaintext);
    let sasl = ("security.protocol", "sasl_plaintext");
    let scram = ("sasl.mechanism", "SCRAM-SHA-512");
    match security(&[sasl, scram, ("sasl.jaas.config", JAAS)]).unwrap() {
        ClientSecurity::Sasl(login) => {
            assert_eq!((login.user.as_str(), login.password.as_str()), ("alice", "h1dden"));
            assert_eq!(login.mechanism.name(), "SCRAM-SHA-512");
            assert!(!format!("{login:?}").contains("h1dden"));
        }
        other => panic!("{other:?}"),
    }
    let plain = security(&[sasl, ("sasl.mechanism", "PLAIN")]).unwrap();
    assert_eq!(plain, ClientSecurity::SaslOfJavaOptions(SaslMechanism::Plain));
    let error = |settings: &[(&str, &str)]| security(settings).unwrap_err().to_string();
    assert_eq!(
        error(&[sasl]),
        "Invalid value GSSAPI for configuration sasl.mechanism: Only PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are supported"
    );
    let broken = error(&[sasl, scram, ("sasl.jaas.config", "x required password=\"h1dden\"")]);
    assert_eq!(broken, "JAAS config entry not terminated by semi-colon");
}

#[test]
fn the_value_of_an_unknown_key_is_not_shown() {
    let properties = Properties::from_iter([("ssl.key.password", "h1dden")]);
    let ignored = Keys { properties: &properties, used: Vec::new() }.ignored();
    assert_eq!(ignored[0].value, "h1dden");
    assert!(!format!("{ignored:?} {properties:?}").contains("h1dden"));
}
