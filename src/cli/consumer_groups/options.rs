//! The options of `kafka-consumer-groups.sh`, and which of them go together.
//!
//! Kafka: `ConsumerGroupCommand.ConsumerGroupCommandOptions`.

use std::time::Duration;

use clap::Parser;

use super::GroupFailure;
use crate::cli::arguments::{EarlyExit, forbid, require};
use crate::cli::output_format::OutputOption;
use crate::cli::throwable::JavaThrowable;
use crate::client::admin::ConsumerGroupState;

/// The options.
#[derive(Debug, Default, Parser)]
pub(crate) struct ConsumerGroupsOptions {
    /// Act on all groups.
    #[arg(long)]
    pub all_groups: bool,
    /// Reset offsets of all topics of which the group has committed offsets.
    #[arg(long)]
    pub all_topics: bool,
    /// The brokers to talk to, as host:port[,host:port...]. Required, unless --zookeeper is given.
    #[arg(long, value_name = "servers")]
    pub bootstrap_server: Option<String>,
    /// Reset to the first records of the last so long a time, as PnDTnHnMnS: PT1H30M.
    #[arg(long, value_name = "duration", allow_hyphen_values = true)]
    pub by_duration: Option<String>,
    /// A properties file for the connection to the brokers.
    #[arg(long, value_name = "file")]
    pub command_config: Option<String>,
    /// Delete groups without members, with their offsets. With --zookeeper: of a --topic alone, where one is given; of
    /// all groups, where only a --topic is.
    #[arg(long)]
    pub delete: bool,
    /// Delete a group's offsets of topics that none of its members reads.
    #[arg(long)]
    pub delete_offsets: bool,
    /// Describe groups: their offsets, or what --members or --state asks for.
    #[arg(long)]
    pub describe: bool,
    /// Show the offsets of a reset without setting them, which is the default; with --delete show what would become of
    /// the groups.
    #[arg(long)]
    pub dry_run: bool,
    /// Set the offsets of a reset.
    #[arg(long)]
    pub execute: bool,
    /// Print the offsets of a reset as CSV, for --from-file.
    #[arg(long)]
    pub export: bool,
    /// Reset to the offsets of a CSV file: topic,partition,offset for one group, group,topic,partition,offset for
    /// several.
    #[arg(long, value_name = "file")]
    pub from_file: Option<String>,
    /// The group; may be given several times.
    #[arg(long, value_name = "group")]
    pub group: Vec<String>,
    /// List groups.
    #[arg(long)]
    pub list: bool,
    /// Describe the members.
    #[arg(long)]
    pub members: bool,
    /// Accepted as the handbooks of 0.9 to 1.1 write it: with --bootstrap-server no other groups are meant.
    #[arg(long)]
    pub new_consumer: bool,
    /// Describe the offsets and the lag of each partition; the default.
    #[arg(long)]
    pub offsets: bool,
    #[command(flatten)]
    pub output: OutputOption,
    /// Set the offsets of groups without members: of --topic or --all-topics, by one of --to-earliest, --to-latest,
    /// --to-current, --to-offset, --shift-by, --to-datetime, --by-duration and --from-file.
    #[arg(long)]
    pub reset_offsets: bool,
    /// Reset by so many offsets, forward or (negative) back.
    #[arg(long, value_name = "offsets", allow_hyphen_values = true)]
    pub shift_by: Option<String>,
    /// Describe the state; with --list show it, or list only groups in these states: Stable,Empty.
    #[arg(long, value_name = "states", num_args = 0..=1, default_missing_value = "")]
    pub state: Option<String>,
    /// How long a call to the brokers may take, in milliseconds (5000).
    #[arg(long, value_name = "ms", allow_hyphen_values = true)]
    pub timeout: Option<String>,
    /// Reset to where the group is.
    #[arg(long)]
    pub to_current: bool,
    /// Reset to the first records of this time or later, as YYYY-MM-DDTHH:mm:SS.sss, in UTC unless a zone follows.
    #[arg(long, value_name = "datetime")]
    pub to_datetime: Option<String>,
    /// Reset to the first records.
    #[arg(long)]
    pub to_earliest: bool,
    /// Reset to behind the last records.
    #[arg(long)]
    pub to_latest: bool,
    /// Reset to this offset.
    #[arg(long, value_name = "offset", allow_hyphen_values = true)]
    pub to_offset: Option<String>,
    /// The topic whose offsets are reset or deleted, or some of its partitions: topic:0,1. May be given several times.
    #[arg(long, value_name = "topic")]
    pub topic: Vec<String>,
    /// Describe the partitions of each member, too.
    #[arg(long)]
    pub verbose: bool,
    /// List, describe or delete groups of consumers that keep them in ZooKeeper, as up to Kafka 1.1: the ensemble, as
    /// host:port,host:port,... with an optional /chroot. In place of --bootstrap-server.
    #[arg(long, value_name = "urls")]
    pub zookeeper: Option<String>,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupsAction {
    List,
    Describe(DescribedPart),
    Delete,
    ResetOffsets,
    DeleteOffsets,
}

/// What is described of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DescribedPart {
    Offsets,
    Members,
    State,
}

