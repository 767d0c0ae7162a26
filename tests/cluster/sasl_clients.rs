//! The library and the tools as clients of a listener with SASL: which of them come in by which properties, what a
//! refusal is, and that a session goes on beyond its lifetime.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use barnabas::client::admin::ListTopicsOptions;
use barnabas::client::settings::{AdminSettings, ConsumerSettings, ProducerSettings};
use barnabas::client::{Admin, ClientError, Consumer, Producer, ProducerRecord, Recovery};
use barnabas::config::Properties;
use barnabas::wire::error_code::ErrorCode;

use crate::sasl::SaslBroker;
use crate::support::eventually;

const SOON: Duration = Duration::from_secs(60);
const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";
const SCRAM: &str = "org.apache.kafka.common.security.scram.ScramLoginModule";

/// The properties of a client that logs in by this mechanism and JAAS configuration.
fn properties(mechanism: &str, jaas: &str) -> String {
    let jaas = if jaas.is_empty() { String::new() } else { format!("sasl.jaas.config={jaas}\n") };
    format!("security.protocol=SASL_PLAINTEXT\nsasl.mechanism={mechanism}\n{jaas}")
}

fn module(class: &str, user: &str, password: &str) -> String {
    format!("{class} required username=\"{user}\" password=\"{password}\";")
}

/// A folder with files of properties.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> String {
        let file = self.0.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    }
}

