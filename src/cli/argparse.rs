//! Reads a tool's arguments by the rules of argparse4j, which Kafka's `org.apache.kafka.tools` use: the same
//! abbreviations, usage lines, error texts and exit codes.
//!
//! An option takes no value that looks like an option, may be shortened as long as it is the only one that begins so,
//! and may have its value behind a `=`. What is missing is looked for after all arguments are read, and the last option
//! that is missing is named. The usage line is Kafka's, without `--output`. argparse4j: `ArgumentParserImpl`.

mod candidates;
mod usage;
mod wrap;

use std::any::TypeId;
use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{Arg, Command, CommandFactory, FromArgMatches};

/// Why a tool ends before it has done anything.
#[derive(Debug, PartialEq, Eq)]
#[doc(alias = "ArgumentParserException")]
pub enum ParserExit {
    /// Help was asked for.
    Help,
    /// The arguments cannot be used.
    Invalid(String),
    /// There is no such option.
    Unrecognized(String),
}

impl ParserExit {
    /// What is wrong with an option's value.
    fn of_option(option: &str, message: &str) -> Self {
        Self::Invalid(format!("argument {option}: {message}"))
    }

    /// An option's value that is none of its choices.
    pub fn of_choice(option: &str, value: &str, choices: &str) -> Self {
        Self::of_option(option, &format!("invalid choice: '{value}' (choose from {{{choices}}})"))
    }
}

/// The arguments of one tool.
#[derive(Debug)]
pub struct ArgumentParser {
    program: &'static str,
    command: Command,
}

impl ArgumentParser {
    /// Reads the options of `T`; `program` is the name that Kafka's tool has in its messages.
    pub fn new<T: CommandFactory>(program: &'static str) -> Self {
        let mut command = T::command().disable_help_flag(true).disable_version_flag(true);
        command.build();
        Self { program, command }
    }

    /// The options that these arguments set.
    ///
    /// # Errors
    /// [`ParserExit`] with the words of argparse4j.
    pub fn parse<T: FromArgMatches>(&self, arguments: &[String]) -> Result<T, ParserExit> {
        let given = GivenArguments::read(self, arguments)?;
        self.check_required(&given)?;
        let words = std::iter::once(self.program.to_owned()).chain(given.spelled(&self.command));
        let invalid = |error: clap::Error| ParserExit::Invalid(error.to_string());
        let matches = self.command.clone().try_get_matches_from(words).map_err(invalid)?;
        T::from_arg_matches(&matches).map_err(invalid)
    }

    /// Reads the arguments of a tool that prints its help where it is given none, and checks them.
    ///
    /// # Errors
    /// What the tool ends with; its help, or what is wrong with the arguments, is printed.
    pub fn read<T: FromArgMatches, R>(
        &self,
        arguments: &[String],
        check: impl FnOnce(T) -> Result<R, ParserExit>,
    ) -> Result<R, ExitCode> {
        if arguments.is_empty() {
            self.print_help();
            return Err(ExitCode::SUCCESS);
        }
        self.parse(arguments).and_then(check).map_err(|exit| self.print_exit(&exit))
    }

    /// Prints the help to standard output.
    fn print_help(&self) {
        print!("{}", usage::help(self.program, &self.command));
    }

    /// Prints why the tool ends, and returns the exit code: 1, after the help as well.
    pub fn print_exit(&self, exit: &ParserExit) -> ExitCode {
        let message = match exit {
            ParserExit::Help => {
                self.print_help();
                return ExitCode::FAILURE;
            }
            ParserExit::Invalid(message) => message.clone(),
            ParserExit::Unrecognized(argument) => format!("unrecognized arguments: '{argument}'"),
        };
        eprint!("{}", usage::usage(self.program, &self.command));
        eprint!("{}", wrap::wrap(&format!("{}: error: {message}\n", self.program), 0, ""));
        if let ParserExit::Unrecognized(argument) = exit {
            eprint!("{}", candidates::did_you_mean(argument, self.command.get_arguments()));
        }
        ExitCode::FAILURE
    }

    /// The option that a flag names: in whole, or by its beginning.
    fn resolve(&self, flag: &str) -> Result<Option<&Arg>, ParserExit> {
        let named = |name: &str| self.command.get_arguments().find(|it| long(it) == name);
        if let Some(option) = named(flag) {
            return Ok(Some(option));
        }
        let mut candidates: Vec<_> = self.command.get_arguments().map(long).collect();
        candidates.push("--help".to_owned());
        candidates.retain(|name| name.starts_with(flag));
        candidates.sort();
        match candidates.as_slice() {
            [] => Ok(None),
            [only] if only == "--help" => Err(ParserExit::Help),
            [only] => Ok(named(only)),
            several => Err(ParserExit::Invalid(format!(
                "ambiguous option: {flag} could match {}",
                several.join(", ")
            ))),
        }
    }

    fn check_required(&self, given: &GivenArguments) -> Result<(), ParserExit> {
        let missing = self.command.get_arguments().filter(|it| it.is_required_set() && !given.has(it));
        if let Some(option) = missing.last() {
            return Err(ParserExit::Invalid(format!("argument {} is required", long(option))));
        }
        for group in self.command.get_groups().filter(|group| group.is_required_set()) {
            let members: Vec<_> = group.get_args().filter_map(|id| self.member(id)).collect();
            if !members.iter().any(|it| given.has(it)) {
                let names: String = members.iter().map(|it| long(it) + " ").collect();
                return Err(ParserExit::Invalid(format!("one of the arguments {names}is required")));
            }
        }
        Ok(())
    }