/// What stands above the outcome of a deletion that is only shown.
pub(super) const NOT_EXECUTED: &str = "Nothing is deleted because of --dry-run. Without it:";

const WARNING: &str = "WARN: No action will be performed as the --execute option is missing.In a future major release, the \
    default behavior of this command will be to prompt the user before executing the reset rather than doing a dry run. \
    You should add the --dry-run option explicitly if you are scripting this command and want to keep the current \
    default behavior without prompting.";

/// The scenarios of a reset, in the order in which Kafka's tool prints them.
const SCENARIOS: &str = "HashSet([by-duration], [to-offset], [from-file], [to-datetime], [to-earliest], [to-current], \
    [shift-by], [to-latest])";

/// A sentence above the usage.
///
/// # Errors
/// That, always.
pub(super) fn refused<T>(sentence: impl Into<String>) -> Result<T, EarlyExit> {
    Err(EarlyExit::Usage(sentence.into()))
}

impl ConsumerGroupsOptions {
    /// Refuses what Kafka's parser of options refuses: parts of a description without one, or of one through ZooKeeper.
    ///
    /// # Errors
    /// That refusal.
    pub(super) fn check_available(&self) -> Result<(), EarlyExit> {
        let is_described = self.describe && self.zookeeper.is_none();
        let may_have_state = is_described || self.list && self.zookeeper.is_none();
        let parts = [
            ("members", self.members && !is_described),
            ("offsets", self.offsets && !is_described),
            ("state", self.state.is_some() && !may_have_state),
            ("verbose", self.verbose && !is_described),
        ];
        let unavailable: Vec<_> = parts.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
        if unavailable.is_empty() {
            return Ok(());
        }
        let unavailable = unavailable.join(", ");
        Err(EarlyExit::Thrown(
            "joptsimple.UnavailableOptionException",
            format!("Option(s) [{unavailable}] are unavailable given other options on the command line"),
        ))
    }

    /// Checks which options go together, in Kafka's order; warns of a reset that is not executed.
    ///
    /// # Errors
    /// The refusal, in Kafka's words.
    pub(super) fn check(&self) -> Result<(), EarlyExit> {
        require(self.bootstrap_server.is_some(), "bootstrap-server")?;
        if self.new_consumer {
            // The lines of Kafka 1.1, whose first sentence has no blank after it.
            eprintln!(
                "The [new-consumer] option is deprecated and will be removed in a future major release.The new consumer \
                 is used by default if the [bootstrap-server] option is provided."
            );
        }
        let has_groups = !self.group.is_empty() || self.all_groups;
        if self.describe {
            self.check_describe(has_groups)?;
        }
        if self.delete && !has_groups {
            return refused("Option [delete] takes one of these options: [group], [all-groups]");
        }
        if self.delete && !self.topic.is_empty() {
            return refused(
                "The consumer does not support topic-specific offset deletion from a consumer group.",
            );
        }
        if self.delete_offsets && (self.group.is_empty() || self.topic.is_empty()) {
            return refused("Option [delete-offsets] takes the following options: [group], [topic]");
        }
        if self.reset_offsets {
            self.check_reset(has_groups)?;
        }
        let (group, topic) = (("group", !self.group.is_empty()), ("topic", !self.topic.is_empty()));
        let (list, describe) = (("list", self.list), ("describe", self.describe));
        forbid(group, &[("all-groups", self.all_groups)])?;
        forbid(group, &[list])?;
        forbid(topic, &[list, describe])
    }

    fn check_describe(&self, has_groups: bool) -> Result<(), EarlyExit> {
        if !has_groups {
            return refused("Option [describe] takes one of these options: [group], [all-groups]");
        }
        let parts = [self.members, self.offsets, self.state.is_some()];
        if parts.iter().filter(|given| **given).count() > 1 {
            return refused(
                "Option [describe] takes at most one of these options: [members], [offsets], [state]",
            );
        }
        if self.state.as_deref().is_some_and(|states| !states.is_empty()) {
            return refused("Option [describe] does not take a value for [state]");
        }
        Ok(())
    }

