//! The walk through a handbook's commands: it prints what stands beside it, and leaves nothing behind.
//!
//! `BARNABAS_RECORD=1 scripts/test.sh --test cluster handbook` writes `tests/handbook/transcript.txt` anew.

use std::process::Command;

use regex::Regex;

use crate::support::{free_port, root};

/// What differs from run to run, and what stands for it.
const VARYING: [(&str, &str); 6] = [
    (r"/tmp/handbook\.\w+", "/tmp/handbook"),
    (r"\b1\d{12}\b", "TIME"),
    (r"\[20\d\d-[^\]]*\]", "[TIME]"),
    (r"readers_\S+-TIME-[0-9a-f]{8}", "readers_HOST-TIME-ID"),
    (r#""id":"[A-Za-z0-9_-]{22}""#, r#""id":"ID""#),
    (r"(?m)^\$ kill \d+$", "$$ kill PID"),
];

#[test]
fn the_commands_of_a_handbook_print_and_do_what_the_transcript_shows() {
    let (zookeeper, broker) = (free_port().to_string(), free_port().to_string());
    let walk = Command::new(root().join("tests/handbook/walk.sh"))
        .args(["--zookeeper-port", &zookeeper, "--port", &broker])
        .env("BARNABAS_BIN", env!("CARGO_BIN_EXE_barnabas"))
        .output()
        .unwrap();
    let printed = String::from_utf8(walk.stdout).unwrap();
    let complaints = String::from_utf8_lossy(&walk.stderr);
    assert!(walk.status.success(), "{printed}\n{complaints}");
    assert_eq!(complaints, "", "{printed}");
    assert_ended(&printed);

    let mut shown = printed.replace(&zookeeper, "2181").replace(&broker, "9092");
    for (pattern, fixed) in VARYING {
        shown = Regex::new(pattern).unwrap().replace_all(&shown, fixed).into_owned();
    }
    let file = root().join("tests/handbook/transcript.txt");
    if std::env::var_os("BARNABAS_RECORD").is_some() {
        std::fs::write(&file, &shown).unwrap();
    }
    let transcript = std::fs::read_to_string(&file).unwrap();
    let differing = shown.lines().zip(transcript.lines()).find(|(here, kept)| here != kept);
    assert!(shown == transcript, "the first difference, here and in the transcript: {differing:#?}\n{shown}");
}

/// Neither the walk's folder nor a process with a file of it is left.
fn assert_ended(printed: &str) {
    let folder = Regex::new(VARYING[0].0).unwrap().find(printed).expect("the walk has a folder").as_str();
    assert!(!std::path::Path::new(folder).exists(), "{folder} is left");
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let words = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        assert!(!words.contains(folder), "{words} is left");
    }
}
