//! `kafka-reassign-partitions.sh`: moves partitions to other brokers and replicas to other directories (Kafka's
//! `ReassignPartitionsCommand`).
//!
//! The commands go through a broker (`by_broker`) or through ZooKeeper (`by_znode`). What is computed is pure: the file
//! (`plan`), the assignment that is proposed (`proposal`), the throttles (`throttles`), how far a reassignment is
//! (`verification`), and what is printed (`report`).

mod by_broker;
mod by_znode;
mod options;
mod plan;
mod proposal;
mod report;
mod throttles;
mod verification;

use std::process::ExitCode;
use std::time::Duration;

use log::LevelFilter;
use serde::Serialize;

use super::arguments::{self, EarlyExit};
use super::output_format::OutputOption;
use super::throwable::JavaThrowable;
use super::{block_on, json_file, logging};
use crate::admin::placement::{BrokerAndRack, PlacementStart};
use by_broker::{BrokerReassignments, ExecutionOptions};
use by_znode::ZnodeReassignments;
pub(super) use options::ReassignPartitionsOptions;
use options::{ReassignAction, ReassignCommand};
use plan::ReassignmentJson;
use proposal::{PartitionAssignment, propose};
use report::Proposal;

/// Why an execution is refused beside another one.
const EXISTING: &str = "Cannot execute because there is an existing partition assignment.  Use --additional to override \
                        this and create a new partition assignment in addition to the existing one. The --additional flag \
                        can also be used to change the throttle by resubmitting the current reassignment.";
/// What is printed where throttles are set.
const VERIFY_PERIODICALLY: &str = "Warning: You must run --verify periodically, until the reassignment completes, to \
                                   ensure the throttle is removed.";

/// Why a command failed.
#[derive(Debug)]
enum ReassignFailure {
    /// A sentence (`TerseReassignmentFailureException`).
    Terse(String),
    /// A Java exception.
    Thrown(JavaThrowable),
}

impl From<JavaThrowable> for ReassignFailure {
    fn from(thrown: JavaThrowable) -> Self {
        Self::Thrown(thrown)
    }
}

/// Runs the tool; exit code 0, or 1 with Kafka's words on standard output.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let about = "This tool helps to move topic partitions between replicas.";
    if arguments.is_empty() {
        return EarlyExit::Usage(about.to_owned()).print::<ReassignPartitionsOptions>();
    }
    let command = arguments::parse::<ReassignPartitionsOptions>(about, &arguments)
        .and_then(|options| ReassignCommand::check(options, &arguments));
    let command = match command {
        Ok(command) => command,
        Err(refusal) => return refusal.print::<ReassignPartitionsOptions>(),
    };
    let output = command.options.output;
    let failure = match block_on(async { Ok(command.handle().await) }) {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(failure)) => failure,
        Err(error) => JavaThrowable::new("java.lang.RuntimeException", error.to_string()).into(),
    };
    match failure {
        ReassignFailure::Terse(sentence) => output.note(format_args!("{sentence}")),
        ReassignFailure::Thrown(thrown) => {
            output.note(format_args!("Error: {}\n{thrown}\n", thrown.message()));
        }
    }
    ExitCode::FAILURE
}

impl ReassignCommand {
    async fn handle(&self) -> Result<(), ReassignFailure> {
        let (options, output) = (&self.options, self.options.output);
        if let Some(servers) = &options.bootstrap_server {
            if options.zookeeper.is_some() {
                output.note(format_args!(
                    "Warning: ignoring deprecated --zookeeper option because --bootstrap-server was specified.  The \
                     --zookeeper option will be removed in a future version of Kafka."
                ));
            }
            let settings = arguments::settings(options.command_config.as_deref(), &[]);
            let settings = settings.map_err(JavaThrowable::of_early_exit)?;
            return self
                .handle_by_broker(&BrokerReassignments::connect(servers, &settings, output).await?)
                .await;
        }
        output.note(format_args!(
            "Warning: --zookeeper is deprecated, and will be removed in a future version of Kafka."
        ));
        let connect = options.zookeeper.as_deref().unwrap_or_default();
        let reassignments = ZnodeReassignments::connect(connect, output).await?;
        let handled = self.handle_by_znode(&reassignments).await;
        reassignments.close().await;
        handled
    }

