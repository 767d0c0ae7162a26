//! Reads a tool's arguments as Kafka's tools do: the same spellings, error texts and exit codes.
//!
//! Kafka's tools use jopt-simple (`CommandLineUtils`, `CommandDefaultOptions`): options may have one dash, an
//! option takes the next argument as its value whatever it is, a repeated flag is no error, and arguments
//! that are no options are ignored.

use std::fmt::Display;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, CommandFactory, Parser};

use super::java::FileException;
use super::throwable::JavaThrowable;
use crate::config::{Properties, unbuilt};

/// The output of `--version`: the version of Kafka, and this project's name.
pub const VERSION: &str = concat!("2.7.2 (Barnabas ", env!("CARGO_PKG_VERSION"), ")");

/// The name under which arguments that are no options are kept.
const PASSED_OVER: &str = "passed over";

/// Why a tool ends before it has done anything. Each is printed by [`EarlyExit::print`] and ends with exit code 1.
#[derive(Debug)]
pub enum EarlyExit {
    /// A sentence, and below it the usage (`CommandLineUtils.printUsageAndDie`).
    Usage(String),
    /// A sentence alone, about what Kafka's tools do not have.
    Refused(String),
    /// What Java would throw out of `main`: the exception's class and its message.
    Thrown(&'static str, String),
    /// As [`EarlyExit::Thrown`], for an option whose argument cannot be used: Java's tools throw when they
    /// read that option.
    Argument {
        /// The option, without dashes.
        option: String,
        /// The exception's class.
        class: &'static str,
        /// Its message.
        message: String,
        /// The argument, where it is no number; Java's exception has causes then.
        no_number: Option<String>,
    },
    /// `--version` was given; the only exit that is no failure.
    Version,
}

impl EarlyExit {
    /// Prints it, with the usage of the tool `T` where it belongs there, and returns the exit code.
    pub fn print<T: CommandFactory>(self) -> ExitCode {
        match self {
            Self::Usage(sentence) => {
                eprintln!("{sentence}");
                eprint!("{}", usage(T::command()));
                ExitCode::FAILURE
            }
            Self::Refused(sentence) => {
                eprintln!("{sentence}");
                ExitCode::FAILURE
            }
            Self::Thrown(class, message) => thrown(class, message),
            Self::Argument { .. } => JavaThrowable::of_early_exit(self).leave_main(),
            Self::Version => {
                println!("{VERSION}");
                ExitCode::SUCCESS
            }
        }
    }
}

/// Prints what Java prints of an exception that leaves `main`, and returns the exit code.
pub fn thrown(class: &str, message: impl Display) -> ExitCode {
    eprintln!("Exception in thread \"main\" {class}: {message}");
    ExitCode::FAILURE
}

/// Reads the arguments of a tool; `about` is the sentence above its usage.
///
/// # Errors An [`EarlyExit`] with Kafka's words: no or unknown options, values that are missing or no
/// numbers, help and version.
pub fn parse<T: Parser>(about: &str, arguments: &[String]) -> Result<T, EarlyExit> {
    let command = prepare(T::command());
    if arguments.iter().any(|argument| argument == "--help") {
        return Err(EarlyExit::Usage(about.to_owned()));
    }
    if arguments.iter().any(|argument| argument == "--version") {
        return Err(EarlyExit::Version);
    }
    let spelled = arguments.iter().map(|argument| with_two_dashes(&command, argument));
    let matches = command
        .clone()
        .try_get_matches_from(std::iter::once("tool".to_owned()).chain(spelled))
        .map_err(|error| explain(&error))?;
    T::from_arg_matches(&matches).map_err(|error| explain(&error))
}

/// `Missing required argument "[name]"` where `given` is false (`CommandLineUtils.checkRequiredArgs`).
///
/// # Errors
/// That refusal.
pub fn require(given: bool, name: &str) -> Result<(), EarlyExit> {
    if given { Ok(()) } else { Err(EarlyExit::Usage(format!("Missing required argument \"[{name}]\""))) }
}

/// Refuses `option` beside any of `others` that was given (`CommandLineUtils.checkInvalidArgs`).
///
/// # Errors
/// The refusal that names the first of them.
pub fn forbid(option: (&str, bool), others: &[(&str, bool)]) -> Result<(), EarlyExit> {
    match others.iter().find(|(_, given)| option.1 && *given) {
        Some((other, _)) => Err(EarlyExit::Usage(format!(
            "Option \"[{}]\" can't be used with option \"[{other}]\"",
            option.0
        ))),
        None => Ok(()),
    }
}

/// Refuses a list of servers of which one has no port (`ToolsUtils.validatePortOrDie`).
///
/// # Errors
/// That refusal.
pub fn check_servers(servers: &str) -> Result<(), EarlyExit> {
    let has_port = |server: &str| {
        let port = server.rsplit_once(':').map(|(_, port)| port);
        port.is_some_and(|port| !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit()))
    };
    if servers.trim_end_matches(',').split(',').all(has_port) {
        return Ok(());
    }
    Err(EarlyExit::Usage("Please provide valid host:port like host1:9091,host2:9092\n ".to_owned()))
}

