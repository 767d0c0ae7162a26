//! The options of `kafka-reassign-partitions.sh`, and which of them go together.
//!
//! Pure. Kafka: `ReassignPartitionsCommandOptions`, `validateAndParseArgs`.

use clap::Parser;

use crate::cli::arguments::{EarlyExit, require};
use crate::cli::output_format::OutputOption;
use crate::cli::throwable::JavaThrowable;

/// The options.
#[derive(Debug, Default, Parser)]
pub(crate) struct ReassignPartitionsOptions {
    /// Execute although other reassignments are in progress; also to change the throttle of one that is. Only with
    /// --bootstrap-server.
    #[arg(long)]
    pub additional: bool,
    /// The brokers to talk to, as host:port[,host:port...]. Replicas can be moved between directories only with it.
    #[arg(long, value_name = "servers")]
    pub bootstrap_server: Option<String>,
    /// The brokers that --generate spreads the partitions over, as 0,1,2.
    #[arg(long, value_name = "ids")]
    pub broker_list: Option<String>,
    /// Cancel the reassignments of the partitions in the file, and the moves between directories.
    #[arg(long)]
    pub cancel: bool,
    /// A properties file for the connection to the brokers.
    #[arg(long, value_name = "file")]
    pub command_config: Option<String>,
    /// With --generate: assign replicas without regard to racks.
    #[arg(long)]
    pub disable_rack_aware: bool,
    /// With --execute: print what would be changed, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Begin the reassignment that the file describes.
    #[arg(long)]
    pub execute: bool,
    /// Propose an assignment of the topics' partitions to the brokers of --broker-list; nothing is changed.
    #[arg(long)]
    pub generate: bool,
    /// List the reassignments in progress.
    #[arg(long)]
    pub list: bool,
    #[command(flatten)]
    pub output: OutputOption,
    /// Leave the throttles of brokers and topics as they are.
    #[arg(long)]
    pub preserve_throttles: bool,
    /// The file with the reassignment:
    /// `{"version":1,"partitions":[{"topic":"foo","partition":1,"replicas":[1,2],"log_dirs":["any","/data/2"]}]}`. A
    /// directory is an absolute path on that broker, or any; log_dirs may be left out.
    #[arg(long, value_name = "file")]
    pub reassignment_json_file: Option<String>,
    /// The most bytes a second by which replicas move between directories of a broker, at least 1 KB; no limit where it
    /// is left out.
    #[arg(long, value_name = "bytes", allow_hyphen_values = true)]
    pub replica_alter_log_dirs_throttle: Option<String>,
    /// The most bytes a second by which replicas move between brokers, at least 1 KB; no limit where it is left out.
    #[arg(long, value_name = "bytes", allow_hyphen_values = true)]
    pub throttle: Option<String>,
    /// How many milliseconds a move between directories may take to begin; 10000 where it is left out.
    #[arg(long, value_name = "ms", allow_hyphen_values = true)]
    pub timeout: Option<String>,
    /// The file with the topics for --generate: {"version":1,"topics":[{"topic":"foo"},{"topic":"foo1"}]}.
    #[arg(long, value_name = "file")]
    pub topics_to_move_json_file: Option<String>,
    /// Show how far the reassignment in the file is. Once nothing is in progress, its throttles are removed.
    #[arg(long)]
    pub verify: bool,
    /// The ensemble to talk to, as host:port,host:port/chroot (deprecated: --bootstrap-server knows more).
    #[arg(long, value_name = "hosts")]
    pub zookeeper: Option<String>,
}

/// The command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReassignAction {
    Generate,
    Execute,
    Verify,
    Cancel,
    List,
}

/// The options that a command cannot do without.
fn required(action: ReassignAction) -> &'static [&'static str] {
    match action {
        ReassignAction::Generate => &["topics-to-move-json-file", "broker-list"],
        ReassignAction::Execute | ReassignAction::Verify | ReassignAction::Cancel => {
            &["reassignment-json-file"]
        }
        ReassignAction::List => &[],
    }
}

