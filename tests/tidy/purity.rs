//! Decisions are apart from effects: a file whose head has a sentence `Pure.` takes values and gives values.

use crate::sources::{code, product, report, sentences};

/// Folders in which every file is pure and marked so. The files of a folder `x/` are those below it and
/// `x.rs`.
const PURE_FOLDERS: &[&str] = &[
    "src/wire/batch",
    "src/wire/codec",
    "src/wire/legacy",
    "src/wire/record",
    "src/zk/znode",
    "src/log/validate",
    "src/log/producers",
    "src/quota/callback",
    "src/quota/rate",
    "src/quota/replication",
    "src/replica/machine",
    "src/controller/decide",
];

/// What a pure file may not name.
const IMPURE: &[&str] = &[
    "tokio::",
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "Instant::now",
    "SystemTime::now",
    "Clock::",
    "fastrand",
    ".await",
    "Mutex",
    "RwLock",
    "log::trace!",
    "log::debug!",
    "log::info!",
    "log::warn!",
    "log::error!",
    "println!",
];

fn is_in(folder: &str, path: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn says_pure(text: &str) -> bool {
    sentences(text).iter().any(|sentence| sentence == "Pure.")
}

#[test]
fn decisions_are_apart_from_effects() {
    let mut offences = Vec::new();
    for (path, text) in product().into_iter().filter(|(_, text)| says_pure(text)) {
        let code = code(&text);
        let named = IMPURE.iter().filter(|word| code.contains(**word));
        offences.extend(named.map(|word| format!("{path} names {word}")));
    }
    report("a file marked `Pure.` has no effects", offences);
}

#[test]
fn every_file_of_a_pure_folder_is_marked_pure() {
    let sources = product();
    let mut offences = Vec::new();
    for folder in PURE_FOLDERS {
        let found: Vec<_> = sources.iter().filter(|(path, _)| is_in(folder, path)).collect();
        if found.is_empty() {
            offences.push(format!("{folder} does not exist"));
        }
        let silent = found.into_iter().filter(|(_, text)| !says_pure(text));
        offences.extend(silent.map(|(path, _)| format!("{path} has no `Pure.` in its head")));
    }
    report("every file of these folders is pure", offences);
}

#[test]
fn the_mark_is_a_sentence_of_its_own() {
    let marked = [
        "//! A thing.\n//!\n//! Pure. Kafka: `Thing`.\n",
        "//! Pure.\n",
        "//! One\n//! two. Pure.\nuse x;\n",
    ];
    assert!(marked.iter().all(|head| says_pure(head)), "a mark is not seen");
    let others =
        ["//! - *Pure:* `plan`.\n", "//! Not Pure.\n", "// Pure.\n", "//! Impure.\nfn x() {} // Pure.\n"];
    assert!(others.iter().all(|head| !says_pure(head)), "what is no mark is taken for one");
}
