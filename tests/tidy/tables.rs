//! Tables that have to agree with each other: scripts and tools, znodes and schemas, APIs and handlers, settings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::sources::{files, is_test, report, root, stems};

/// Scripts that are not one line in front of a tool of the binary.
const PLAIN_SCRIPTS: &[&str] = &[
    "kafka-run-class.sh",
    "kafka-server-start.sh",
    "kafka-server-stop.sh",
    "quickstart.sh",
    "simulate.sh",
    "test.sh",
    "with-zookeeper.sh",
    "bench.sh",
    "chaos.sh",
    "cluster.sh",
    "compare-batches.sh",
    "fuzz.sh",
    "zookeeper-server-start.sh",
    "zookeeper-server-stop.sh",
    "zookeeper-shell.sh",
];

#[test]
fn every_script_has_its_tool_and_every_tool_its_script() {
    let scripts: BTreeSet<_> = stems("scripts", ".sh")
        .into_iter()
        .map(|stem| format!("{stem}.sh"))
        .filter(|name| !PLAIN_SCRIPTS.contains(&name.as_str()))
        .collect();
    let tools = barnabas::cli::TOOLS.iter().filter_map(|tool| Some((tool.script?, tool.name)));
    let absent = barnabas::cli::absent::ABSENT.iter().filter_map(|it| Some((it.script?, it.names[0])));
    let named: BTreeMap<_, _> = tools.chain(absent).collect();
    let expected: BTreeSet<_> = named.keys().map(|script| (*script).to_owned()).collect();
    assert_eq!(scripts, expected, "scripts on the left, those of cli::TOOLS and cli::absent on the right");
    for (script, name) in named {
        let text = fs::read_to_string(root().join("scripts").join(script)).unwrap();
        assert!(text.contains(&format!("barnabas\" {name} \"$@\"")), "{script} does not run {name}");
    }
}

#[test]
fn a_name_stands_for_one_tool() {
    let tools = barnabas::cli::TOOLS.iter().flat_map(|tool| tool.classes.iter().chain([&tool.name]));
    let mut names: Vec<_> =
        tools.chain(barnabas::cli::absent::ABSENT.iter().flat_map(|it| it.names)).collect();
    names.sort();
    let twice = names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].to_string());
    report("a name of a tool stands once in cli::TOOLS and cli::absent", twice.collect());
}

#[test]
fn every_znode_has_a_codec_and_a_schema() {
    let mut codecs = stems("src/zk/znode", ".rs");
    codecs.remove("mod");
    codecs.remove("tests");
    codecs.retain(|name| root().join(format!("src/zk/znode/{name}.rs")).is_file());
    assert_eq!(codecs, stems("zk-schema", ".json"), "codecs on the left, schemas on the right");
}

#[test]
fn every_api_row_has_a_handler_file() {
    let handlers: BTreeSet<_> = files("src/api", ".rs")
        .into_keys()
        .filter(|path| path.matches('/').count() == 3 && !path.ends_with("/mod.rs") && !is_test(path))
        // A folder of handlers is a room with a head; others are parts of the file of their name.
        .filter(|path| root().join(path).with_file_name("mod.rs").is_file())
        .map(|path| Path::new(&path).file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let rows: BTreeSet<_> = barnabas::api::table::ROWS.iter().map(|row| snake(row.key.name())).collect();
    assert_eq!(handlers, rows, "handler files on the left, rows of api::table on the right");
}

#[test]
fn api_rows_stand_in_the_order_of_their_keys() {
    let keys: Vec<_> = barnabas::api::table::ROWS.iter().map(|row| row.key.code()).collect();
    assert!(keys.is_sorted(), "ApiVersions lists them in this order: {keys:?}");
}

/// `LeaderAndIsr` → `leader_and_isr`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[test]
fn every_shipped_setting_is_a_row() {
    let text = fs::read_to_string(root().join("config/server.properties")).unwrap();
    let keys = text.lines().map(|line| line.trim_start_matches('#').trim()).filter_map(|line| {
        let (key, _) = line.split_once('=')?;
        key.chars().all(|it| it.is_ascii_lowercase() || it == '.').then(|| key.to_owned())
    });
    let unknown = keys.filter(|key| !barnabas::config::broker::ROWS.iter().any(|row| row.key == key));
    report("every key in config/server.properties is a row of config::broker", unknown.collect());
}
