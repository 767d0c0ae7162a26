//! The options of `kafka-topics.sh`, and which of them go together.
//!
//! Pure.

use std::collections::BTreeMap;

use clap::Parser;

use super::Failure;
use crate::base::BrokerId;
use crate::cli::arguments::{self, EarlyExit, forbid, require};
use crate::cli::output_format::OutputOption;
use crate::config::Properties;

/// The options.
#[derive(Debug, Default, Parser)]
pub(crate) struct TopicsOptions {
    /// Change partitions, replica assignment or, through ZooKeeper, configs of the topics.
    #[arg(long)]
    pub alter: bool,
    /// Describe only partitions whose ISR has exactly min.insync.replicas members (not with --zookeeper).
    #[arg(long)]
    pub at_min_isr_partitions: bool,
    /// The brokers to talk to, as host:port[,host:port...]; ZooKeeper is then not needed.
    #[arg(long, value_name = "servers")]
    pub bootstrap_server: Option<String>,
    /// A properties file for the connection to the brokers.
    #[arg(long, value_name = "file")]
    pub command_config: Option<String>,
    /// A topic config to set, as name=value (retention.ms=3600000); may be given several times. With
    /// --bootstrap-server only at --create (kafka-configs.sh changes configs of topics that exist).
    #[arg(long, value_name = "name=value")]
    pub config: Vec<String>,
    /// Create a topic.
    #[arg(long)]
    pub create: bool,
    /// Delete the topics.
    #[arg(long)]
    pub delete: bool,
    /// A topic config to take back to its default; may be given several times (only with --zookeeper). Kafka 0.8.1's
    /// --deleteConfig is the same.
    #[arg(long, alias = "deleteConfig", value_name = "name")]
    pub delete_config: Vec<String>,
    /// Describe the topics and their partitions.
    #[arg(long)]
    pub describe: bool,
    /// Assign replicas without regard to racks.
    #[arg(long)]
    pub disable_rack_aware: bool,
    /// With --delete: print which topics would be deleted, and delete none.
    #[arg(long)]
    pub dry_run: bool,
    /// Leave out internal topics.
    #[arg(long)]
    pub exclude_internal: bool,
    /// Accepted for old scripts; it changes nothing.
    #[arg(long)]
    pub force: bool,
    /// No error where the topic to alter, delete or describe does not exist.
    #[arg(long)]
    pub if_exists: bool,
    /// No error where the topic to create exists.
    #[arg(long)]
    pub if_not_exists: bool,
    /// List the topics.
    #[arg(long)]
    pub list: bool,
    #[command(flatten)]
    pub output: OutputOption,
    /// How many partitions the topic is to have. Records with keys go elsewhere once this has grown.
    #[arg(long, value_name = "count", allow_hyphen_values = true)]
    pub partitions: Option<i32>,
    /// The brokers of every partition: replicas parted by ':', partitions by ','.
    #[arg(long, value_name = "1:2,2:3,...")]
    pub replica_assignment: Option<String>,
    /// How many replicas each partition is to have.
    #[arg(long, value_name = "count", allow_hyphen_values = true)]
    pub replication_factor: Option<i32>,
    /// The topic's name, or (except for --create) a regular expression of names.
    #[arg(long, value_name = "topic")]
    pub topic: Option<String>,
    /// Describe only topics that have configs of their own.
    #[arg(long)]
    pub topics_with_overrides: bool,
    /// Describe only partitions without a live leader.
    #[arg(long)]
    pub unavailable_partitions: bool,
    /// Describe only partitions whose ISR has fewer than min.insync.replicas members (not with --zookeeper).
    #[arg(long)]
    pub under_min_isr_partitions: bool,
    /// Describe only partitions with replicas that are not in sync.
    #[arg(long)]
    pub under_replicated_partitions: bool,
    /// The ensemble to talk to, as host:port,host:port/chroot.
    #[arg(long, value_name = "hosts")]
    pub zookeeper: Option<String>,
}

/// The command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    List,
    Describe,
    Alter,
    Delete,
}

/// Options that were found to go together.
#[derive(Debug)]
pub(crate) struct TopicsCommand {
    pub action: Action,
    pub options: TopicsOptions,
    /// The properties of `--command-config`.
    pub settings: Properties,
}

impl TopicsCommand {
    /// Checks which options go together, in Kafka's order (`TopicCommandOptions.checkArgs`).
    pub fn check(options: TopicsOptions) -> Result<Self, EarlyExit> {
        let actions = [
            ("create", options.create, Action::Create),
            ("list", options.list, Action::List),
            ("alter", options.alter, Action::Alter),
            ("describe", options.describe, Action::Describe),
            ("delete", options.delete, Action::Delete),
        ];
        let mut wanted = actions.iter().filter(|(_, given, _)| *given);
        let (Some(&(_, _, action)), None) = (wanted.next(), wanted.next()) else {
            let sentence =
                "Command must include exactly one action: --list, --describe, --create, --alter or --delete";
            return Err(EarlyExit::Usage(sentence.to_owned()));
        };
        if options.bootstrap_server.is_some() == options.zookeeper.is_some() {
            let sentence = "Only one of --bootstrap-server or --zookeeper must be specified";
            return Err(EarlyExit::Thrown("java.lang.IllegalArgumentException", sentence.to_owned()));
        }
        check_required(action, &options)?;
        check_forbidden(&actions.map(|(name, given, _)| (name, given)), &options)?;
        let settings = arguments::settings(options.command_config.as_deref(), &[])?;
        Ok(Self { action, options, settings })
    }
}