    async fn handle_by_broker(&self, reassignments: &BrokerReassignments) -> Result<(), ReassignFailure> {
        let options = &self.options;
        let timeout = || options.timeout_ms().map(Duration::from_millis);
        match self.action {
            ReassignAction::Verify => {
                self.print(&reassignments.verify(&self.plan_file()?, options.preserve_throttles).await?)
            }
            ReassignAction::Generate => {
                let (file, brokers) = (self.topics_file()?, self.brokers());
                self.print(&reassignments.generate(&file, brokers, !options.disable_rack_aware).await?)
            }
            ReassignAction::Execute => {
                let file = self.plan_file()?;
                let how = ExecutionOptions {
                    additional: options.additional,
                    dry_run: options.dry_run,
                    inter_broker_throttle: options.inter_broker_throttle()?,
                    log_dir_throttle: options.log_dir_throttle()?,
                    timeout: timeout()?,
                };
                self.print(&reassignments.execute(&file, how).await?)
            }
            ReassignAction::Cancel => {
                let file = self.plan_file()?;
                self.print(&reassignments.cancel(&file, options.preserve_throttles, timeout()?).await?)
            }
            ReassignAction::List => self.print(&reassignments.list().await?),
        }
    }

    async fn handle_by_znode(&self, reassignments: &ZnodeReassignments) -> Result<(), ReassignFailure> {
        let options = &self.options;
        match self.action {
            ReassignAction::Verify => {
                self.print(&reassignments.verify(&self.plan_file()?, options.preserve_throttles).await?)
            }
            ReassignAction::Generate => {
                let (file, brokers) = (self.topics_file()?, self.brokers());
                self.print(&reassignments.generate(&file, brokers, !options.disable_rack_aware).await?)
            }
            ReassignAction::Execute => {
                let (file, throttle) = (self.plan_file()?, options.inter_broker_throttle()?);
                self.print(&reassignments.execute(&file, throttle, options.dry_run).await?)
            }
            // `ReassignCommand::check` has refused them.
            ReassignAction::Cancel | ReassignAction::List => {
                Err(JavaThrowable::new("java.lang.RuntimeException", "Unsupported action.").into())
            }
        }
    }

    /// Prints the JSON of `--output json`; the text was printed step by step.
    fn print<T: Serialize>(&self, done: &T) -> Result<(), ReassignFailure> {
        let printed = self.options.output.print(done, |_| {});
        printed.map_err(|error| JavaThrowable::new("java.io.IOException", error.to_string()).into())
    }

    fn plan_file(&self) -> Result<String, JavaThrowable> {
        json_file::read(self.options.reassignment_json_file.as_deref().unwrap_or_default())
    }

    fn topics_file(&self) -> Result<String, JavaThrowable> {
        json_file::read(self.options.topics_to_move_json_file.as_deref().unwrap_or_default())
    }

    fn brokers(&self) -> &str {
        self.options.broker_list.as_deref().unwrap_or_default()
    }
}

/// Proposes an assignment of the partitions of `current` to these brokers, and prints it.
fn propose_on(
    brokers: &[BrokerAndRack],
    current: &PartitionAssignment,
    output: OutputOption,
) -> Result<Proposal, JavaThrowable> {
    let proposed = propose(current, brokers, || random_start(brokers.len()))?;
    let proposal =
        Proposal { current: ReassignmentJson::of(current), proposed: ReassignmentJson::of(&proposed) };
    output.note(format_args!("{}", proposal.text()));
    Ok(proposal)
}

/// A start of an assignment among so many brokers, by chance.
fn random_start(brokers: usize) -> PlacementStart {
    let brokers = brokers.max(1);
    PlacementStart { broker: fastrand::usize(..brokers), shift: fastrand::usize(..brokers) }
}
