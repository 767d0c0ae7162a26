//! Which room may use which.

use std::collections::BTreeMap;
use std::fs;

use crate::sources::{code, files, is_test, report, root};

/// The rooms that a room may use beside itself. The order is that of `src/lib.rs`.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("metrics", &["base"]),
    ("wire", &["base"]),
    ("config", &["base", "wire"]),
    ("zk", &["base", "metrics", "wire", "config"]),
    ("admin", &["base", "wire", "config", "zk"]),
    ("security", &["base", "wire", "config", "zk"]),
    ("net", &["base", "metrics", "wire", "config", "security"]),
    ("log", &["base", "metrics", "wire", "config"]),
    ("quota", &["base", "metrics", "security"]),
    ("logging", &["base", "config"]),
    ("metadata", &["base"]),
    ("replica", &["base", "wire", "config", "zk", "admin", "net", "log", "quota", "metrics", "metadata"]),
    ("controller", &["base", "metrics", "wire", "config", "zk", "admin", "net"]),
    ("coordinator", &["base", "wire", "config", "zk", "net", "log", "metrics", "metadata", "replica"]),
    (
        "api",
        &[
            "base",
            "wire",
            "config",
            "zk",
            "admin",
            "security",
            "net",
            "log",
            "quota",
            "metrics",
            "logging",
            "metadata",
            "replica",
            "controller",
            "coordinator",
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
            "security",
            "net",
            "log",
            "quota",
            "metrics",
            "metadata",
            "replica",
            "controller",
            "coordinator",
            "api",
        ],
    ),
    ("client", &["base", "wire", "config", "zk", "security", "net"]),
    (
        "cli",
        &[
            "base",
            "wire",
            "config",
            "zk",
            "admin",
            "security",
            "net",
            "log",
            "logging",
            "replica",
            "controller",
            "coordinator",
            "api",
            "broker",
            "client",
        ],
    ),
];

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
fn the_ensemble_is_reached_through_zk_alone() {
    let others = files("src", ".rs")
        .into_iter()
        .filter(|(path, text)| !path.starts_with("src/zk/") && code(text).contains("zookeeper_client::"))
        .map(|(path, _)| path);
    report("zookeeper_client appears only in src/zk", others.collect());
}