    fn member(&self, id: &clap::Id) -> Option<&Arg> {
        self.command.get_arguments().find(|it| it.get_id() == id)
    }

    /// The option of the same group that was given before.
    fn rival(&self, option: &Arg, given: &GivenArguments) -> Option<&Arg> {
        let id = option.get_id();
        let mut groups = usage::exclusive_groups(&self.command);
        let group = groups.find(|group| group.get_args().any(|it| it == id))?;
        let members = group.get_args().filter(|it| *it != id);
        members.filter_map(|it| self.member(it)).find(|it| given.has(it))
    }
}

/// The values of the options that were given, by the options' names. A later value replaces an earlier one.
#[derive(Debug, Default)]
struct GivenArguments(BTreeMap<String, Vec<String>>);

impl GivenArguments {
    fn read(parser: &ArgumentParser, arguments: &[String]) -> Result<Self, ParserExit> {
        let mut given = Self::default();
        let mut at = 0;
        while let Some(term) = arguments.get(at) {
            if term == "--" {
                let rest = &arguments[at + 1..];
                return if rest.is_empty() { Ok(given) } else { Err(unrecognized(rest)) };
            }
            if !is_flag(term) {
                return Err(unrecognized(&arguments[at..]));
            }
            at += 1;
            let (flag, embedded) = match term.split_once('=') {
                Some((flag, value)) => (flag, Some(value.to_owned())),
                None => (term.as_str(), None),
            };
            if flag == "--help" || flag.starts_with("-h") {
                return Err(ParserExit::Help);
            }
            let Some(option) = parser.resolve(flag)? else {
                return Err(ParserExit::Unrecognized(term.clone()));
            };
            if let Some(rival) = parser.rival(option, &given) {
                let message = format!("not allowed with argument {}", long(rival));
                return Err(ParserExit::of_option(&long(option), &message));
            }
            let values = values(option, embedded, arguments, &mut at)?;
            given.0.insert(long(option), values);
        }
        Ok(given)
    }

    fn has(&self, option: &Arg) -> bool {
        self.0.contains_key(&long(option))
    }

    /// The arguments in the form that clap reads whatever the values are.
    fn spelled(self, command: &Command) -> Vec<String> {
        let mut words = Vec::new();
        for option in command.get_arguments() {
            let name = long(option);
            let Some(values) = self.0.get(&name) else { continue };
            if takes_value(option) {
                words.extend(values.iter().map(|value| format!("{name}={value}")));
            } else {
                words.push(name);
            }
        }
        words
    }
}

/// The values of an option: the one behind its `=`, or those of the arguments from `at` on, which are passed.
fn values(
    option: &Arg,
    embedded: Option<String>,
    arguments: &[String],
    at: &mut usize,
) -> Result<Vec<String>, ParserExit> {
    let wrong = |message: &str| ParserExit::of_option(&long(option), message);
    if !takes_value(option) {
        return match embedded {
            None => Ok(Vec::new()),
            Some(value) => Err(wrong(&format!("ignore implicit argument '{value}'"))),
        };
    }
    let several = usage::takes_several(option);
    let values: Vec<String> = match embedded {
        Some(value) => vec![value],
        None => {
            let most = if several { usize::MAX } else { 1 };
            let following = arguments[*at..].iter().take_while(|it| *it != "--" && !is_flag(it));
            let taken: Vec<_> = following.take(most).cloned().collect();
            *at += taken.len();
            taken
        }
    };
    if values.is_empty() {
        return Err(wrong(if several { "expected 1 argument(s)" } else { "expected one argument" }));
    }
    values.iter().try_for_each(|value| check_value(option, value))?;
    Ok(values)
}

/// Refuses a value that is no number where Java's tool has one, and one that is not of the option's list.
fn check_value(option: &Arg, value: &str) -> Result<(), ParserExit> {
    let choices: Vec<_> = option.get_possible_values().iter().map(|it| it.get_name().to_owned()).collect();
    if !choices.is_empty() && takes_value(option) && !choices.iter().any(|it| it == value) {
        return Err(ParserExit::of_choice(&long(option), value, &choices.join(",")));
    }
    let of = option.get_value_parser().type_id();
    let class = match () {
        () if of == TypeId::of::<i32>() && value.parse::<i32>().is_err() => "Integer",
        () if of == TypeId::of::<i64>() && value.parse::<i64>().is_err() => "Long",
        () => return Ok(()),
    };
    let message = format!("could not convert '{value}' to {class} (For input string: \"{value}\")");
    Err(ParserExit::of_option(&long(option), &message))
}

/// The option's name as it is typed.
fn long(option: &Arg) -> String {
    format!("--{}", option.get_long().unwrap_or_default())
}

fn takes_value(option: &Arg) -> bool {
    option.get_action().takes_values()
}

/// Whether an argument is taken for an option: it begins with a dash and is no negative number.
fn is_flag(term: &str) -> bool {
    let body = term.trim_start_matches('-');
    let is_negative = term.len() == body.len() + 1 && body.bytes().all(|byte| byte.is_ascii_digit());
    body.len() < term.len() && !body.is_empty() && !is_negative
}

fn unrecognized(arguments: &[String]) -> ParserExit {
    ParserExit::Invalid(format!("unrecognized arguments: '{}'", arguments.join(" ")))
}

#[cfg(test)]
mod tests;
