//! The tools beside Kafka's: the same commands against a broker give the lines and exit codes that Kafka's gave.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{Broker, Chroot, root, script};

/// One command as it was recorded.
#[derive(Debug, Default)]
struct Recorded {
    command: Vec<String>,
    input: String,
    output: Vec<String>,
    errors: Vec<String>,
    exit_code: i32,
}

fn recorded(text: &str) -> Vec<Recorded> {
    let mut all = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (mark, rest) = line.split_at(1);
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        if mark == "$" {
            all.push(Recorded { command: words(rest), ..Default::default() });
            continue;
        }
        let last = all.last_mut().expect("a command comes first");
        match mark {
            "<" => last.input.extend([rest, "\n"]),
            ">" => last.output.push(rest.to_owned()),
            "!" => last.errors.push(rest.to_owned()),
            "=" => last.exit_code = rest.parse().unwrap(),
            other => panic!("{other} is no mark"),
        }
    }
    all
}

/// The words of a command line; single quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words
}

/// The lines of a tool, up to its help, without times.
fn lines(text: &[u8]) -> Vec<String> {
    let log_time = regex::Regex::new(r"^\[20\d\d-[^\]]*\]").unwrap();
    let record_time = regex::Regex::new(r"\b1[0-9]{12}\b").unwrap();
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().take_while(|line| *line != "Options:");
    lines
        .map(|line| record_time.replace_all(&log_time.replace(line, "[TIME]"), "TIME").trim_end().to_owned())
        .collect()
}

/// What is different when the command is given again.
fn difference(recorded: &Recorded, broker: &Broker, zookeeper: &str) -> Option<String> {
    let place = |word: &String| word.replace("BROKER", &broker.bootstrap()).replace("ZOOKEEPER", zookeeper);
    let arguments: Vec<_> = recorded.command[1..].iter().map(place).collect();
    let mut process = Command::new(root().join("scripts").join(&recorded.command[0]))
        .args(&arguments)
        .env("BARNABAS_BIN", env!("CARGO_BIN_EXE_barnabas"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A tool that refuses its options does not read what it is given.
    let _ = process.stdin.take().unwrap().write_all(recorded.input.as_bytes());
    let came = process.wait_with_output().unwrap();
    let expected = |lines: &[String]| lines.iter().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    let kafka = (recorded.exit_code, expected(&recorded.output), expected(&recorded.errors));
    let here = (came.status.code().unwrap_or(-1), lines(&came.stdout), lines(&came.stderr));
    (kafka != here).then(|| format!("{:?}\n    Kafka {kafka:?}\n    here  {here:?}", recorded.command))
}

fn compare(text: &str, topics: &[(&str, &str)]) {
    let chroot = Chroot::new();
    let broker = Broker::start_with(1, &chroot.connect(), &[("log.retention.ms", "-1")]);
    for (topic, partitions) in topics {
        let bootstrap = broker.bootstrap();
        let create = ["--bootstrap-server", &bootstrap, "--create", "--topic", topic];
        let size = ["--partitions", partitions, "--replication-factor", "1"];
        let made = script("kafka-topics.sh", &[&create[..], &size[..]].concat());
        assert!(made.status.success(), "{made:?}");
    }
    let recorded = recorded(text);
    let wrong: Vec<_> = recorded.iter().filter_map(|it| difference(it, &broker, &chroot.connect())).collect();
    assert!(recorded.len() > 20, "the recording is there");
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), recorded.len(), wrong.join("\n"));
}

#[test]
fn topics_are_made_shown_changed_and_deleted_as_by_kafkas_tool() {
    compare(include_str!("data/topics_tools.txt"), &[]);
}

#[test]
fn the_console_tools_write_and_read_as_kafkas_do() {
    compare(include_str!("data/console_tools.txt"), &[("p", "1"), ("p3", "3")]);
}
