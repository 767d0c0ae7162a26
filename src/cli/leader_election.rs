//! `kafka-leader-election.sh`: has the controller elect leaders, preferred replicas or unclean ones (Kafka's
//! `LeaderElectionCommand`).

mod partitions_file;
mod results;

use std::process::ExitCode;

use clap::Parser;
use log::LevelFilter;

use super::arguments::{self, EarlyExit};
use super::java::JavaClient;
use super::output_format::OutputOption;
use super::throwable::JavaThrowable;
use super::{block_on, json_file, logging};
use crate::base::TopicPartition;
use crate::client::ClientError;
use crate::client::admin::{Admin, ElectionType};
use crate::client::cluster::ClusterOptions;
use crate::client::settings::read_admin;
use crate::config::Properties;
use crate::wire::error_code::ErrorCode;
pub(super) use partitions_file::{ElectionFileWords, parse_partitions};
pub(super) use results::{ElectionResults, ElectionWords};

/// How long the whole call may take, in milliseconds; one request has half of it.
const TIMEOUT_MS: u64 = 30_000;

/// The options.
#[derive(Debug, Parser)]
pub(crate) struct LeaderElectionOptions {
    /// A properties file for the connection to the brokers.
    #[arg(long = "admin.config", value_name = "file")]
    admin_config: Option<String>,
    /// Elect leaders of all partitions that need it.
    #[arg(long)]
    all_topic_partitions: bool,
    /// The brokers to talk to, as host:port[,host:port...].
    #[arg(long, value_name = "servers")]
    bootstrap_server: Option<String>,
    /// preferred elects the first replica of the assignment, where another one leads; unclean elects a replica that is
    /// not in sync, where no other is left: records may be lost.
    #[arg(long, value_name = "type")]
    election_type: Option<String>,
    #[command(flatten)]
    output: OutputOption,
    /// The partition of --topic.
    #[arg(long, value_name = "id", allow_hyphen_values = true)]
    partition: Option<String>,
    /// A file that names the partitions: {"partitions":[{"topic":"foo","partition":1},{"topic":"bar","partition":2}]}.
    #[arg(long, value_name = "file")]
    path_to_json_file: Option<String>,
    /// The topic of --partition.
    #[arg(long, value_name = "topic")]
    topic: Option<String>,
}

/// Runs the tool; exit code 1 where a leader could not be elected.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let about = "This tool attempts to elect a new leader for a set of topic partitions. The type of elections supported \
                 are preferred replicas and unclean replicas.";
    if arguments.is_empty() {
        return EarlyExit::Usage(about.to_owned()).print::<LeaderElectionOptions>();
    }
    let options = match arguments::parse::<LeaderElectionOptions>(about, &arguments) {
        Ok(options) => options,
        Err(refusal) => return refusal.print::<LeaderElectionOptions>(),
    };
    match options.elect() {
        Ok(()) => ExitCode::SUCCESS,
        Err(thrown) => thrown.leave_main(),
    }
}

impl LeaderElectionOptions {
    fn elect(&self) -> Result<(), JavaThrowable> {
        self.check()?;
        let election_type = self.election_type()?;
        let partitions = self.partitions()?;
        let settings = arguments::settings(self.admin_config.as_deref(), &[]);
        let mut settings = settings.map_err(JavaThrowable::of_early_exit)?;
        settings.set("default.api.timeout.ms", TIMEOUT_MS.to_string());
        settings.set("request.timeout.ms", (TIMEOUT_MS / 2).to_string());
        let words = ElectionWords {
            election: match election_type {
                ElectionType::Preferred => "leader election (PREFERRED)",
                ElectionType::Unclean => "leader election (UNCLEAN)",
            },
            elected: "Valid replica",
            replicas: "replica(s)",
        };
        let election =
            ElectionByBroker { servers: self.servers(), settings, election_type, words, output: self.output };
        election.hold(partitions)
    }

    fn servers(&self) -> &str {
        self.bootstrap_server.as_deref().unwrap_or_default()
    }