fn check_required(action: Action, options: &TopicsOptions) -> Result<(), EarlyExit> {
    let by_broker = options.bootstrap_server.is_some();
    if action != Action::List && (action != Action::Describe || options.if_exists) {
        require(options.topic.is_some(), "topic")?;
    }
    if action == Action::Create && options.replica_assignment.is_none() && !by_broker {
        require(options.partitions.is_some(), "partitions")?;
        require(options.replication_factor.is_some(), "replication-factor")?;
    }
    if action == Action::Alter && by_broker {
        if !options.config.is_empty() {
            return Err(EarlyExit::Usage(
                "Option combination \"[bootstrap-server],[config]\" can't be used with option \"[alter]\" \
                 (the kafka-configs CLI supports altering topic configs with a --bootstrap-server option)"
                    .to_owned(),
            ));
        }
        require(options.partitions.is_some(), "partitions")?;
    }
    Ok(())
}

fn check_forbidden(actions: &[(&'static str, bool)], options: &TopicsOptions) -> Result<(), EarlyExit> {
    let except = |allowed: &[&str]| -> Vec<(&'static str, bool)> {
        actions.iter().filter(|(name, _)| !allowed.contains(name)).copied().collect()
    };
    let by_broker = ("bootstrap-server", options.bootstrap_server.is_some());
    let by_znode = ("zookeeper", options.zookeeper.is_some());
    let with = |mut others: Vec<(&'static str, bool)>, more: &[(&'static str, bool)]| {
        others.extend_from_slice(more);
        others
    };
    let partitions = ("partitions", options.partitions.is_some());
    let replication_factor = ("replication-factor", options.replication_factor.is_some());
    let assignment = ("replica-assignment", options.replica_assignment.is_some());
    let reports = [
        ("under-replicated-partitions", options.under_replicated_partitions),
        ("under-min-isr-partitions", options.under_min_isr_partitions),
        ("at-min-isr-partitions", options.at_min_isr_partitions),
        ("unavailable-partitions", options.unavailable_partitions),
    ];
    let overrides = ("topics-with-overrides", options.topics_with_overrides);

    forbid(("config", !options.config.is_empty()), &except(&["alter", "create"]))?;
    forbid(("delete-config", !options.delete_config.is_empty()), &with(except(&["alter"]), &[by_broker]))?;
    forbid(partitions, &except(&["alter", "create"]))?;
    forbid(replication_factor, &except(&["create"]))?;
    forbid(assignment, &except(&["create", "alter"]))?;
    if options.create {
        forbid(assignment, &[partitions, replication_factor])?;
    }
    for (at, report) in reports.iter().enumerate() {
        let mut others = except(&["describe"]);
        others.extend(reports.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| *other));
        others.push(overrides);
        if report.0.contains("min-isr") {
            others.push(by_znode);
        }
        forbid(*report, &others)?;
    }
    forbid(overrides, &with(except(&["describe"]), &reports))?;
    forbid(("if-exists", options.if_exists), &except(&["alter", "delete", "describe"]))?;
    forbid(("if-not-exists", options.if_not_exists), &except(&["create"]))?;
    forbid(("exclude-internal", options.exclude_internal), &except(&["list", "describe"]))?;
    forbid(("dry-run", options.dry_run), &except(&["delete"]))?;
    forbid(("output", options.output.is_json()), &except(&["list", "describe"]))
}

impl TopicsOptions {
    /// `--config` as pairs. Keys and values are checked where they are used.
    pub fn configs(&self) -> Result<BTreeMap<String, String>, Failure> {
        self.config
            .iter()
            .map(|config| match config.split('=').collect::<Vec<_>>()[..] {
                [key, value] if !value.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
                _ => Err(Failure::illegal_argument(
                    "requirement failed: Invalid topic config: all configs to be added must be in the format \"key=val\".",
                )),
            })
            .collect()
    }

    /// `--replica-assignment` as partition → replicas; None where it was not given.
    pub fn assignment(&self) -> Result<Option<BTreeMap<i32, Vec<BrokerId>>>, Failure> {
        let Some(text) = self.replica_assignment.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let mut assignment = BTreeMap::<i32, Vec<BrokerId>>::new();
        for (partition, list) in (0..).zip(text.split(',')) {
            let replicas = list
                .split(':')
                .map(|id| id.trim().parse().map_err(|_| number_format(id.trim())))
                .collect::<Result<Vec<BrokerId>, Failure>>()?;
            check_replicas(partition, &replicas, assignment.get(&0))?;
            assignment.insert(partition, replicas);
        }
        Ok(Some(assignment))
    }
}

fn check_replicas(
    partition: i32,
    replicas: &[BrokerId],
    first: Option<&Vec<BrokerId>>,
) -> Result<(), Failure> {
    let twice: Vec<_> = (0..replicas.len())
        .filter(|&at| replicas[..at].contains(&replicas[at]))
        .map(|at| replicas[at].to_string())
        .collect();
    if !twice.is_empty() {
        return Err(Failure::Exception {
            class: "kafka.common.AdminCommandFailedException".to_owned(),
            message: format!(
                "Partition replica lists may not contain duplicate entries: {}",
                twice.join(",")
            ),
        });
    }
    if first.is_some_and(|first| first.len() != replicas.len()) {
        return Err(Failure::Exception {
            class: "kafka.admin.AdminOperationException".to_owned(),
            message: format!("Partition {partition} has different replication factor: {replicas:?}"),
        });
    }
    Ok(())
}

fn number_format(text: &str) -> Failure {
    Failure::Exception {
        class: "java.lang.NumberFormatException".to_owned(),
        message: format!("For input string: \"{text}\""),
    }
}
