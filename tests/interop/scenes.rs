//! Scenes: Kafka 2.7.2's tools on three brokers, and what they printed when the brokers were Kafka's too. On
//! this project's brokers they print the same, line by line, and leave the same znodes.
//!
//! `BARNABAS_RECORD=1 scripts/test.sh --test interop scenes` plays them on Kafka's brokers and records the
//! output. A line of a scene begins with `$` (runs a tool), `%` (the same, with the output in any order), `?`
//! or `%?` (runs it until the output is as recorded), `+` (writes a file), `@` (does something to the
//! cluster), `@?` (reads it until it is as recorded) or `~` (verifies replicas).

mod questions;
mod script;
mod stage;

use std::time::{Duration, Instant};

use self::questions::Interview;
use self::script::Step;
use self::stage::Stage;
use crate::java::kafka;
use crate::support::root;

/// How long is waited for what was recorded.
const SOON: Duration = Duration::from_secs(30);
/// How long Kafka's brokers are left alone before what takes a while is recorded.
const SETTLED: Duration = Duration::from_secs(6);

/// Does a step once.
fn act(stage: &mut Stage, step: &Step) -> Vec<String> {
    let (mark, line) = step.parts();
    match mark {
        "$" | "?" => stage.run(line, true),
        "%" | "%?" => stage.run(line, false),
        "@" | "@?" => stage.act(line),
        "~" => stage.verify_replicas(line),
        "+" => {
            stage.write(line);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// The output of a step: if it changes for a while, the recorded one or the last one.
fn output(stage: &mut Stage, step: &Step) -> Vec<String> {
    let started = Instant::now();
    loop {
        let output = act(stage, step);
        let again = step.parts().0.ends_with('?') && output != step.output && started.elapsed() < SOON;
        if !again {
            return output;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The steps, and the outputs of Kafka's brokers and of this project's.
fn difference(line: &str, kafka: &[String], here: &[String]) -> String {
    format!("{line}\n--- Kafka\n{}\n--- here\n{}", kafka.join("\n"), here.join("\n"))
}

fn play(test: &str, scene: &str, settings: &[(&str, &str)]) {
    let Some(kafka) = kafka(test) else { return };
    let file = root().join("tests/interop/scenes").join(scene);
    let mut steps = script::read(&std::fs::read_to_string(&file).unwrap());
    let recording = std::env::var_os("BARNABAS_RECORD").is_some();
    let mut stage = Stage::open(kafka, recording, settings);
    let mut differences = Vec::new();
    for step in &mut steps {
        if recording {
            if step.parts().0.ends_with('?') {
                std::thread::sleep(SETTLED);
            }
            step.output = act(&mut stage, step);
            continue;
        }
        let output = output(&mut stage, step);
        if output != step.output {
            differences.push(difference(&step.line, &step.output, &output));
        }
    }
    if recording {
        std::fs::write(&file, script::write(&steps)).unwrap();
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n\n"));
}

#[test]
fn odd_requests() {
    let Some(kafka) = kafka("odd_requests") else { return };
    let file = root().join("tests/interop/scenes/odd_requests.txt");
    let recording = std::env::var_os("BARNABAS_RECORD").is_some();
    let mut stage = Stage::open(kafka, recording, &[]);
    let mut interview = Interview { stage: &mut stage, steps: Vec::new() };
    interview.hold();
    let output = interview.steps;
    if recording {
        std::fs::write(&file, script::write(&output)).unwrap();
    }
    let recorded = script::read(&std::fs::read_to_string(&file).unwrap());
    let asked = |steps: &[Step]| steps.iter().map(|step| step.line.clone()).collect::<Vec<_>>();
    assert_eq!(asked(&output), asked(&recorded), "the questions are those that were recorded");
    let pairs = output.iter().zip(&recorded).filter(|(here, kafka)| here.output != kafka.output);
    let differences: Vec<_> =
        pairs.map(|(here, kafka)| difference(&here.line, &kafka.output, &here.output)).collect();
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n\n"));
}

#[test]
fn reassignments_through_a_broker() {
    let slow = [("replica.fetch.max.bytes", "5000")];
    play("reassignments_through_a_broker", "reassignments_through_a_broker.txt", &slow);
}

#[test]
fn reassignments_through_zookeeper() {
    let slow = [("replica.fetch.max.bytes", "5000")];
    play("reassignments_through_zookeeper", "reassignments_through_zookeeper.txt", &slow);
}

#[test]
fn elections() {
    play("elections", "elections.txt", &[]);
}

#[test]
fn topics_with_a_broker_down() {
    play("topics_with_a_broker_down", "topics_with_a_broker_down.txt", &[]);
}

#[test]
fn directories_and_records() {
    play("directories_and_records", "directories_and_records.txt", &[]);
}

#[test]
fn verification() {
    let slow = [("replica.fetch.max.bytes", "5000"), ("replication.quota.window.size.seconds", "60")];
    play("verification", "verification.txt", &slow);
}

#[test]
fn configs_of_clients_and_users() {
    play("configs_of_clients_and_users", "configs_of_clients_and_users.txt", &[]);
}

#[test]
fn configs_of_brokers() {
    play("configs_of_brokers", "configs_of_brokers.txt", &[]);
}

#[test]
fn configs_changed_live() {
    let settings = [
        ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,EXTERNAL:PLAINTEXT"),
        ("password.encoder.secret", "a secret"),
    ];
    play("configs_changed_live", "configs_changed_live.txt", &settings);
}

#[test]
fn groups() {
    let one_coordinator = [
        ("offsets.topic.num.partitions", "1"),
        ("offsets.topic.replication.factor", "3"),
        ("group.initial.rebalance.delay.ms", "0"),
    ];
    play("groups", "groups.txt", &one_coordinator);
}
