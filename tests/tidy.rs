//! The house rules, checked by reading the sources: which room may use which, what stays free of IO, which tables agree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms a room may use; itself goes without saying. The order is that of `src/lib.rs`.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("wire", &["base"]),
    ("config", &["base", "wire"]),
    ("zk", &["base", "wire", "config"]),
    ("admin", &["base", "wire", "config", "zk"]),
    ("net", &["base", "wire", "config"]),
    ("log", &["base", "wire", "config"]),
    ("quota", &["base"]),
    ("metrics", &["base"]),
    ("logging", &["base", "config"]),
    ("metadata", &["base"]),
    ("replica", &["base", "wire", "config", "zk", "admin", "net", "log", "quota", "metrics", "metadata"]),
    ("controller", &["base", "wire", "config", "zk", "admin", "net"]),
    (
        "api",
        &[
            "base",
            "wire",
            "config",
            "zk",
            "admin",
            "net",
            "log",
            "metrics",
            "logging",
            "metadata",
            "replica",
            "controller",
        ],
    ),
    (
        "broker",
        &[
            "base",
            "wire",
            "config",
            "zk",
            "admin",
            "net",
            "log",
            "metrics",
            "metadata",
            "replica",
            "controller",
            "api",
        ],
    ),
    ("client", &["base", "wire", "config", "net"]),
    (
        "cli",
        &[
            "base",
            "wire",
            "config",
            "zk",
            "admin",
            "net",
            "log",
            "logging",
            "replica",
            "controller",
            "api",
            "broker",
            "client",
        ],
    ),
];

/// Files and folders that decide and do nothing else: no IO, no clock, no chance, no locks.
const PURE: &[&str] = &[
    "src/base/jvm_order.rs",
    "src/wire/codec.rs",
    "src/wire/batch.rs",
    "src/wire/legacy.rs",
    "src/wire/record.rs",
    "src/config/layers.rs",
    "src/config/throttles.rs",
    "src/config/unbuilt.rs",
    "src/zk/outcome.rs",
    "src/zk/znode",
    "src/admin/placement.rs",
    "src/log/validate.rs",
    "src/log/producers.rs",
    "src/log/retention.rs",
    "src/log/epochs.rs",
    "src/quota",
    "src/metrics/exposition.rs",
    "src/logging/hierarchy.rs",
    "src/logging/date_pattern.rs",
    "src/logging/log4j.rs",
    "src/metadata/snapshot.rs",
    "src/replica/controller_epoch.rs",
    "src/replica/machine.rs",
    "src/replica/machine",
    "src/replica/preferred.rs",
    "src/replica/fetcher/plan.rs",
    "src/replica/fetcher/session.rs",
    "src/replica/fetcher/truncation.rs",
    "src/replica/fetch_sessions.rs",
    "src/controller/state.rs",
    "src/controller/transitions.rs",
    "src/controller/multi.rs",
    "src/controller/election.rs",
    "src/controller/outbox.rs",
    "src/controller/decide",
    "src/broker/hand_over.rs",
    "src/client/producer/sequences.rs",
];

