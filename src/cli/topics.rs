//! `kafka-topics.sh`: creates, lists, describes, alters and deletes topics (Kafka's `TopicCommand`).
//!
//! The commands go through ZooKeeper (`by_znode`) or through a broker (`by_broker`); both print through
//! `describe`.

mod by_broker;
mod by_znode;
mod describe;
mod list;
mod options;

use std::collections::BTreeMap;
use std::process::ExitCode;

use log::LevelFilter;

use super::arguments::{self, EarlyExit};
use super::output_format::OutputOption;
use super::throwable::JavaThrowable;
use super::{block_on, logging};
pub(super) use options::TopicsOptions;
use options::{Action, TopicsCommand};

const TARGET: &str = "kafka.admin.TopicCommand$";

/// Why a topic command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A Java exception.
    #[error("{message}")]
    Exception {
        /// The exception's class.
        class: String,
        /// Its message.
        message: String,
    },
    /// The client's settings are wrong; the text gives the reason.
    #[error("{0}")]
    NoClient(String),
}

impl Failure {
    fn exception(class: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Exception { class: class.into(), message: message.into() }
    }

    fn illegal_argument(message: impl Into<String>) -> Self {
        Self::exception("java.lang.IllegalArgumentException", message)
    }

    /// The class of the Java exception.
    fn class(&self) -> &str {
        match self {
            Self::Exception { class, .. } => class,
            Self::NoClient(_) => "org.apache.kafka.common.KafkaException",
        }
    }
}

/// A failure before any command has begun.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Thrown(Failure);

/// Runs the tool; exit code 0, or 1 with Kafka's words on standard output and the log line on standard error.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    if arguments.is_empty() {
        return EarlyExit::Usage("Create, delete, describe, or change a topic.".to_owned())
            .print::<TopicsOptions>();
    }
    let about = "This tool helps to create, delete, describe, or change a topic.";
    let command = match arguments::parse::<TopicsOptions>(about, &arguments).and_then(TopicsCommand::check) {
        Ok(command) => command,
        Err(refusal @ EarlyExit::Argument { .. }) if is_read_late(&refusal) => {
            let thrown = JavaThrowable::of_early_exit(refusal);
            println!("Error while executing topic command : {}", thrown.message());
            log::error!(target: TARGET, "{thrown}\n");
            return ExitCode::FAILURE;
        }
        Err(refusal) => return refusal.print::<TopicsOptions>(),
    };
    match block_on(execute(&command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error, command.options.output),
    }
}

/// Whether Java's tool reads an option only when it executes the command. The options that name the server
/// are read before.
fn is_read_late(refusal: &EarlyExit) -> bool {
    const EARLY: [&str; 3] = ["zookeeper", "bootstrap-server", "command-config"];
    matches!(refusal, EarlyExit::Argument { option, .. } if !EARLY.contains(&option.as_str()))
}

async fn execute(command: &TopicsCommand) -> anyhow::Result<()> {
    if let Some(connect) = &command.options.zookeeper {
        let topics = by_znode::ZookeeperTopicService::connect(connect).await.map_err(Thrown)?;
        let outcome = match command.action {
            Action::Create => topics.create(command).await,
            Action::List => topics.list(command).await,
            Action::Describe => topics.describe(command).await,
            Action::Alter => topics.alter(command).await,
            Action::Delete => topics.delete(command).await,
        };
        topics.close().await;
        outcome
    } else {
        let mut topics = by_broker::AdminClientTopicService::connect(command).await?;
        match command.action {
            Action::Create => topics.create(command).await,
            Action::List => topics.list(command).await,
            Action::Describe => topics.describe(command).await,
            Action::Alter => topics.alter(command).await,
            Action::Delete => topics.delete(command).await,
        }
    }
}

/// Prints a failure as `TopicCommand` does. A failure before the command begins leaves `main` as an
/// exception.
fn report(error: &anyhow::Error, output: OutputOption) -> ExitCode {
    if let Some(Thrown(failure)) = error.downcast_ref() {
        return arguments::thrown(failure.class(), failure);
    }
    let failure = error.downcast_ref::<Failure>();
    let class = failure.map_or("java.lang.RuntimeException", Failure::class);
    if let Some(Failure::NoClient(reason)) = failure {
        let code = arguments::thrown(class, "Failed to create new KafkaAdminClient");
        eprintln!("Caused by: org.apache.kafka.common.config.ConfigException: {reason}");
        return code;
    }
    output.note(format_args!("Error while executing topic command : {error}"));
    log::error!(target: TARGET, "{class}: {error}\n");
    ExitCode::FAILURE
}

/// Warns that a topic's name may collide with another one's in the names of metrics.
fn warn_of_collisions(topic: &str) {
    if crate::admin::names::may_collide(topic) {
        println!(
            "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is best to use either, but not both."
        );
    }
}

/// `--config`, its keys and values checked.
fn configs_to_add(options: &TopicsOptions) -> anyhow::Result<BTreeMap<String, String>> {
    let config = options.configs()?;
    crate::config::TopicConfig::default().with_overrides(&config).map_err(refused)?;
    if let Some(version) = config.get("message.format.version") {
        println!(
            "WARNING: The configuration message.format.version={version} is specified. This configuration will be ignored if the version is newer than the inter.broker.protocol.version specified in the broker."
        );
    }
    Ok(config)
}

/// `--delete-config`, its keys checked.
fn configs_to_delete(options: &TopicsOptions) -> anyhow::Result<Vec<String>> {
    let keys: Vec<_> = options.delete_config.iter().map(|key| key.trim().to_owned()).collect();
    crate::config::TopicConfig::check_names(keys.iter().map(String::as_str)).map_err(refused)?;
    Ok(keys)
}

fn refused(error: crate::config::ConfigError) -> Failure {
    Failure::exception(error.class(), error.to_string())
}

/// The topics of `all` that `--topic` and `--exclude-internal` leave, in order.
fn chosen(mut all: Vec<String>, options: &TopicsOptions) -> anyhow::Result<Vec<String>> {
    all.sort();
    if let Some(pattern) = &options.topic {
        let filter = topic_filter(pattern)?;
        all.retain(|topic| filter.is_match(topic));
    }
    all.retain(|topic| !(options.exclude_internal && crate::admin::names::is_internal(topic)));
    Ok(all)
}

/// The pattern of `--topic` as Kafka reads it: a list separated by commas means any of them, quotes around it are
/// dropped (`TopicFilter`).
fn topic_filter(pattern: &str) -> anyhow::Result<regex::Regex> {
    let joined = pattern.trim().replace(',', "|").replace(' ', "");
    let bare = joined.trim_start_matches(['"', '\'']).trim_end_matches(['"', '\'']);
    regex::Regex::new(&format!("^(?:{bare})$")).map_err(|_| {
        Failure::Exception {
            class: "java.lang.RuntimeException".to_owned(),
            message: format!("{bare} is an invalid regex."),
        }
        .into()
    })
}

/// Fails where `--topic` named a topic that must exist and none was found.
fn ensure_found(topics: &[String], options: &TopicsOptions) -> anyhow::Result<()> {
    match &options.topic {
        Some(topic) if topics.is_empty() && !options.if_exists => {
            Err(Failure::illegal_argument(format!("Topic '{topic}' does not exist as expected")).into())
        }
        _ => Ok(()),
    }
}

/// Prints the topics that `--delete` would delete.
fn print_deletable(topics: &[String]) {
    topics.iter().for_each(|topic| println!("Topic {topic} would be deleted, if --dry-run were not given."));
}