    /// Checks which options go together, in Kafka's order (`LeaderElectionCommand.validate`).
    fn check(&self) -> Result<(), JavaThrowable> {
        let mut missing = Vec::new();
        if self.election_type.is_none() {
            missing.push("election-type");
        }
        if self.bootstrap_server.is_none() {
            missing.push("bootstrap-server");
        }
        let given = [self.topic.is_some(), self.all_topic_partitions, self.path_to_json_file.is_some()];
        let message = if !missing.is_empty() {
            format!("Missing required option(s): {}", missing.join(", "))
        } else if given.iter().filter(|given| **given).count() != 1 {
            "One and only one of the following options is required: topic, all-topic-partitions, path-to-json-file"
                .to_owned()
        } else {
            match (&self.topic, &self.partition) {
                (Some(_), None) => "Missing required option(s): partition".to_owned(),
                (None, Some(_)) => "Option partition is only allowed if topic is used".to_owned(),
                _ => return Ok(()),
            }
        };
        Err(JavaThrowable::command_failed(message))
    }

    fn election_type(&self) -> Result<ElectionType, JavaThrowable> {
        let text = self.election_type.as_deref().unwrap_or_default();
        match text.to_ascii_uppercase().as_str() {
            "PREFERRED" => Ok(ElectionType::Preferred),
            "UNCLEAN" => Ok(ElectionType::Unclean),
            _ => {
                let message = format!("Cannot parse argument '{text}' of option election-type");
                let thrown = JavaThrowable::new("joptsimple.OptionArgumentConversionException", message);
                Err(thrown.caused_by(JavaThrowable::new(
                    "joptsimple.ValueConversionException",
                    format!("Value [{text}] is not one of [[PREFERRED,UNCLEAN]]"),
                )))
            }
        }
    }

    /// The partitions that were named; None for all.
    fn partitions(&self) -> Result<Option<Vec<TopicPartition>>, JavaThrowable> {
        const WORDS: ElectionFileWords = ElectionFileWords {
            data: "Replica election data",
            without_partitions: "missing \"partitions\" field",
        };
        if let Some(path) = &self.path_to_json_file {
            return parse_partitions(&json_file::read(path)?, WORDS).map(Some);
        }
        let (Some(topic), Some(partition)) = (&self.topic, &self.partition) else { return Ok(None) };
        let number = partition.parse().map_err(|_| JavaThrowable::not_a_number("partition", partition))?;
        Ok(Some(vec![TopicPartition::new(topic.as_str(), number)]))
    }
}

/// An election through a broker, and how its tool speaks of it.
pub(super) struct ElectionByBroker<'a> {
    pub servers: &'a str,
    pub settings: Properties,
    pub election_type: ElectionType,
    pub words: ElectionWords,
    pub output: OutputOption,
}

impl ElectionByBroker<'_> {
    /// Holds the election of these partitions, of all for None, and prints its results.
    pub fn hold(&self, partitions: Option<Vec<TopicPartition>>) -> Result<(), JavaThrowable> {
        let called = block_on(async { Ok(self.call(partitions).await) });
        let called =
            called.map_err(|error| JavaThrowable::new("java.lang.RuntimeException", error.to_string()))?;
        let results = called.map_err(|error| self.call_failed(&error))?;
        for line in results.lines(self.words) {
            self.output.note(format_args!("{line}"));
        }
        let printed = self.output.print(&results.report(), |_| {});
        printed.map_err(|error| JavaThrowable::new("java.io.IOException", error.to_string()))?;
        results.failure(self.words).map_or(Ok(()), Err)
    }

    async fn call(&self, partitions: Option<Vec<TopicPartition>>) -> Result<ElectionResults, ClientError> {
        let settings = read_admin(&self.settings, self.servers, "adminclient-1")?;
        JavaClient::Admin.log_ignored(&settings.ignored);
        let events = JavaClient::Admin.log_events(&settings.cluster.client_id);
        let admin = Admin::new(ClusterOptions { events, ..settings.cluster }).await?;
        match partitions {
            Some(partitions) => {
                ElectionResults::of(admin.elect_leaders(self.election_type, partitions).await)
            }
            None => ElectionResults::of(admin.elect_all_leaders(self.election_type).await?),
        }
    }

    /// The exception of a call that has failed as a whole.
    fn call_failed(&self, error: &ClientError) -> JavaThrowable {
        let message = match error {
            ClientError::CallTimedOut { .. } => "Timeout waiting for election results",
            ClientError::Refused { error: ErrorCode::ClusterAuthorizationFailed, .. } => {
                "Not authorized to perform leader election"
            }
            ClientError::BadAddress(_) | ClientError::BadSetting { .. } | ClientError::NoneResolvable => {
                return error.into();
            }
            other => return JavaThrowable::of_future(other),
        };
        self.output.note(format_args!("{message}"));
        JavaThrowable::command_failed(message).caused_by(error.clone())
    }
}
