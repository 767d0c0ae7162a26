//! The command-line family: one file a tool, one row each.
//!
//! A tool reads its arguments, talks to the cluster through `client` or to ZooKeeper through `admin`, and prints what
//! Kafka 2.7.2's tool of the same name prints. It never decides anything that a broker decides.

// Before all other modules, as they print by its macros.
#[macro_use]
pub mod output;

pub mod absent;
pub mod acls;
mod argparse;
pub mod arguments;
pub mod broker_api_versions;
mod client_metrics;
mod clients;
mod completion;
pub mod configs;
pub mod console_consumer;
pub mod console_producer;
pub mod consumer_groups;
pub mod consumer_offset_checker;
pub mod consumer_perf;
pub mod delete_records;
mod deliveries;
pub mod dump_log;
pub mod end_to_end_latency;
mod events;
pub mod export_zk_offsets;
mod features;
pub mod get_offset_shell;
pub mod import_zk_offsets;
mod java;
mod java_map;
mod java_random;
mod java_time;
pub mod jmx_tool;
mod json_file;
pub mod leader_election;
pub mod log_dirs;
pub mod logging;
pub mod mirror_maker;
mod named_partition;
mod numbers;
mod output_format;
mod output_schema;
pub mod preferred_replica_election;
pub mod producer_perf;
pub mod ready;
pub mod reassign_partitions;
pub mod replica_verification;
pub mod server_start;
pub mod signals;
pub mod simple_consumer_shell;
pub mod state_change_log_merger;
mod stopping;
pub mod streams_application_reset;
mod throughput;
mod throwable;
pub mod topics;
pub mod transactional_message_copier;
pub mod update_offsets_in_zk;
pub mod verifiable_consumer;
pub mod verifiable_producer;
pub mod verify_consumer_rebalance;
mod zookeeper_groups;
mod zookeeper_session;

use std::process::ExitCode;

use clap::{Command, CommandFactory};

use absent::AbsentTool;

/// A tool: its names, its options and the function that runs it.
#[derive(Debug)]
pub struct Tool {
    /// The first argument that selects it, e.g. `topics`.
    pub name: &'static str,
    /// Its script in `scripts/`, named as in Kafka's `bin/`; None where it has none.
    pub script: Option<&'static str>,
    /// The Java classes that `kafka-run-class.sh` is given for it.
    pub classes: &'static [&'static str],
    /// Its options; None where it reads its arguments by itself.
    pub options: Option<fn() -> Command>,
    /// The JSON schema of what it prints with `--output json`; None where it prints no data.
    pub output_schema: Option<&'static str>,
    /// Runs it with the arguments after its name.
    pub run: fn(Vec<String>) -> ExitCode,
}

