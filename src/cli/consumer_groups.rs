//! `kafka-consumer-groups.sh`: lists, describes and deletes groups, and sets their offsets (Kafka's
//! `ConsumerGroupCommand`).
//!
//! What is known of groups is gathered first (`by_broker`, `resetting`) and printed after that (`described`). Groups of
//! ZooKeeper consumers have a road of their own (`by_znode`). Kafka's tool ends with exit code 0 after most errors, and
//! so does this one.

mod by_broker;
mod by_znode;
mod deleting;
mod described;
mod options;
mod plan_file;
mod reset;
mod resetting;

use std::process::ExitCode;

use log::LevelFilter;

use self::by_broker::ConsumerGroupService;
pub(crate) use self::options::ConsumerGroupsOptions;
use self::options::GroupsAction;
use super::arguments::{self, EarlyExit};
use super::java::JavaClient;
use super::output_format::OutputOption;
use super::throwable::JavaThrowable;
use super::{block_on, logging};
use crate::client::ClientError;
use crate::config::Properties;

/// Why a command failed.
#[derive(Debug)]
enum GroupFailure {
    /// With an exception.
    Thrown(JavaThrowable),
    /// An option has an argument that cannot be used: the usage is printed below the sentence.
    Usage(String),
}

impl GroupFailure {
    fn thrown(class: &str, message: impl Into<String>) -> Self {
        Self::Thrown(JavaThrowable::new(class, message))
    }
}

impl From<JavaThrowable> for GroupFailure {
    fn from(thrown: JavaThrowable) -> Self {
        Self::Thrown(thrown)
    }
}

impl From<ClientError> for GroupFailure {
    fn from(error: ClientError) -> Self {
        Self::Thrown(JavaThrowable::of_future(&error))
    }
}

impl From<serde_json::Error> for GroupFailure {
    fn from(error: serde_json::Error) -> Self {
        Self::thrown("java.io.IOException", error.to_string())
    }
}

/// Runs the tool; exit code 1 where the options cannot be used, else 0.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    match read(&arguments).and_then(|options| options.run()) {
        Ok(code) => code,
        Err(refusal) => refusal.print::<ConsumerGroupsOptions>(),
    }
}

/// The options. This tool asks for a broker even where only its usage is wanted.
fn read(arguments: &[String]) -> Result<ConsumerGroupsOptions, EarlyExit> {
    const ABOUT: &str = "This tool helps to list all consumer groups, describe a consumer group, delete consumer group info, \
        or reset consumer group offsets.";
    let is_given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let (help, version) = (is_given("--help"), is_given("--version"));
    let rest = arguments.iter().filter(|argument| !["--help", "--version"].contains(&argument.as_str()));
    let options: ConsumerGroupsOptions = arguments::parse(ABOUT, &rest.cloned().collect::<Vec<_>>())?;
    if !help && !version {
        options.check_available()?;
    }
    if options.zookeeper.is_none() {
        options.check()?;
    }
    if help {
        return Err(EarlyExit::Usage(ABOUT.to_owned()));
    }
    if version {
        return Err(EarlyExit::Version);
    }
    Ok(options)
}

impl ConsumerGroupsOptions {
    /// Takes the road that the options name.
    fn run(&self) -> Result<ExitCode, EarlyExit> {
        let outcome = match self.by_znode()? {
            Some(service) => block_on(async { Ok(service.run().await) }),
            None => {
                let action = self.action()?;
                let settings = arguments::settings(self.command_config.as_deref(), &[])?;
                block_on(async { Ok(execute(self, action, &settings).await) })
            }
        };
        Ok(outcome.unwrap_or_else(|error| arguments::thrown("java.lang.RuntimeException", error)))
    }
}

async fn execute(options: &ConsumerGroupsOptions, action: GroupsAction, settings: &Properties) -> ExitCode {
    let servers = options.bootstrap_server.as_deref().unwrap_or_default();
    let admin = match JavaClient::Admin.connect(settings, servers, "adminclient-1").await {
        Ok(admin) => admin,
        Err(error) => return JavaThrowable::from(&error).leave_main(),
    };
    let outcome = match ConsumerGroupService::new(admin, options) {
        Ok(service) => match action {
            GroupsAction::List => service.list().await,
            GroupsAction::Describe(part) => service.describe(part).await,
            GroupsAction::Delete => service.delete().await,
            GroupsAction::ResetOffsets => service.reset_offsets().await,
            GroupsAction::DeleteOffsets => service.delete_offsets().await,
        },
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure, options.output),
    }
}

/// Prints a failure as Kafka's tool does, and returns the exit code.
fn report(failure: &GroupFailure, output: OutputOption) -> ExitCode {
    match failure {
        GroupFailure::Usage(sentence) => EarlyExit::Usage(sentence.clone()).print::<ConsumerGroupsOptions>(),
        GroupFailure::Thrown(thrown) => {
            let reason = thrown.message();
            output.note(format_args!("\nError: Executing consumer group command failed due to {reason}"));
            eprintln!("{thrown}");
            ExitCode::SUCCESS
        }
    }
}