    fn check_reset(&self, has_groups: bool) -> Result<(), EarlyExit> {
        if self.dry_run && self.execute {
            return refused("Option [reset-offsets] only accepts one of [execute] and [dry-run]");
        }
        if !self.dry_run && !self.execute {
            eprintln!("{WARNING}");
        }
        if !has_groups {
            return refused("Option [reset-offsets] takes one of these options: [group], [all-groups]");
        }
        let scenarios = self.scenarios();
        for scenario in
            ["to-offset", "to-datetime", "by-duration", "to-earliest", "to-latest", "to-current", "shift-by"]
        {
            let others: Vec<_> = scenarios.iter().filter(|(name, _)| *name != scenario).copied().collect();
            let given = scenarios.iter().any(|(name, given)| *name == scenario && *given);
            forbid((scenario, given), &others)?;
        }
        Ok(())
    }

    fn scenarios(&self) -> [(&'static str, bool); 8] {
        [
            ("by-duration", self.by_duration.is_some()),
            ("to-offset", self.to_offset.is_some()),
            ("from-file", self.from_file.is_some()),
            ("to-datetime", self.to_datetime.is_some()),
            ("to-earliest", self.to_earliest),
            ("to-current", self.to_current),
            ("shift-by", self.shift_by.is_some()),
            ("to-latest", self.to_latest),
        ]
    }

    /// The one action.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub(super) fn action(&self) -> Result<GroupsAction, EarlyExit> {
        let part = match (self.members, self.state.is_some()) {
            (true, _) => DescribedPart::Members,
            (_, true) => DescribedPart::State,
            _ => DescribedPart::Offsets,
        };
        let actions = [
            (self.list, GroupsAction::List),
            (self.describe, GroupsAction::Describe(part)),
            (self.delete, GroupsAction::Delete),
            (self.reset_offsets, GroupsAction::ResetOffsets),
            (self.delete_offsets, GroupsAction::DeleteOffsets),
        ];
        let mut wanted = actions.iter().filter(|(given, _)| *given);
        match (wanted.next(), wanted.next()) {
            (Some((_, action)), None) => Ok(*action),
            _ => refused(
                "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, \
                 --delete-offsets",
            ),
        }
    }

    /// The refusal of a reset without a scenario.
    pub(super) fn no_scenario() -> String {
        format!("Option '[reset-offsets]' requires one of the following scenarios: {SCENARIOS}")
    }

    /// The most a call may take.
    ///
    /// # Errors
    /// It is no number; Kafka's words.
    pub(super) fn timeout(&self) -> Result<Duration, JavaThrowable> {
        let millis = self.timeout.as_deref().map_or(Ok(5000), |text| number("timeout", text))?;
        Ok(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
    }

    /// The states that `--list` asks for; None where it does not ask for states.
    ///
    /// # Errors
    /// There is no such state; Kafka's words.
    pub(super) fn states(&self) -> Result<Option<Vec<ConsumerGroupState>>, GroupFailure> {
        let Some(text) = self.state.as_deref() else { return Ok(None) };
        let names = text.split(',').map(str::trim).filter(|_| !text.is_empty());
        let states: Option<Vec<_>> = names.map(ConsumerGroupState::parse).collect();
        states.map(Some).ok_or_else(|| {
            GroupFailure::Usage(format!(
                "Invalid state list '{text}'. Valid states are: PreparingRebalance, CompletingRebalance, Stable, Dead, \
                 Empty"
            ))
        })
    }
}

/// The number that an option's argument is. Kafka's tool reads these arguments where it uses them.
///
/// # Errors
/// It is none.
pub(super) fn number(option: &str, text: &str) -> Result<i64, JavaThrowable> {
    text.parse().map_err(|_| JavaThrowable::not_a_number(option, text))
}

/// The one value of an option that may be given several times, where the action takes one.
///
/// # Errors
/// There are more; the exception of Kafka's parser.
pub(super) fn only<'a>(option: &str, values: &'a [String]) -> Result<&'a str, JavaThrowable> {
    match values {
        [value] => Ok(value),
        _ => Err(JavaThrowable::new(
            "joptsimple.MultipleArgumentsForOptionException",
            format!("Found multiple arguments for option {option}, but you asked for only one"),
        )),
    }
}