/// Every tool, sorted by name.
pub const TOOLS: &[Tool] = &[
    Tool {
        name: "acls",
        script: Some("kafka-acls.sh"),
        classes: &["kafka.admin.AclCommand"],
        options: Some(acls::AclsOptions::command),
        output_schema: Some(include_str!("acls/output.schema.json")),
        run: acls::run,
    },
    Tool {
        name: "broker-api-versions",
        script: Some("kafka-broker-api-versions.sh"),
        classes: &["kafka.admin.BrokerApiVersionsCommand"],
        options: Some(broker_api_versions::ApiVersionsOptions::command),
        output_schema: Some(include_str!("broker_api_versions/output.schema.json")),
        run: broker_api_versions::run,
    },
    Tool {
        name: "completion",
        script: None,
        classes: &[],
        options: None,
        output_schema: None,
        run: completion::run,
    },
    Tool {
        name: "configs",
        script: Some("kafka-configs.sh"),
        classes: &["kafka.admin.ConfigCommand"],
        options: Some(configs::ConfigsOptions::command),
        output_schema: Some(include_str!("configs/output.schema.json")),
        run: configs::run,
    },
    Tool {
        name: "console-consumer",
        script: Some("kafka-console-consumer.sh"),
        classes: &["kafka.tools.ConsoleConsumer"],
        options: Some(console_consumer::ConsoleConsumerOptions::command),
        output_schema: None,
        run: console_consumer::run,
    },
    Tool {
        name: "console-producer",
        script: Some("kafka-console-producer.sh"),
        classes: &["kafka.tools.ConsoleProducer"],
        options: Some(console_producer::ConsoleProducerOptions::command),
        output_schema: None,
        run: console_producer::run,
    },
    Tool {
        name: "consumer-groups",
        script: Some("kafka-consumer-groups.sh"),
        classes: &["kafka.admin.ConsumerGroupCommand"],
        options: Some(consumer_groups::ConsumerGroupsOptions::command),
        output_schema: Some(include_str!("consumer_groups/output.schema.json")),
        run: consumer_groups::run,
    },
    Tool {
        name: "consumer-offset-checker",
        script: Some("kafka-consumer-offset-checker.sh"),
        classes: &["kafka.tools.ConsumerOffsetChecker"],
        options: Some(consumer_offset_checker::OffsetCheckerOptions::command),
        output_schema: Some(include_str!("consumer_offset_checker/output.schema.json")),
        run: consumer_offset_checker::run,
    },
    Tool {
        name: "consumer-perf-test",
        script: Some("kafka-consumer-perf-test.sh"),
        classes: &["kafka.tools.ConsumerPerformance"],
        options: Some(consumer_perf::ConsumerPerfOptions::command),
        output_schema: Some(include_str!("consumer_perf/output.schema.json")),
        run: consumer_perf::run,
    },
    Tool {
        name: "delete-records",
        script: Some("kafka-delete-records.sh"),
        classes: &["kafka.admin.DeleteRecordsCommand"],
        options: Some(delete_records::DeleteRecordsOptions::command),
        output_schema: Some(include_str!("delete_records/output.schema.json")),
        run: delete_records::run,
    },
    Tool {
        name: "dump-log",
        script: Some("kafka-dump-log.sh"),
        classes: &["kafka.tools.DumpLogSegments"],
        options: Some(dump_log::DumpLogOptions::command),
        output_schema: Some(include_str!("dump_log/output.schema.json")),
        run: dump_log::run,
    },
    Tool {
        name: "end-to-end-latency",
        script: None,
        classes: &["kafka.tools.EndToEndLatency"],
        options: None,
        output_schema: Some(include_str!("end_to_end_latency/output.schema.json")),
        run: end_to_end_latency::run,
    },
    Tool {
        name: "export-zk-offsets",
        script: None,
        classes: &["kafka.tools.ExportZkOffsets"],
        options: Some(export_zk_offsets::ExportOffsetsOptions::command),
        output_schema: None,
        run: export_zk_offsets::run,
    },
    Tool {
        name: "features",
        script: Some("kafka-features.sh"),
        classes: &["kafka.admin.FeatureCommand"],
        options: Some(features::FeatureCommandOptions::command),
        output_schema: Some(include_str!("features/output.schema.json")),
        run: features::run,
    },
    Tool {
        name: "get-offset-shell",
        script: None,
        classes: &["kafka.tools.GetOffsetShell"],
        options: Some(get_offset_shell::OffsetShellOptions::command),
        output_schema: Some(include_str!("get_offset_shell/output.schema.json")),
        run: get_offset_shell::run,
    },
    Tool {
        name: "import-zk-offsets",
        script: None,
        classes: &["kafka.tools.ImportZkOffsets"],
        options: Some(import_zk_offsets::ImportOffsetsOptions::command),
        output_schema: None,
        run: import_zk_offsets::run,
    },
    Tool {
        name: "jmx-tool",
        script: None,
        classes: &["kafka.tools.JmxTool"],
        options: None,
        output_schema: None,
        run: jmx_tool::run,
    },
    Tool {
        name: "leader-election",
        script: Some("kafka-leader-election.sh"),
        classes: &["kafka.admin.LeaderElectionCommand"],
        options: Some(leader_election::LeaderElectionOptions::command),
        output_schema: Some(include_str!("leader_election/output.schema.json")),
        run: leader_election::run,
    },
    Tool {
        name: "log-dirs",
        script: Some("kafka-log-dirs.sh"),
        classes: &["kafka.admin.LogDirsCommand"],
        options: Some(log_dirs::LogDirsOptions::command),
        output_schema: Some(include_str!("log_dirs/output.schema.json")),
        run: log_dirs::run,
    },
    Tool {
        name: "mirror-maker",
        script: Some("kafka-mirror-maker.sh"),
        classes: &["kafka.tools.MirrorMaker"],
        options: Some(mirror_maker::MirrorMakerOptions::command),
        output_schema: None,
        run: mirror_maker::run,
    },
    Tool {
        name: "output-schema",
        script: None,
        classes: &[],
        options: None,
        output_schema: None,
        run: output_schema::run,
    },
    Tool {
        name: "preferred-replica-election",
        script: Some("kafka-preferred-replica-election.sh"),
        classes: &["kafka.admin.PreferredReplicaLeaderElectionCommand"],
        options: Some(preferred_replica_election::PreferredElectionOptions::command),
        output_schema: Some(include_str!("preferred_replica_election/output.schema.json")),
        run: preferred_replica_election::run,
    },
    Tool {
        name: "producer-perf-test",
        script: Some("kafka-producer-perf-test.sh"),
        classes: &["kafka.tools.ProducerPerformance", "org.apache.kafka.tools.ProducerPerformance"],
        options: Some(producer_perf::ProducerPerfOptions::command),
        output_schema: Some(include_str!("producer_perf/output.schema.json")),
        run: producer_perf::run,
    },
    Tool { name: "ready", script: None, classes: &[], options: None, output_schema: None, run: ready::run },
    Tool {
        name: "reassign-partitions",
        script: Some("kafka-reassign-partitions.sh"),
        classes: &["kafka.admin.ReassignPartitionsCommand"],
        options: Some(reassign_partitions::ReassignPartitionsOptions::command),
        output_schema: Some(include_str!("reassign_partitions/output.schema.json")),
        run: reassign_partitions::run,
    },
    Tool {
        name: "replica-verification",
        script: Some("kafka-replica-verification.sh"),
        classes: &["kafka.tools.ReplicaVerificationTool"],
        options: Some(replica_verification::ReplicaVerificationOptions::command),
        output_schema: Some(include_str!("replica_verification/output.schema.json")),
        run: replica_verification::run,
    },
    Tool {
        name: "server-start",
        script: None,
        classes: &["kafka.Kafka"],
        options: None,
        output_schema: None,
        run: server_start::run,
    },
    Tool {
        name: "simple-consumer-shell",
        script: Some("kafka-simple-consumer-shell.sh"),
        classes: &["kafka.tools.SimpleConsumerShell"],
        options: Some(simple_consumer_shell::SimpleShellOptions::command),
        output_schema: None,
        run: simple_consumer_shell::run,
    },
    Tool {
        name: "state-change-log-merger",
        script: None,
        classes: &["kafka.tools.StateChangeLogMerger"],
        options: Some(state_change_log_merger::LogMergerOptions::command),
        output_schema: None,
        run: state_change_log_merger::run,
    },
    Tool {
        name: "streams-application-reset",
        script: Some("kafka-streams-application-reset.sh"),
        classes: &["kafka.tools.StreamsResetter"],
        options: Some(streams_application_reset::StreamsResetOptions::command),
        output_schema: Some(include_str!("streams_application_reset/output.schema.json")),
        run: streams_application_reset::run,
    },
    Tool {
        name: "topics",
        script: Some("kafka-topics.sh"),
        classes: &["kafka.admin.TopicCommand"],
        options: Some(topics::TopicsOptions::command),
        output_schema: Some(include_str!("topics/output.schema.json")),
        run: topics::run,
    },
    Tool {
        name: "transactional-message-copier",
        script: None,
        classes: &["org.apache.kafka.tools.TransactionalMessageCopier"],
        options: Some(transactional_message_copier::MessageCopierOptions::command),
        output_schema: None,
        run: transactional_message_copier::run,
    },
    Tool {
        name: "update-offsets-in-zk",
        script: None,
        classes: &["kafka.tools.UpdateOffsetsInZK"],
        options: None,
        output_schema: None,
        run: update_offsets_in_zk::run,
    },
    Tool {
        name: "verifiable-consumer",
        script: Some("kafka-verifiable-consumer.sh"),
        classes: &["org.apache.kafka.tools.VerifiableConsumer"],
        options: Some(verifiable_consumer::VerifiableConsumerOptions::command),
        output_schema: None,
        run: verifiable_consumer::run,
    },
    Tool {
        name: "verifiable-producer",
        script: Some("kafka-verifiable-producer.sh"),
        classes: &["org.apache.kafka.tools.VerifiableProducer"],
        options: Some(verifiable_producer::VerifiableProducerOptions::command),
        output_schema: None,
        run: verifiable_producer::run,
    },
    Tool {
        name: "verify-consumer-rebalance",
        script: None,
        classes: &["kafka.tools.VerifyConsumerRebalance"],
        options: Some(verify_consumer_rebalance::VerifyRebalanceOptions::command),
        output_schema: None,
        run: verify_consumer_rebalance::run,
    },
];