/// The options that a command may have beside those. `--output` and `--dry-run` are this project's.
fn permitted(action: ReassignAction) -> &'static [&'static str] {
    match action {
        ReassignAction::Generate => {
            &["bootstrap-server", "command-config", "disable-rack-aware", "zookeeper", "output"]
        }
        ReassignAction::Execute => &[
            "additional",
            "bootstrap-server",
            "command-config",
            "throttle",
            "replica-alter-log-dirs-throttle",
            "timeout",
            "zookeeper",
            "dry-run",
            "output",
        ],
        ReassignAction::Verify => {
            &["bootstrap-server", "command-config", "preserve-throttles", "zookeeper", "output"]
        }
        ReassignAction::Cancel => {
            &["bootstrap-server", "command-config", "preserve-throttles", "timeout", "output"]
        }
        ReassignAction::List => &["bootstrap-server", "command-config", "output"],
    }
}

/// The options that ZooKeeper cannot serve, in the order in which Kafka looks for them.
const OF_BROKERS_ONLY: &[&str] =
    &["additional", "cancel", "command-config", "replica-alter-log-dirs-throttle", "list", "timeout"];

/// Options that were found to go together.
#[derive(Debug)]
pub(crate) struct ReassignCommand {
    pub action: ReassignAction,
    pub options: ReassignPartitionsOptions,
}

impl ReassignCommand {
    /// Checks which options go together, in Kafka's order; `arguments` are those that the options were read from.
    pub fn check(options: ReassignPartitionsOptions, arguments: &[String]) -> Result<Self, EarlyExit> {
        let actions = [
            ("generate", options.generate, ReassignAction::Generate),
            ("execute", options.execute, ReassignAction::Execute),
            ("verify", options.verify, ReassignAction::Verify),
            ("cancel", options.cancel, ReassignAction::Cancel),
            ("list", options.list, ReassignAction::List),
        ];
        let mut wanted = actions.iter().filter(|(_, given, _)| *given);
        let (Some(&(name, _, action)), None) = (wanted.next(), wanted.next()) else {
            let sentence =
                "Command must include exactly one action: --generate, --execute, --verify, --cancel, --list";
            return Err(EarlyExit::Usage(sentence.to_owned()));
        };
        if options.zookeeper.is_none() && options.bootstrap_server.is_none() {
            return Err(EarlyExit::Usage("Please specify --bootstrap-server".to_owned()));
        }
        let given = options.given();
        for option in required(action) {
            require(given.contains(option), option)?;
        }
        let fits = |option: &str| {
            option == name || required(action).contains(&option) || permitted(action).contains(&option)
        };
        if let Some(option) = in_order(&given, arguments).into_iter().find(|option| !fits(option)) {
            let sentence = format!("Option \"[{option}]\" can't be used with action \"[{name}]\"");
            return Err(EarlyExit::Usage(sentence));
        }
        let alone = options.bootstrap_server.is_none();
        if let Some(option) = OF_BROKERS_ONLY.iter().find(|option| alone && given.contains(option)) {
            let message = format!("You must specify --bootstrap-server when using \"[{option}]\"");
            return Err(EarlyExit::Thrown("java.lang.RuntimeException", message));
        }
        Ok(Self { action, options })
    }
}

impl ReassignPartitionsOptions {
    /// The names of the options that were given.
    fn given(&self) -> Vec<&'static str> {
        let all = [
            ("additional", self.additional),
            ("bootstrap-server", self.bootstrap_server.is_some()),
            ("broker-list", self.broker_list.is_some()),
            ("cancel", self.cancel),
            ("command-config", self.command_config.is_some()),
            ("disable-rack-aware", self.disable_rack_aware),
            ("dry-run", self.dry_run),
            ("execute", self.execute),
            ("generate", self.generate),
            ("list", self.list),
            ("output", self.output.is_json()),
            ("preserve-throttles", self.preserve_throttles),
            ("reassignment-json-file", self.reassignment_json_file.is_some()),
            ("replica-alter-log-dirs-throttle", self.replica_alter_log_dirs_throttle.is_some()),
            ("throttle", self.throttle.is_some()),
            ("timeout", self.timeout.is_some()),
            ("topics-to-move-json-file", self.topics_to_move_json_file.is_some()),
            ("verify", self.verify),
            ("zookeeper", self.zookeeper.is_some()),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
    }

