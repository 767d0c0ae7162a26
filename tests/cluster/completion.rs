//! The completion scripts, in the shells they are for.

use std::process::{Command, Stdio};

use crate::support::tool;

/// Completes the last word of the line that is its argument, as bash does when TAB is pressed.
const PRESS_TAB: &str = r#"
source <("$0" completion bash)
read -ra COMP_WORDS <<<"$1"
[[ $1 = *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
command=${COMP_WORDS[0]##*/}
function=$(complete -p "$command" | sed 's/.*-F \([^ ]*\) .*/\1/')
"$function" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}"
"#;

/// What bash offers for the last word of a line.
fn completed(line: &str) -> Vec<String> {
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", PRESS_TAB, env!("CARGO_BIN_EXE_barnabas"), line]);
    let output = bash.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_options_of_tools_and_of_scripts() {
    assert_eq!(completed("barnabas top"), ["topics"]);
    assert_eq!(completed("barnabas topics --bootstrap"), ["--bootstrap-server"]);
    assert_eq!(
        completed("kafka-topics.sh --under-"),
        ["--under-min-isr-partitions", "--under-replicated-partitions"]
    );
    assert_eq!(completed("scripts/kafka-topics.sh --output "), ["text", "json"]);
    assert_eq!(completed("kafka-console-consumer.sh --from-b"), ["--from-beginning"]);
    assert_eq!(completed("kafka-topics.sh --help"), ["--help"]);
}

#[test]
fn every_tool_with_options_is_completed_in_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let script = tool("completion", &[shell]);
        assert!(script.status.success(), "{shell}");
        let script = String::from_utf8(script.stdout).unwrap();
        for tool in barnabas::cli::TOOLS {
            let names = [Some(tool.name), tool.script];
            let missing: Vec<_> = names.iter().flatten().filter(|name| !script.contains(**name)).collect();
            assert!(missing.is_empty(), "{shell}: {missing:?}");
        }
        accepts(shell, &script);
    }
    assert_eq!(tool("completion", &["tcsh"]).status.code(), Some(1));
}

/// The shell reads the script without an error, where it is installed.
fn accepts(shell: &str, script: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), script).unwrap();
    match Command::new(shell).arg("-n").arg(file.path()).stdin(Stdio::null()).output() {
        Ok(checked) => assert!(checked.status.success(), "{shell}: {checked:?}"),
        Err(_) => eprintln!("SKIPPED the syntax of {shell}'s script: there is no {shell}"),
    }
}