/// A tool's output, with this in its variable `KAFKA_OPTS` and on its standard input.
fn run(arguments: &[&str], kafka_opts: &str, input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_barnabas"));
    command.args(arguments).env("KAFKA_OPTS", kafka_opts);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A tool that is refused reads nothing.
    let _ = std::io::Write::write_all(&mut stdin, input.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// What a tool printed that has succeeded.
fn printed(arguments: &[&str], kafka_opts: &str, input: &str) -> String {
    let output = run(arguments, kafka_opts, input);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn tools_log_in_by_their_properties_and_by_javas_options() {
    let (sasl, files) = (SaslBroker::start(&[]), Files::new());
    let (bootstrap, zookeeper) = (sasl.bootstrap(), sasl.zookeeper());
    let alice = files.write("alice.properties", &properties("PLAIN", &module(PLAIN, "alice", "secret")));

    // A user of SCRAM, made over the listener itself, and another one by znode; both are described by either road.
    let by_broker = ["configs", "--bootstrap-server", &bootstrap, "--command-config", &alice];
    let by_znode = ["configs", "--zookeeper", &zookeeper];
    for (road, user) in [(&by_broker[..], "carol"), (&by_znode[..], "dave")] {
        let added = format!("SCRAM-SHA-512=[iterations=4096,password={user}-secret]");
        let alter = ["--alter", "--entity-type", "users", "--entity-name", user, "--add-config", &added];
        printed(&[road, &alter[..]].concat(), "", "");
        let describe = ["--describe", "--entity-type", "users", "--entity-name", user];
        let shown = printed(&[&by_broker[..], &describe[..]].concat(), "", "");
        assert!(shown.contains("SCRAM-SHA-512=iterations=4096"), "{shown}");
        assert!(!shown.contains("stored_key") && !shown.contains("-secret"), "{shown}");
    }

    let carol = files.write("carol", &properties("SCRAM-SHA-512", &module(SCRAM, "carol", "carol-secret")));
    let dave = files.write("dave", &properties("SCRAM-SHA-512", &module(SCRAM, "dave", "dave-secret")));
    for file in [&carol, &dave] {
        let list = ["topics", "--bootstrap-server", &bootstrap, "--list", "--command-config", file];
        eventually("the credential is known", SOON, || run(&list, "", "").status.success().then_some(()));
    }
    let failed = sasl.counted("failed-authentication-total");

    let create = ["--create", "--topic", "t", "--partitions", "1", "--replication-factor", "1"];
    printed(
        &[&["topics", "--bootstrap-server", &bootstrap, "--command-config", &alice], &create[..]].concat(),
        "",
        "",
    );
    let produce =
        ["console-producer", "--bootstrap-server", &bootstrap, "--topic", "t", "--producer.config", &alice];
    printed(&produce, "", "one\ntwo\n");

    // By a file of logins and by single properties.
    let jaas = format!("KafkaClient {{\n  {}\n}};\n", module(SCRAM, "dave", "dave-secret"));
    let java = format!("-Xmx1g -Djava.security.auth.login.config={}", files.write("jaas.conf", &jaas));
    let consume = ["console-consumer", "--bootstrap-server", &bootstrap, "--topic", "t", "--from-beginning"];
    let pairs = ["security.protocol=SASL_PLAINTEXT", "sasl.mechanism=SCRAM-SHA-512", "group.id=g"];
    let pairs: Vec<_> = pairs.iter().flat_map(|pair| ["--consumer-property", pair]).collect();
    let arguments = [&consume[..], &["--max-messages", "2"], &pairs[..]].concat();
    assert_eq!(printed(&arguments, &java, ""), "one\ntwo\n");

    let of_carol = ["--bootstrap-server", &bootstrap, "--command-config", &carol];
    let groups = printed(&[&["consumer-groups"], &of_carol[..], &["--list"]].concat(), "", "");
    assert_eq!(groups, "g\n");
    let versions = printed(&[&["broker-api-versions"], &of_carol[..]].concat(), "", "");
    assert!(versions.starts_with(&format!("{bootstrap} (id: 1 rack: null) -> (")), "{versions}");
    let dirs = printed(&[&["log-dirs"], &of_carol[..], &["--describe"]].concat(), "", "");
    assert!(dirs.contains("\"t-0\""), "{dirs}");
    let perf = [
        "producer-perf-test",
        "--topic",
        "t",
        "--num-records",
        "10",
        "--record-size",
        "10",
        "--throughput",
        "-1",
    ];
    let to = format!("bootstrap.servers={bootstrap}");
    printed(&[&perf[..], &["--producer.config", &carol, "--producer-props", &to]].concat(), "", "");

    assert!(sasl.counted("successful-authentication-total") > 8.0);
    assert_eq!(sasl.counted("failed-authentication-total"), failed);
    let lines = sasl.broker.process().lines().join("\n");
    assert!(!lines.contains("-secret") && !lines.contains("stored_key"));
}

/// What a tool that is refused prints, without the password.
fn refused(bootstrap: &str, file: &str, kafka_opts: &str) -> String {
    let arguments = ["topics", "--bootstrap-server", bootstrap, "--list", "--command-config", file];
    let output = run(&arguments, kafka_opts, "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8(printed).unwrap();
    assert!(!printed.contains("h1dden"), "{printed}");
    printed
}

#[test]
fn a_tool_that_is_refused_prints_why_and_no_password() {
    let (sasl, files) = (SaslBroker::start(&[]), Files::new());
    let bootstrap = sasl.bootstrap();
    let wrong = files.write("wrong", &properties("PLAIN", &module(PLAIN, "alice", "h1dden")));
    let plain = sasl.broker.bootstrap();
    for (servers, mechanism, jaas, words) in [
        (
            &bootstrap,
            "PLAIN",
            module(PLAIN, "alice", "h1dden"),
            "org.apache.kafka.common.errors.SaslAuthenticationException: Authentication failed: Invalid username or password",
        ),
        (
            &bootstrap,
            "SCRAM-SHA-512",
            module(SCRAM, "nobody", "h1dden"),
            "due to invalid credentials with SASL mechanism SCRAM-SHA-512",
        ),
        (
            &bootstrap,
            "SCRAM-SHA-256",
            module(SCRAM, "alice", "h1dden"),
            "org.apache.kafka.common.errors.UnsupportedSaslMechanismException: Client SASL mechanism 'SCRAM-SHA-256' not \
             enabled in the server, enabled mechanisms are [PLAIN, SCRAM-SHA-512]",
        ),
        (
            &plain,
            "PLAIN",
            module(PLAIN, "alice", "h1dden"),
            "org.apache.kafka.common.errors.IllegalSaslStateException: Unexpected handshake request with client mechanism PLAIN",
        ),
        (
            &bootstrap,
            "PLAIN",
            String::new(),
            "Could not find a 'KafkaClient' entry in the JAAS configuration.",
        ),
        (&bootstrap, "PLAIN", "x".to_owned(), "Login module control flag not specified in JAAS config"),
        (&bootstrap, "PLAIN", module("a.B", "alice", "h1dden"), "unable to find LoginModule class: a.B"),
        (
            &bootstrap,
            "GSSAPI",
            module(PLAIN, "alice", "h1dden"),
            "Only PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512",
        ),
    ] {
        let file = files.write("client.properties", &properties(mechanism, &jaas));
        let printed = refused(servers, &file, "");
        assert!(printed.contains(words), "{words}: {printed}");
    }
    let printed = refused(&bootstrap, &wrong, "-Djava.security.auth.login.config=/nowhere");
    assert!(
        printed.contains("failed authentication due to: Authentication failed"),
        "its own setting counts: {printed}"
    );
    assert!(sasl.counted("failed-authentication-total") >= 4.0);
}

/// A client's settings.
fn settings(bootstrap: &str, password: &str) -> Properties {
    let jaas = module(PLAIN, "alice", password);
    let pairs = [
        ("bootstrap.servers", bootstrap),
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.jaas.config", jaas.as_str()),
        ("group.id", "g"),
        ("auto.offset.reset", "earliest"),
    ];
    pairs.into_iter().collect()
}

fn is_refused(error: &ClientError) {
    assert_eq!(error.recovery(), Recovery::Fatal, "{error:?}");
    assert_eq!(error.code(), Some(ErrorCode::SaslAuthenticationFailed));
    assert_eq!(error.java_exception(), "org.apache.kafka.common.errors.SaslAuthenticationException");
    assert_eq!(error.to_string(), "Authentication failed: Invalid username or password");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_ends_every_call_of_the_library_at_once() {
    let sasl = tokio::task::spawn_blocking(|| SaslBroker::start(&[])).await.unwrap();
    let wrong = settings(&sasl.bootstrap(), "h1dden");
    let shown = format!("{:?}", ProducerSettings::read(&wrong).unwrap());
    assert!(shown.contains("alice") && !shown.contains("h1dden"), "{shown}");

    // Each of these would otherwise be tried for as long as it may be.
    let calls = async {
        let admin = Admin::new(AdminSettings::read(&wrong).unwrap()).await.unwrap();
        is_refused(&admin.list_topics(ListTopicsOptions::default()).await.unwrap_err());
        let producer = Producer::new(ProducerSettings::read(&wrong).unwrap()).await.unwrap();
        is_refused(&producer.send(ProducerRecord::new("t", "x")).await.unwrap_err());
        let mut consumer = Consumer::new(ConsumerSettings::read(&wrong).unwrap()).await.unwrap();
        consumer.subscribe(["t"]).unwrap();
        is_refused(&consumer.poll(Duration::from_secs(50)).await.unwrap_err());
    };
    tokio::time::timeout(Duration::from_secs(45), calls).await.expect("a refusal is not waited for");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_go_on_beyond_the_lifetime_of_their_sessions() {
    let reauth = [("connections.max.reauth.ms", "4000")];
    let sasl = tokio::task::spawn_blocking(move || SaslBroker::start(&reauth)).await.unwrap();
    let settings = settings(&sasl.bootstrap(), "secret");
    let producer = Producer::new(ProducerSettings::read(&settings).unwrap()).await.unwrap();
    let mut consumer = Consumer::new(ConsumerSettings::read(&settings).unwrap()).await.unwrap();
    consumer.subscribe(["t"]).unwrap();
    let (mut sent, mut received) = (0, 0);
    // Every connection of either client: for data, and to the coordinator.
    while sasl.counted("successful-reauthentication-total") < 3.0 {
        producer.send(ProducerRecord::new("t", sent.to_string())).await.unwrap().await.unwrap();
        sent += 1;
        received += numbers(&mut consumer, received).await;
    }
    while received < sent {
        received += numbers(&mut consumer, received).await;
    }
    assert_eq!(sasl.counted("failed-reauthentication-total"), 0.0);
}

/// How many records have come; they are numbered, from this number on.
async fn numbers(consumer: &mut Consumer, first: u64) -> u64 {
    let records = consumer.poll(Duration::from_millis(100)).await.unwrap();
    let values: Vec<_> =
        records.iter().map(|it| String::from_utf8(it.value.unwrap().to_vec()).unwrap()).collect();
    let expected: Vec<_> = (first..).take(values.len()).map(|number| number.to_string()).collect();
    assert_eq!(values, expected, "none is lost, twice or out of order");
    values.len() as u64
}

/// Everything, at the finest level.
const TRACE: &str = "log4j.rootLogger=TRACE, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n
";

#[test]
fn secrets_stand_in_no_log_line_no_description_and_no_metric() {
    let files = Files::new();
    let log4j = files.write("log4j.properties", TRACE);
    let jaas = format!("{PLAIN} required user_alice=\"secret-1\" user_bob=\"secret-2\";");
    let key = "listener.name.sasl_plaintext.plain.sasl.jaas.config";
    let settings = [(key, jaas.as_str()), ("password.encoder.secret", "secret-3")];
    let sasl = SaslBroker::start_logging(&settings, &format!("-Dlog4j.configuration=file:{log4j}"));
    let bootstrap = sasl.bootstrap();
    let alice = files.write("alice", &properties("PLAIN", &module(PLAIN, "alice", "secret-1")));
    let by_alice = ["configs", "--bootstrap-server", &bootstrap, "--command-config", &alice];
    let alter = ["--alter", "--entity-type", "users", "--entity-name", "carol", "--add-config"];
    printed(&[&by_alice[..], &alter, &["SCRAM-SHA-512=[password=secret-4]"]].concat(), "", "");
    let carol = files.write("carol", &properties("SCRAM-SHA-512", &module(SCRAM, "carol", "secret-4")));
    let list = ["topics", "--bootstrap-server", &bootstrap, "--list", "--command-config", &carol];
    eventually("the credential is known", SOON, || run(&list, "", "").status.success().then_some(()));
    let wrong = files.write("wrong", &properties("PLAIN", &module(PLAIN, "alice", "secret-5")));
    let refused =
        run(&["topics", "--bootstrap-server", &bootstrap, "--list", "--command-config", &wrong], "", "");
    let described = [
        printed(
            &[&by_alice[..], &["--describe", "--entity-type", "brokers", "--entity-name", "1", "--all"]]
                .concat(),
            "",
            "",
        ),
        printed(
            &[&by_alice[..], &["--describe", "--entity-type", "users", "--entity-name", "carol"]].concat(),
            "",
            "",
        ),
    ];
    assert!(described[0].contains("password.encoder.secret=null sensitive=true"), "{}", described[0]);
    let credential = sasl.credential("carol");
    let keys = credential.split(',').filter(|part| !part.starts_with("iterations="));
    let passwords = ["secret-1", "secret-2", "secret-3", "secret-4", "secret-5"];
    let secrets: Vec<_> = passwords.into_iter().chain(keys).collect();
    let all = [
        sasl.broker.process().lines().join("\n"),
        String::from_utf8([refused.stdout, refused.stderr].concat()).unwrap(),
        described.concat(),
        format!("{:?}", crate::metrics::figures(sasl.metrics_port)),
    ];
    let loggers = ["--describe", "--entity-type", "broker-loggers", "--entity-name", "1"];
    let levels = printed(&[&by_alice[..], &loggers].concat(), "", "");
    assert!(levels.contains("root=TRACE"), "{levels}");
    for text in all {
        for secret in &secrets {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
