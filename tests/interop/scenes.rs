//! Scenes: Kafka 2.7.2's tools on three brokers, and what they printed when the brokers were Kafka's too. On
//! this project's brokers they print the same, line by line, and leave the same znodes. This project's tools print it
//! too, on Kafka's brokers and on this project's; only their help is other.
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
use self::stage::{Cast, Stage};
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

/// Plays a scene with Kafka's tools, or records it.
fn play(test: &str, scene: &str, settings: &[(&str, &str)]) {
    let recording = std::env::var_os("BARNABAS_RECORD").is_some();
    play_by(if recording { Cast::Kafka } else { Cast::KafkasTools }, test, scene, settings);
}

fn play_by(cast: Cast, test: &str, scene: &str, settings: &[(&str, &str)]) {
    let Some(kafka) = kafka(test) else { return };
    let file = root().join("tests/interop/scenes").join(scene);
    let mut steps = script::read(&std::fs::read_to_string(&file).unwrap());
    let recording = cast == Cast::Kafka;
    let own_tools = matches!(cast, Cast::KafkasBrokers | Cast::Own);
    if own_tools {
        steps.iter_mut().for_each(Step::drop_help);
    }
    let mut stage = Stage::open(kafka, cast, settings);
    let mut differences = Vec::new();
    for step in &mut steps {
        if recording {
            if step.parts().0.ends_with('?') {
                std::thread::sleep(SETTLED);
            }
            step.output = act(&mut stage, step);
            continue;
        }
        let mut came = Step { line: step.line.clone(), output: output(&mut stage, step) };
        if own_tools {
            came.drop_help();
        }
        if came.output != step.output {
            differences.push(difference(&step.line, &step.output, &came.output));
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
    let cast = if recording { Cast::Kafka } else { Cast::KafkasTools };
    let mut stage = Stage::open(kafka, cast, &[]);
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

/// Settings with which a reassignment takes a while.
const SLOW: [(&str, &str); 1] = [("replica.fetch.max.bytes", "5000")];
/// Settings with which a replica lags for a while.
const LAGGING: [(&str, &str); 2] =
    [("replica.fetch.max.bytes", "5000"), ("replication.quota.window.size.seconds", "60")];

#[test]
fn reassignments_through_a_broker() {
    play("reassignments_through_a_broker", "reassignments_through_a_broker.txt", &SLOW);
}

#[test]
fn reassignments_through_zookeeper() {
    play("reassignments_through_zookeeper", "reassignments_through_zookeeper.txt", &SLOW);
}

#[test]
fn elections() {
    play("elections", "elections.txt", &[]);
}

#[test]
fn tools_in_short() {
    play("tools_in_short", "tools_in_short.txt", &SLOW);
}

#[test]
fn own_tools_reassign_on_kafkas_brokers() {
    let scene = "reassignments_through_a_broker.txt";
    play_by(Cast::KafkasBrokers, "own_tools_reassign_on_kafkas_brokers", scene, &SLOW);
}

#[test]
fn own_tools_on_kafkas_brokers() {
    play_by(Cast::KafkasBrokers, "own_tools_on_kafkas_brokers", "tools_in_short.txt", &SLOW);
}

#[test]
fn own_tools_on_own_brokers() {
    let scenes: [(&str, &[(&str, &str)]); 4] = [
        ("reassignments_through_a_broker.txt", &SLOW),
        ("reassignments_through_zookeeper.txt", &SLOW),
        ("elections.txt", &[]),
        ("verification.txt", &LAGGING),
    ];
    for (scene, settings) in scenes {
        play_by(Cast::Own, "own_tools_on_own_brokers", scene, settings);
    }
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
    play("verification", "verification.txt", &LAGGING);
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
