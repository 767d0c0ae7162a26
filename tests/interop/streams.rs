//! Kafka 2.7.2's Streams: an application that counts words with every guarantee, while one of its instances and a
//! broker are killed.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use crate::groups::cluster;
use crate::java::{feed, has_command, kafka, skipped, streams_and_connect};
use crate::support::{Process, eventually, root};

const LIMIT: Duration = Duration::from_secs(90);
const SETTINGS: [(&str, &str); 6] = [
    ("offsets.topic.num.partitions", "3"),
    ("offsets.topic.replication.factor", "3"),
    ("transaction.state.log.num.partitions", "3"),
    ("transaction.state.log.replication.factor", "3"),
    ("transaction.state.log.min.isr", "2"),
    ("group.initial.rebalance.delay.ms", "500"),
];
const GUARANTEES: [&str; 3] = ["at_least_once", "exactly_once", "exactly_once_beta"];
const REPLICAS: &str = "1:2:3,2:3:1,3:1:2";
/// The lines that are counted, written again and again.
const LINES: [&str; 3] = ["the cat and the dog", "a dog and a bone", "the end"];

/// Writes all lines so many times to a topic.
fn write_lines(bootstrap: &str, topic: &str, times: usize) {
    let lines = LINES.map(|line| format!("{line}\n")).concat().repeat(times);
    let arguments = ["-P", "-b", bootstrap, "-t", topic, "-X", "enable.idempotence=true"];
    feed(Command::new("kcat").args(arguments), &lines).ok();
}

/// All records of a topic that were committed, as keys and values in the order of each partition.
fn committed(bootstrap: &str, topic: &str) -> Vec<(String, u64)> {
    let from = ["-C", "-q", "-e", "-o", "beginning", "-b", bootstrap, "-t", topic, "-K", ":"];
    let read = feed(Command::new("kcat").args(from).args(["-X", "isolation.level=read_committed"]), "").ok();
    let record =
        |line: &str| line.split_once(':').map(|(key, value)| (key.to_owned(), value.parse().unwrap()));
    read.out.lines().map(|line| record(line).expect("a key and a value")).collect()
}

/// How often each word was written.
fn counts(times: u64) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for word in LINES.iter().flat_map(|line| line.split(' ')) {
        *counts.entry(word.to_owned()).or_default() += times;
    }
    counts
}

/// Waits until the last count of each word is right, and gives all counts that were written.
fn await_counts(bootstrap: &str, topic: &str, times: u64) -> Vec<(String, u64)> {
    let wanted = counts(times);
    eventually(&format!("{topic} counts {times} times"), LIMIT, || {
        let written = committed(bootstrap, topic);
        let found: BTreeMap<_, _> = written.iter().cloned().collect();
        // What is counted at least once may be counted twice.
        let right = |(word, count): (&String, &u64)| {
            let found = found.get(word).copied().unwrap_or_default();
            if topic == "at_least_once" { found >= *count } else { found == *count }
        };
        wanted.iter().all(right).then_some(written)
    })
}

#[test]
fn streams_count_words_with_every_guarantee() {
    let test = "streams_count_words_with_every_guarantee";
    let (Some(kafka), Some(streams)) = (kafka(test), streams_and_connect(test)) else { return };
    if !has_command("kcat") {
        return skipped(test, "there is no kcat here to write and read with");
    }
    let mut mixed = cluster(kafka, &SETTINGS);
    for topic in ["lines", GUARANTEES[0], GUARANTEES[1], GUARANTEES[2]] {
        mixed.topics(&["--create", "--topic", topic, "--replica-assignment", REPLICAS]);
        mixed.await_in_sync(&[topic], 3);
    }
    let (bootstrap, files) = (mixed.bootstrap(), tempfile::tempdir().unwrap());
    let classes = streams.compile(&root().join("tests/interop/streams/WordCount.java"), "word-count");
    let start = |name: &str| {
        let directory = files.path().join(name).display().to_string();
        let arguments = [&[bootstrap.as_str(), "lines", &directory], &GUARANTEES[..]].concat();
        Process::start(name, &mut streams.command_beside(Some(&classes), "WordCount", &arguments))
    };
    write_lines(&bootstrap, "lines", 20);
    let first = start("first");
    GUARANTEES.iter().for_each(|topic| drop(await_counts(&bootstrap, topic, 20)));
    let second = start("second");
    write_lines(&bootstrap, "lines", 20);
    for guarantee in GUARANTEES {
        second.wait_for_line(&format!("{guarantee} RUNNING"), LIMIT);
    }
    drop(first);
    let dead = mixed.kill(1);
    write_lines(&bootstrap, "lines", 20);
    for topic in GUARANTEES {
        let written = await_counts(&bootstrap, topic, 60);
        if topic != GUARANTEES[0] {
            let mut each: Vec<_> = written.clone();
            each.sort();
            each.dedup();
            assert_eq!(each.len(), written.len(), "{topic}: a word was counted twice");
        }
    }
    mixed.revive(dead);
}