/// What a pure file may not name.
const IMPURE: &[&str] = &[
    "tokio::",
    "std::fs",
    "std::net",
    "Instant::now",
    "SystemTime::now",
    "Clock::",
    "fastrand",
    ".await",
    "Mutex",
    "RwLock",
    "log::info",
    "log::warn",
    "log::error",
    "log::debug",
];

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

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` that ends in `ending`, relative to the root, with its text.
fn files(folder: &str, ending: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![root().join(folder)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.to_string_lossy().ends_with(ending) {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    assert!(!found.is_empty(), "nothing ends in {ending} below {folder}");
    found
}

/// The names of the files directly in `folder` that end in `ending`, without that ending.
fn stems(folder: &str, ending: &str) -> BTreeSet<String> {
    fs::read_dir(root().join(folder))
        .unwrap()
        .filter_map(|entry| {
            entry.unwrap().file_name().to_string_lossy().strip_suffix(ending).map(str::to_owned)
        })
        .collect()
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// The code of a file: without comment lines, up to the tests at its end.
fn code(text: &str) -> String {
    text.split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn report(rule: &str, offences: Vec<String>) {
    assert!(offences.is_empty(), "{rule}:\n  {}", offences.join("\n  "));
}

#[test]
fn imports_point_up_the_page() {
    let layers: BTreeMap<_, _> = LAYERS.iter().copied().collect();
    let mut offences = Vec::new();
    for (path, text) in files("src", ".rs") {
        let Some(room) =
            path.strip_prefix("src/").and_then(|rest| rest.split_once('/')).map(|(room, _)| room)
        else {
            continue;
        };
        let Some(allowed) = layers.get(room) else {
            offences.push(format!("{path}: the room {room} is not in the table of layers"));
            continue;
        };
        if is_test(&path) {
            continue;
        }
        for (at, _) in code(&text).match_indices("crate::") {
            let rest: String =
                code(&text)[at + 7..].chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
            if rest != room && layers.contains_key(rest.as_str()) && !allowed.contains(&rest.as_str()) {
                offences.push(format!("{path} uses crate::{rest}"));
            }
        }
    }
    offences.dedup();
    report("a room uses only the rooms its row allows", offences);
}

#[test]
fn lib_lists_the_rooms_in_the_order_of_the_layers() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let listed: Vec<_> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(listed, LAYERS.iter().map(|(room, _)| *room).collect::<Vec<_>>());
    for (at, (room, allowed)) in LAYERS.iter().enumerate() {
        for other in *allowed {
            assert!(
                LAYERS[..at].iter().any(|(above, _)| above == other),
                "{room} may not use {other}, which stands below it"
            );
        }
    }
}

#[test]
fn decisions_are_apart_from_effects() {
    let mut offences = Vec::new();
    for pure in PURE {
        let found: Vec<_> = files("src", ".rs")
            .into_iter()
            .filter(|(path, _)| !is_test(path) && (path == pure || path.starts_with(&format!("{pure}/"))))
            .collect();
        if found.is_empty() {
            offences.push(format!("{pure} is listed as pure and does not exist"));
        }
        for (path, text) in found {
            let code = code(&text);
            offences.extend(
                IMPURE.iter().filter(|word| code.contains(**word)).map(|word| format!("{path} names {word}")),
            );
        }
    }
    report("what is pure has no effects", offences);
}

#[test]
fn every_file_says_what_it_is_for() {
    let sources = files("src", ".rs").into_iter().chain(files("tests", ".rs"));
    let silent = sources
        .filter(|(path, text)| !text.starts_with("//!") && path != "src/lib.rs" && !is_test(path))
        .map(|(path, _)| path);
    report("a file begins with what it is for", silent.collect());
}

#[test]
fn names_say_what_a_thing_is() {
    let empty = ["util", "utils", "common", "helper", "helpers", "manager", "service", "impl", "misc"];
    let vague = files("src", ".rs").into_keys().filter(|path| {
        let path = Path::new(path);
        path.components().any(|part| {
            let name = part.as_os_str().to_string_lossy();
            empty.contains(&name.trim_end_matches(".rs"))
        })
    });
    report("no room or file with an empty name", vague.collect());
}

#[test]
fn the_ensemble_is_reached_through_zk_alone() {
    let others = files("src", ".rs")
        .into_iter()
        .filter(|(path, text)| !path.starts_with("src/zk/") && code(text).contains("zookeeper_client::"))
        .map(|(path, _)| path);
    report("zookeeper_client appears only in src/zk", others.collect());
}

#[test]
fn nothing_is_left_to_do_in_the_code() {
    let marks = ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!("];
    let marked = files("src", ".rs").into_iter().flat_map(|(path, text)| {
        marks
            .iter()
            .filter(|mark| text.contains(**mark))
            .map(|mark| format!("{path}: {mark}"))
            .collect::<Vec<_>>()
    });
    report("what is missing is an issue, not a mark in the code", marked.collect());
}

#[test]
fn every_script_has_its_tool_and_every_tool_its_script() {
    let scripts: BTreeSet<_> = stems("scripts", ".sh")
        .into_iter()
        .map(|stem| format!("{stem}.sh"))
        .filter(|name| !PLAIN_SCRIPTS.contains(&name.as_str()))
        .collect();
    let tools: BTreeSet<_> =
        barnabas::cli::TOOLS.iter().filter_map(|tool| tool.script).map(str::to_owned).collect();
    assert_eq!(scripts, tools, "scripts on the left, tools of cli::TOOLS on the right");
    for tool in barnabas::cli::TOOLS {
        if let Some(script) = tool.script {
            let text = fs::read_to_string(root().join("scripts").join(script)).unwrap();
            assert!(
                text.contains(&format!("barnabas\" {} \"$@\"", tool.name)),
                "{script} does not run the tool {}",
                tool.name
            );
        }
    }
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
        .map(|path| Path::new(&path).file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let rows: BTreeSet<_> = barnabas::api::table::ROWS.iter().map(|row| snake(row.key.name())).collect();
    assert_eq!(handlers, rows, "handler files on the left, rows of api::table on the right");
}

#[test]
fn api_rows_stand_in_the_order_of_their_keys() {
    let keys: Vec<_> = barnabas::api::table::ROWS.iter().map(|row| row.key.code()).collect();
    assert!(keys.is_sorted(), "ApiVersions tells them in this order: {keys:?}");
}

#[test]
fn every_log_line_names_its_logger() {
    let mut offences = Vec::new();
    for (path, text) in files("src", ".rs").into_iter().filter(|(path, _)| !is_test(path)) {
        let code = code(&text);
        for level in ["error!(", "warn!(", "info!(", "debug!(", "trace!("] {
            let lines = code.match_indices(level);
            let unnamed =
                lines.filter(|(at, _)| !code[at + level.len()..].trim_start().starts_with("target: "));
            offences.extend(unnamed.map(|(at, _)| {
                let line = code[at..].lines().take(2).map(str::trim).collect::<String>();
                format!("{path}: {line}")
            }));
        }
    }
    report("every log line stands under the logger that Kafka has for it", offences);
}

#[test]
fn every_logger_of_a_broker_is_in_the_table() {
    let mut used = BTreeSet::new();
    for (path, text) in files("src", ".rs").into_iter().filter(|(path, _)| !is_test(path)) {
        let tool = path.starts_with("src/client/") || path.starts_with("src/cli/");
        if tool && path != "src/cli/server_start.rs" {
            continue;
        }
        let code = code(&text);
        let named = code.split("target: \"").skip(1).chain(code.split("TARGET: &str = \"").skip(1));
        used.extend(named.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
    }
    let listed = barnabas::logging::LOGGERS;
    assert!(listed.is_sorted(), "LOGGERS is not sorted");
    used.retain(|name| !listed.contains(&name.as_str()));
    report("every logger of a broker is a row of logging::LOGGERS", used.into_iter().collect());
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
