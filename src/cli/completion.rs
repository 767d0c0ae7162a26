//! `barnabas completion SHELL`: a script by which a shell completes the options of every tool, under the tool's name
//! behind `barnabas` and under the name of its script.
//!
//! It is made from the tables by which the tools read their options.

use std::process::ExitCode;

use clap::{Arg, ArgAction, Command, ValueEnum, ValueHint};
use clap_complete::Shell;

use super::{TOOLS, Tool};

const USAGE: &str = "USAGE: barnabas completion bash|zsh|fish\n\
    bash: source <(barnabas completion bash)    zsh: source <(barnabas completion zsh)\n\
    fish: barnabas completion fish | source";

/// Prints the script of the shell that the argument names.
pub fn run(arguments: Vec<String>) -> ExitCode {
    let shell = match arguments.as_slice() {
        [shell] => Shell::from_str(shell, true).ok(),
        _ => None,
    };
    let Some(shell @ (Shell::Bash | Shell::Zsh | Shell::Fish)) = shell else {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    };
    let mut script = Vec::new();
    for mut command in commands() {
        let name = command.get_name().to_owned();
        clap_complete::generate(shell, &mut command, name, &mut script);
    }
    print!("{}", String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}

/// What is completed: `barnabas` with every tool below it, and every script.
fn commands() -> Vec<Command> {
    let tools = TOOLS.iter().map(|tool| command(tool, tool.name));
    let barnabas = Command::new("barnabas").disable_help_subcommand(true).subcommands(tools);
    let scripts = TOOLS.iter().filter_map(|tool| Some(command(tool, tool.script?)));
    std::iter::once(barnabas).chain(scripts).collect()
}

/// A tool's options under a name, with those that every tool has.
fn command(tool: &Tool, name: &'static str) -> Command {
    let Some(options) = tool.options else { return Command::new(name) };
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    let with_hints =
        options().name(name).disable_help_flag(true).disable_version_flag(true).mut_args(|argument| {
            let is_file =
                argument.get_value_names().is_some_and(|names| names.iter().any(|it| it.contains("file")));
            if is_file { argument.value_hint(ValueHint::FilePath) } else { argument }
        });
    with_hints.arg(flag("help", "Print the usage")).arg(flag("version", "Print the version"))
}
