//! The Docker image's own scripts, run without an image: its entrypoint and its health check.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use super::scripts::output_of;
use crate::support::root;

/// A folder with a `barnabas` in it that prints its arguments, each in a line, and the log4j file it is to use.
fn printing_barnabas() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("barnabas");
    let script = "#!/bin/sh\nprintf '%s\\n' \"$@\"\n[ -z \"${KAFKA_LOG4J_OPTS:-}\" ] || cat \"${KAFKA_LOG4J_OPTS#*file:}\"\n";
    std::fs::write(&binary, script).unwrap();
    std::fs::set_permissions(&binary, PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

/// A script of the image where these folders lead the PATH and this is its environment.
fn of_image(name: &str, folders: &[&Path], environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut path: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
    path.extend(["/usr/bin".to_owned(), "/bin".to_owned()]);
    Command::new(root().join("docker").join(name))
        .args(arguments)
        .env_clear()
        .env("PATH", path.join(":"))
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

/// What the image's entrypoint prints there.
fn enter(folders: &[&Path], environment: &[(&str, &str)], arguments: &[&str]) -> String {
    let output = of_image("entrypoint.sh", folders, environment, arguments);
    assert!(output.status.success(), "{}", output_of(&output));
    output_of(&output)
}

/// The settings that the entrypoint gives a broker in this environment, beside those that it always gives.
fn settings(environment: &[(&str, &str)]) -> BTreeSet<String> {
    let folder = printing_barnabas();
    let printed = enter(&[folder.path()], environment, &[]);
    let lines: Vec<_> = printed.lines().collect();
    let (start, rest) = lines.split_at(6);
    let server = "/opt/barnabas/config/server.properties";
    let always = ["--override", "broker.id=-1", "--override", "log.dirs=/var/lib/barnabas/data"];
    assert_eq!(start, [&["server-start", server], &always[..]].concat());
    rest.chunks(2)
        .map(|pair| {
            assert_eq!(pair[0], "--override");
            pair[1].to_owned()
        })
        .collect()
}

#[test]
fn the_image_starts_a_broker_with_the_settings_of_its_environment() {
    let given = settings(&[
        ("KAFKA_ZOOKEEPER_CONNECT", "a:2181,b:2181/chroot"),
        ("KAFKA_CFG_LISTENERS", "INTERNAL://:9092,EXTERNAL://:9094"),
        ("KAFKA_ZOOKEEPER_CLIENT_CNXN_SOCKET", "a.B"),
        ("KAFKA_ADVERTISED_PORT", "9095"),
        ("KAFKA_X__Y___Z", "$HOME 'and' \"such\"; *"),
    ]);
    let wanted = [
        "advertised.port=9095",
        "listeners=INTERNAL://:9092,EXTERNAL://:9094",
        "x_y-z=$HOME 'and' \"such\"; *",
        "zookeeper.clientCnxnSocket=a.B",
        "zookeeper.connect=a:2181,b:2181/chroot",
    ];
    assert_eq!(given, wanted.map(str::to_owned).into());

    let folder = printing_barnabas();
    let id = [("KAFKA_BROKER_ID", "5")];
    let printed = enter(&[folder.path()], &id, &["--override", "num.partitions=3"]);
    let last = "--override\nbroker.id=5\n--override\nnum.partitions=3\n";
    assert!(printed.ends_with(last), "the command line overrides: {printed}");
}

#[test]
fn what_in_the_images_environment_is_no_setting_is_left_alone() {
    let others = [
        ("KAFKA_OPTS", "-javaagent:x"),
        ("KAFKA_HEAP_OPTS", "-Xmx1G"),
        ("KAFKA_JVM_PERFORMANCE_OPTS", "-server"),
        ("KAFKA_GC_LOG_OPTS", "-Xlog"),
        ("KAFKA_JMX_PORT", "9999"),
        ("KAFKA_JMX_HOSTNAME", "localhost"),
        ("KAFKA_JMX_OPTS", "-Dcom.sun"),
        ("KAFKA_TOOLS_LOG4J_LOGLEVEL", "INFO"),
        ("KAFKA_HOME", "/opt/kafka"),
        ("KAFKA_VERSION", "2.7.2"),
        ("KAFKA_DEBUG", "y"),
        ("KAFKA_PORT", "tcp://10.0.0.1:9092"),
        ("KAFKA_SERVICE_HOST", "10.0.0.1"),
        ("KAFKA_SERVICE_PORT", "9092"),
        ("KAFKA_SERVICE_PORT_CLIENTS", "9092"),
        ("KAFKA_PORT_9092_TCP", "tcp://10.0.0.1:9092"),
        ("KAFKA_PORT_9092_TCP_ADDR", "10.0.0.1"),
        ("KAFKA_HEADLESS_SERVICE_HOST", "10.0.0.2"),
        ("KAFKA_0_PORT", "tcp://10.0.0.3:9092"),
        ("KAFKA_0_PORT_9092_TCP_PROTO", "tcp"),
        ("ALLOW_PLAINTEXT_LISTENER", "yes"),
        ("A", "several\nKAFKA_LISTENERS=lines"),
    ];
    assert_eq!(settings(&others), BTreeSet::new());
    assert_eq!(settings(&[("KAFKA_PORT", "9093")]), ["port=9093".to_owned()].into());

    let folder = printing_barnabas();
    let printed = enter(&[folder.path()], &[("KAFKA_CREATE_TOPICS", "t:1:1")], &[]);
    assert!(printed.contains("KAFKA_CREATE_TOPICS has no effect") && !printed.contains("create.topics="));
}

#[test]
fn the_image_sets_levels_from_its_environment() {
    let folder = printing_barnabas();
    let environment = [
        ("KAFKA_LOG4J_ROOT_LOGLEVEL", "WARN"),
        ("KAFKA_LOG4J_LOGGERS", "kafka.controller=DEBUG, kafka.log=INFO"),
    ];
    let printed = enter(&[folder.path()], &environment, &[]);
    for line in [
        "log4j.rootLogger=WARN, stdout",
        "log4j.logger.kafka.controller=DEBUG",
        "log4j.logger.kafka.log=INFO",
    ] {
        assert!(printed.lines().any(|it| it == line), "{line} is not in\n{printed}");
    }
}

#[test]
fn the_image_checks_its_own_brokers_health() {
    let folder = printing_barnabas();
    for (environment, address) in [
        (&[][..], "localhost:9092"),
        (&[("KAFKA_PORT", "tcp://10.0.0.1:9092")], "localhost:9092"),
        (&[("KAFKA_LISTENERS", "INTERNAL://:9093,EXTERNAL://:9094")], "localhost:9093"),
        (&[("KAFKA_CFG_LISTENERS", "A://0.0.0.0:9095")], "localhost:9095"),
        (&[("KAFKA_LISTENERS", "A://broker-1:9096")], "broker-1:9096"),
    ] {
        let output = of_image("healthcheck.sh", &[folder.path()], environment, &[]);
        assert_eq!(output_of(&output), format!("ready\n{address}\n"));
    }
}

#[test]
fn the_image_runs_another_command_and_finds_the_binary_behind_its_script() {
    let folder = printing_barnabas();
    // A copy: this checkout's script takes this checkout's binary.
    let scripts = tempfile::tempdir().unwrap();
    for name in ["barnabas", "kafka-topics.sh"] {
        std::fs::copy(root().join("scripts").join(name), scripts.path().join(name)).unwrap();
    }
    let printed = enter(&[scripts.path(), folder.path()], &[], &["kafka-topics.sh", "--list"]);
    assert_eq!(printed, "topics\n--list\n");
}
