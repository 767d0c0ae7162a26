//! Ctrl-C ends every tool that waits for a cluster which does not answer, and an ensemble that does not answer in time
//! is named.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use barnabas::cli::TOOLS;

use crate::support::{eventually, free_port, tool};

/// How long a tool may take to end.
const LIMIT: Duration = Duration::from_secs(60);

/// The tools that ask no cluster.
const ALONE: [&str; 7] = [
    "completion",
    "dump-log",
    "jmx-tool",
    "output-schema",
    "ready",
    "server-start",
    "state-change-log-merger",
];

/// Tools and their arguments: SERVER is a server that does not answer, FILES a directory with the files of
/// [`write_files`].
const COMMANDS: &[&str] = &[
    "acls --bootstrap-server SERVER --list",
    "acls --authorizer-properties zookeeper.connect=SERVER --list",
    "broker-api-versions --bootstrap-server SERVER",
    "configs --bootstrap-server SERVER --describe --entity-type topics",
    "configs --zookeeper SERVER --describe --entity-type topics",
    "console-consumer --bootstrap-server SERVER --topic t",
    "console-consumer --bootstrap-server SERVER --topic t --group g",
    "console-consumer --zookeeper SERVER --topic t",
    "console-producer --bootstrap-server SERVER --topic t",
    "console-producer --zookeeper SERVER --topic t",
    "consumer-groups --bootstrap-server SERVER --list",
    "consumer-groups --zookeeper SERVER --list",
    "consumer-groups --zookeeper SERVER --describe --group g",
    "consumer-offset-checker --zookeeper SERVER --group g",
    "consumer-perf-test --bootstrap-server SERVER --topic t --messages 1",
    "delete-records --bootstrap-server SERVER --offset-json-file FILES/offsets.json",
    "end-to-end-latency SERVER t 1 1 1",
    "export-zk-offsets --zkconnect SERVER --output-file FILES/exported",
    "features --bootstrap-server SERVER --describe",
    "get-offset-shell --broker-list SERVER --topic t",
    "import-zk-offsets --zkconnect SERVER --input-file FILES/offsets",
    "leader-election --bootstrap-server SERVER --election-type preferred --all-topic-partitions",
    "log-dirs --bootstrap-server SERVER --describe",
    "mirror-maker --consumer.config FILES/client.properties --producer.config FILES/client.properties --whitelist t",
    "preferred-replica-election --bootstrap-server SERVER",
    "preferred-replica-election --zookeeper SERVER",
    "producer-perf-test --topic t --num-records 1 --record-size 1 --throughput -1 --producer-props bootstrap.servers=SERVER",
    "reassign-partitions --bootstrap-server SERVER --list",
    "reassign-partitions --zookeeper SERVER --verify --reassignment-json-file FILES/plan.json",
    "replica-verification --broker-list SERVER",
    "simple-consumer-shell --broker-list SERVER --topic t",
    "streams-application-reset --bootstrap-servers SERVER --application-id a --input-topics t",
    "topics --bootstrap-server SERVER --list",
    "topics --zookeeper SERVER --list",
    "transactional-message-copier --broker-list SERVER --input-topic t --input-partition 0 --output-topic u \
     --consumer-group g --transactional-id x",
    "update-offsets-in-zk earliest FILES/zookeeper.properties t",
    "verifiable-consumer --bootstrap-server SERVER --topic t --group-id g",
    "verifiable-producer --bootstrap-server SERVER --topic t",
    "verify-consumer-rebalance --zookeeper.connect SERVER --group g",
];

fn write_files(files: &Path, server: &str) {
    let partition = r#"{"topic":"t","partition":0,"offset":1,"replicas":[1]}"#;
    let list = format!(r#"{{"partitions":[{partition}],"version":1}}"#);
    let of_zookeeper = format!("zookeeper.connect={server}\ngroup.id=g\n");
    for (name, text) in [
        ("offsets.json", list.clone()),
        ("plan.json", list),
        ("offsets", "/consumers/g/offsets/t/0:1\n".to_owned()),
        ("client.properties", format!("bootstrap.servers={server}\ngroup.id=g\n")),
        ("zookeeper.properties", of_zookeeper),
    ] {
        std::fs::write(files.join(name), text).unwrap();
    }
}

/// A tool that is killed where the test fails.
struct RunningTool(Child);

impl Drop for RunningTool {
    fn drop(&mut self) {
        // It has ended unless the test fails.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Gives a command, waits until it has connected, and interrupts it.
fn is_interrupted(command: &str, listener: &TcpListener) {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_barnabas"));
    tool.args(command.split_whitespace());
    tool.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut tool = RunningTool(tool.spawn().unwrap());
    // The console producer connects once there is a line; its input stays open. Other tools read no input.
    let mut input = tool.0.stdin.take().unwrap();
    let _ = input.write_all(b"line\n");
    listener.set_nonblocking(true).unwrap();
    let connection = eventually(&format!("the connection of {command}"), LIMIT, || {
        assert!(tool.0.try_wait().unwrap().is_none(), "{command} has ended before it has connected");
        listener.accept().ok()
    });
    let sent = Command::new("kill").args(["-s", "INT", &tool.0.id().to_string()]).status().unwrap();
    assert!(sent.success(), "{command} still runs");
    let ended = eventually(&format!("the end of {command}"), LIMIT, || tool.0.try_wait().unwrap());
    let printed = std::io::read_to_string(tool.0.stderr.take().unwrap()).unwrap();
    assert!(ended.code() == Some(130) || ended.signal() == Some(2), "{command}: {ended}\n{printed}");
    assert!(!printed.contains("panicked"), "{command}: {printed}");
    drop((connection, input));
}

#[test]
fn a_tool_that_waits_for_a_cluster_is_ended_by_ctrl_c() {
    let server = format!("127.0.0.1:{}", free_port());
    let files = tempfile::tempdir().unwrap();
    write_files(files.path(), &server);
    for tool in TOOLS.iter().filter(|tool| !ALONE.contains(&tool.name)) {
        let is_of = |command: &&&str| command.split(' ').next() == Some(tool.name);
        assert!(COMMANDS.iter().any(|it| is_of(&it)), "{} is in the table", tool.name);
    }
    for command in COMMANDS {
        // A listener for each, as a tool may have connected more than once.
        let listener = TcpListener::bind(&server).unwrap();
        let command =
            command.replace("SERVER", &server).replace("FILES", &files.path().display().to_string());
        is_interrupted(&command, &listener);
    }
}

#[test]
fn an_ensemble_that_does_not_answer_in_time_is_named() {
    let server = format!("127.0.0.1:{}", free_port());
    for command in [
        "acls --authorizer-properties zookeeper.connect=SERVER --authorizer-properties \
         zookeeper.connection.timeout.ms=100 --list",
        "console-consumer --zookeeper SERVER --topic t --consumer-property zookeeper.connection.timeout.ms=100",
        "console-producer --zookeeper SERVER --topic t --producer-property zookeeper.connection.timeout.ms=100",
    ] {
        let words: Vec<_> = command.split_whitespace().map(|word| word.replace("SERVER", &server)).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let ended = tool(words[0], &words[1..]);
        assert_eq!(ended.status.code(), Some(1), "{command}: {ended:?}");
        let printed = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(
            printed.contains(&format!("No server of {server} has answered within 100 ms.")),
            "{command}: {printed}"
        );
    }
}