/// Runs the tool that the process's first argument names, by its own name or its Java class's.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(wanted) = arguments.next() else {
        eprintln!("{}", usage());
        return ExitCode::FAILURE;
    };
    if let Some(tool) = Tool::find(&wanted) {
        return (tool.run)(arguments.collect());
    }
    match wanted.as_str() {
        "--version" | "-V" => {
            println!("{}", arguments::VERSION);
            ExitCode::SUCCESS
        }
        "--help" | "-h" => {
            println!("{}", usage());
            ExitCode::SUCCESS
        }
        option if option.starts_with('-') => {
            eprintln!("Unrecognized option: {option}\n{}", usage());
            ExitCode::FAILURE
        }
        name => match AbsentTool::find(name) {
            Some(absent) => absent.answer(name),
            None => answer_unknown(name),
        },
    }
}

impl Tool {
    /// The tool of a name, its own or a Java class's.
    fn find(name: &str) -> Option<&'static Self> {
        TOOLS.iter().find(|tool| tool.name == name || tool.classes.contains(&name))
    }
}

/// Answers a name that stands for nothing: a class as Java does.
fn answer_unknown(name: &str) -> ExitCode {
    eprintln!("Error: Could not find or load main class {name}");
    eprintln!("Caused by: java.lang.ClassNotFoundException: {name}");
    if !name.contains('.') {
        eprintln!("{}", usage());
    }
    ExitCode::FAILURE
}

fn usage() -> String {
    let names: Vec<_> = TOOLS.iter().map(|tool| tool.name).collect();
    format!("USAGE: barnabas TOOL [argument ...]\nTools: {}", names.join(" "))
}

/// Runs a tool's asynchronous part to its end, on a small runtime of its own.
///
/// # Errors
/// The tool's own, or that of making the runtime.
pub fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}

/// As [`block_on`], for a tool that moves many records: its clients' tasks run on threads of their own.
///
/// # Errors
/// As [`block_on`].
pub fn block_on_threads<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}