/// The pairs of repeated `key=value` arguments (`CommandLineUtils.parseKeyValueArgs`); a key alone has an empty value,
/// and a value alone an empty key.
pub fn pairs(arguments: &[String]) -> Properties {
    arguments.iter().map(|argument| argument.split_once('=').unwrap_or((argument, ""))).collect()
}

/// A client's settings: those of the file, if one is given, overridden by the pairs.
///
/// # Errors
/// The file cannot be read, or a setting asks for security that is not built.
pub fn settings(file: Option<&str>, own: &[String]) -> Result<Properties, EarlyExit> {
    let mut settings = match file {
        None => Properties::default(),
        Some(file) => Properties::read(file).map_err(|error| unreadable(file, &error))?,
    };
    for (key, value) in pairs(own).iter() {
        settings.set(key, value);
    }
    match unbuilt::check_client(&settings) {
        Ok(()) => Ok(settings),
        Err(error) => Err(EarlyExit::Thrown(error.class(), error.to_string())),
    }
}

/// The exit for a file that cannot be read.
pub fn unreadable(file: &str, error: &std::io::Error) -> EarlyExit {
    let FileException { class, message } = FileException::of(file, error);
    EarlyExit::Thrown(class, message)
}

fn prepare(command: Command) -> Command {
    let has_positionals = command.get_positionals().next().is_some();
    let command = command.disable_help_flag(true).disable_version_flag(true).no_binary_name(false).mut_args(
        |argument| match argument.get_action() {
            ArgAction::SetTrue => {
                let itself = argument.get_id().clone();
                argument.overrides_with(itself)
            }
            // For an option whose value may be left out, an argument that looks like an option is not its
            // value.
            _ if argument.get_num_args().is_some_and(|count| count.min_values() == 0) => argument,
            _ => argument.allow_hyphen_values(true),
        },
    );
    if has_positionals {
        return command;
    }
    command.arg(Arg::new(PASSED_OVER).num_args(0..).action(ArgAction::Append).hide(true))
}

/// `-topic` means `--topic`, as jopt-simple reads it, where such an option exists.
fn with_two_dashes(command: &Command, argument: &str) -> String {
    let name = argument.trim_start_matches('-').split('=').next().unwrap_or_default();
    let single = argument.starts_with('-') && !argument.starts_with("--");
    if single && name.len() > 1 && command.get_arguments().any(|known| known.get_long() == Some(name)) {
        format!("-{argument}")
    } else {
        argument.to_owned()
    }
}

fn explain(error: &clap::Error) -> EarlyExit {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    let values = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) => values.join(" or "),
        _ => String::new(),
    };
    let argument = text(ContextKind::InvalidArg).unwrap_or_default();
    let name = argument.trim_start_matches('-').split([' ', '=']).next().unwrap_or_default();
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let hint = text(ContextKind::SuggestedArg)
                .map(|it| format!(" (it is spelled {it})"))
                .unwrap_or_default();
            EarlyExit::Thrown(
                "joptsimple.UnrecognizedOptionException",
                format!("{name} is not a recognized option{hint}"),
            )
        }
        ErrorKind::InvalidValue if value.is_empty() => EarlyExit::Thrown(
            "joptsimple.OptionMissingRequiredArgumentException",
            format!("Option {name} requires an argument"),
        ),
        // Kafka's options have no closed lists of values: the option is one of this project's.
        ErrorKind::InvalidValue if !values.is_empty() => {
            EarlyExit::Refused(format!("Option \"[{name}]\" is {values}, not {value}"))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => EarlyExit::Argument {
            option: name.to_owned(),
            class: "joptsimple.OptionArgumentConversionException",
            message: format!("Cannot parse argument '{value}' of option {name}"),
            no_number: Some(value),
        },
        ErrorKind::ArgumentConflict => EarlyExit::Argument {
            option: name.to_owned(),
            class: "joptsimple.MultipleArgumentsForOptionException",
            message: format!("Found multiple arguments for option {name}, but you asked for only one"),
            no_number: None,
        },
        ErrorKind::MissingRequiredArgument => {
            EarlyExit::Usage(format!("Missing required argument \"[{name}]\""))
        }
        _ => EarlyExit::Usage(error.to_string()),
    }
}

/// The options of a tool, one paragraph each.
fn usage(command: Command) -> String {
    let help = command
        .disable_help_flag(true)
        .help_template("Options:\n{options}\n\n      --help\n          Print this usage\n      --version\n          Print the version\n");
    help.clone().render_long_help().to_string()
}
