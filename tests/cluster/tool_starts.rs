//! What every tool does before it talks to a cluster: with no arguments, with an option that it does not have, with
//! `--help` and `--version`, and where the reader of its output is gone.

use std::process::{Command, Stdio};

use barnabas::cli::TOOLS;

use crate::support::recorded_commands::{OwnBrokers, Stage, replay};
use crate::support::{Chroot, root, tool};

#[test]
fn tools_start_as_kafkas_do() {
    let recorded = std::fs::read_to_string(root().join("tests/cluster/data/tool_starts.txt")).unwrap();
    // The commands of tools that are not built yet wait for them.
    let is_built =
        |block: &&str| match block.strip_prefix("$ ").and_then(|line| line.split_whitespace().next()) {
            Some(script) => TOOLS.iter().any(|tool| tool.script == Some(script)),
            None => true,
        };
    let built: Vec<_> = recorded.split("\n\n").filter(is_built).collect();
    let chroot = Chroot::new();
    replay(&built.join("\n\n"), &mut Stage::open(OwnBrokers::new(&chroot.connect()), &chroot));
}

#[test]
fn every_tool_answers_what_it_cannot_use_with_words_and_an_exit_code() {
    for (name, options) in TOOLS.iter().filter_map(|tool| Some((tool.name, tool.options?))) {
        let help = tool(name, &["--help"]);
        let help =
            String::from_utf8_lossy(&help.stderr).into_owned() + &String::from_utf8_lossy(&help.stdout);
        for option in options().get_arguments().filter_map(|it| it.get_long().filter(|_| !it.is_hide_set())) {
            assert!(help.contains(&format!("--{option}")), "{name}: --{option} is not in its help: {help}");
        }
        let wrong = tool(name, &["--no-such-option"]);
        assert_eq!(wrong.status.code(), Some(1), "{name}: {wrong:?}");
        let words = String::from_utf8_lossy(&wrong.stderr).into_owned();
        // A line may be broken behind a hyphen.
        assert!(words.replace('\n', "").contains("no-such-option"), "{name}: {words}");
        assert!(wrong.stdout.is_empty() || !words.contains("panicked"), "{name}: {words}");
    }
}

#[test]
fn a_tool_whose_reader_is_gone_ends_quietly() {
    let given: &[&[&str]] = &[&["--help"], &["--version"], &["--no-such-option"]];
    for name in TOOLS.iter().filter(|tool| tool.options.is_some()).map(|tool| tool.name) {
        for arguments in given {
            ends_without_a_reader(name, arguments);
        }
    }
    ends_without_a_reader("completion", &["bash"]);
    ends_without_a_reader("output-schema", &["topics"]);
    ends_without_a_reader("--help", &[]);
}

/// Both its outputs are pipes without a reader.
fn ends_without_a_reader(name: &str, arguments: &[&str]) {
    let closed = || Stdio::from(std::io::pipe().unwrap().1);
    let mut command = Command::new(env!("CARGO_BIN_EXE_barnabas"));
    command.arg(name).args(arguments).stdin(Stdio::null()).stdout(closed()).stderr(closed());
    let ended = command.status().unwrap();
    assert!(matches!(ended.code(), Some(0 | 1)), "{name} {arguments:?}: {ended}");
}
