//! The usage line and the help of a tool.
//!
//! Pure. argparse4j: `ArgumentParserImpl.printUsage`, `printHelp`.

use clap::{Arg, ArgGroup, Command};

use super::wrap::{WIDTH, wrap};
use super::{long, takes_value};

/// Where the description of an option begins.
const HELP_COLUMN: usize = 25;

/// The groups of which only one option may be given.
pub(super) fn exclusive_groups(command: &Command) -> impl Iterator<Item = &ArgGroup> {
    // clap makes a group of all options of a struct; that one allows several.
    command.get_groups().filter(|group| !ArgGroup::clone(group).is_multiple())
}

/// The usage line, broken where it is too long.
pub(super) fn usage(program: &str, command: &Command) -> String {
    let head = format!("usage: {program}");
    let (mut out, indent, mut column) = if head.len() > 30 {
        // The first line of options is as long as if the program stood on it.
        (format!("{head}\n      "), 6, head.len())
    } else {
        (head.clone(), head.len(), head.len())
    };
    let mut is_first = true;
    for syntax in syntaxes(command) {
        if !is_first && column + syntax.len() + 1 > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        }
        out.push(' ');
        out.push_str(&syntax);
        column += 1 + syntax.len();
        is_first = false;
    }
    out.push('\n');
    out
}

/// The options as the usage line has them, those of exclusive groups last.
fn syntaxes(command: &Command) -> Vec<String> {
    let grouped: Vec<_> = exclusive_groups(command).flat_map(ArgGroup::get_args).collect();
    let mut all = vec!["[-h]".to_owned()];
    for option in shown(command).filter(|it| !grouped.contains(&it.get_id())) {
        let syntax = with_value(option);
        all.push(if option.is_required_set() { syntax } else { format!("[{syntax}]") });
    }
    for group in exclusive_groups(command) {
        let is_member = |it: &&Arg| group.get_args().any(|id| id == it.get_id());
        let members: Vec<_> = shown(command).filter(is_member).map(with_value).collect();
        let last = members.len().saturating_sub(1);
        for (at, member) in members.into_iter().enumerate() {
            let open = if at == 0 { "(" } else { "" };
            let close = if at == last { ")" } else { "" };
            if at > 0 && at == last {
                all.push("|".to_owned());
            }
            all.push(format!("{open}{member}{close}"));
        }
    }
    all
}

/// The usage, what the tool does, and every option with its description.
pub(super) fn help(program: &str, command: &Command) -> String {
    let mut out = usage(program, command);
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    out.push_str(&format!("\n{}\n\noptional arguments:\n", wrap(&about, 0, "")));
    out.push_str(&entry("-h, --help", "Print this help and end."));
    for option in command.get_arguments() {
        let text = option.get_long_help().or(option.get_help()).map(ToString::to_string).unwrap_or_default();
        let defaults: Vec<_> =
            option.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let text = if defaults.is_empty() || !takes_value(option) {
            text
        } else {
            format!("{text} (default: {})", defaults.join(","))
        };
        out.push_str(&entry(&with_value(option), &text));
    }
    out
}

/// The options that Kafka's tool has, too.
fn shown(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|it| it.get_id() != "output")
}

/// Whether an option takes as many values as follow it.
pub(super) fn takes_several(option: &Arg) -> bool {
    option.get_num_args().is_some_and(|count| count.max_values() > 1)
}

fn with_value(option: &Arg) -> String {
    if !takes_value(option) {
        return long(option);
    }
    let name = option.get_value_names().and_then(|names| names.first());
    let name = name.map_or_else(|| option.get_id().to_string().to_uppercase(), ToString::to_string);
    let several = if takes_several(option) { format!(" [{name} ...]") } else { String::new() };
    format!("{} {name}{several}", long(option))
}

fn entry(title: &str, text: &str) -> String {
    let gap = match HELP_COLUMN.checked_sub(title.len() + 2) {
        Some(gap) if title.len() <= 21 => " ".repeat(gap),
        _ => format!("\n{}", " ".repeat(HELP_COLUMN)),
    };
    format!("  {title}{gap}{}\n", wrap(text, HELP_COLUMN, &" ".repeat(HELP_COLUMN)))
}