    /// `--throttle`; None for no limit.
    ///
    /// # Errors
    /// It is no number.
    pub fn inter_broker_throttle(&self) -> Result<Option<u64>, JavaThrowable> {
        let rate = number("throttle", self.throttle.as_deref(), -1)?;
        Ok(u64::try_from(rate).ok())
    }

    /// `--replica-alter-log-dirs-throttle`; None for no limit.
    ///
    /// # Errors
    /// It is no number.
    pub fn log_dir_throttle(&self) -> Result<Option<u64>, JavaThrowable> {
        let text = self.replica_alter_log_dirs_throttle.as_deref();
        Ok(u64::try_from(number("replica-alter-log-dirs-throttle", text, -1)?).ok())
    }

    /// `--timeout`, in milliseconds.
    ///
    /// # Errors
    /// It is no number.
    pub fn timeout_ms(&self) -> Result<u64, JavaThrowable> {
        Ok(u64::try_from(number("timeout", self.timeout.as_deref(), 10_000)?).unwrap_or(0))
    }
}

/// The names in the order in which the arguments have them.
fn in_order(names: &[&'static str], arguments: &[String]) -> Vec<&'static str> {
    let named = |argument: &String| {
        let bare = argument.strip_prefix('-')?.trim_start_matches('-');
        let name = bare.split('=').next().unwrap_or_default();
        names.iter().find(|option| **option == name).copied()
    };
    arguments.iter().filter_map(named).collect()
}

/// The number that is an option's value. Java's tool reads it only when it needs it.
fn number(option: &str, text: Option<&str>, default: i64) -> Result<i64, JavaThrowable> {
    let Some(text) = text else { return Ok(default) };
    text.parse().map_err(|_| JavaThrowable::not_a_number(option, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments;

    fn refusal(line: &str) -> String {
        let arguments: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        let options = arguments::parse::<ReassignPartitionsOptions>("", &arguments).unwrap();
        match ReassignCommand::check(options, &arguments).unwrap_err() {
            EarlyExit::Usage(sentence) => sentence,
            EarlyExit::Thrown(class, message) => format!("{class}: {message}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_that_do_not_go_together_are_refused_in_kafkas_order() {
        let one =
            "Command must include exactly one action: --generate, --execute, --verify, --cancel, --list";
        assert_eq!(refusal("--zookeeper z"), one);
        assert_eq!(refusal("--zookeeper z --list --verify"), one);
        assert_eq!(refusal("--list"), "Please specify --bootstrap-server");
        let json = "--reassignment-json-file f";
        assert_eq!(
            refusal("--zookeeper z --verify"),
            "Missing required argument \"[reassignment-json-file]\""
        );
        assert_eq!(
            refusal("--bootstrap-server b --generate --topics-to-move-json-file f"),
            "Missing required argument \"[broker-list]\""
        );
        assert_eq!(
            refusal(&format!("--zookeeper z --cancel {json}")),
            "Option \"[zookeeper]\" can't be used with action \"[cancel]\""
        );
        // The first that was given is named.
        assert_eq!(
            refusal(&format!("--throttle=5 --bootstrap-server b --additional --verify {json}")),
            "Option \"[throttle]\" can't be used with action \"[verify]\""
        );
        assert_eq!(
            refusal(&format!("--zookeeper z --execute {json} --timeout 5 --additional")),
            "java.lang.RuntimeException: You must specify --bootstrap-server when using \"[additional]\""
        );
    }

    #[test]
    fn a_value_that_is_no_number_is_refused_when_it_is_read() {
        let options = |throttle: &str| ReassignPartitionsOptions {
            throttle: Some(throttle.to_owned()),
            ..Default::default()
        };
        assert_eq!(options("-1").inter_broker_throttle(), Ok(None));
        assert_eq!(options("0").inter_broker_throttle(), Ok(Some(0)));
        assert_eq!(options("0").timeout_ms(), Ok(10_000));
        let thrown = options("fast").inter_broker_throttle().unwrap_err();
        assert_eq!(thrown.message(), "Cannot parse argument 'fast' of option throttle");
    }
}
