//! The command-line family: one file a tool, one row each.
//!
//! A tool reads its arguments, talks to the cluster through `client` or to ZooKeeper through `admin`, and prints what
//! Kafka 2.7.2's tool of the same name prints. It never decides anything that a broker decides.

// Before all other modules, as they print by its macros.
#[macro_use]
pub mod output;

pub mod arguments;
pub mod broker_api_versions;
pub mod console_consumer;
pub mod console_producer;
pub mod dump_log;
pub mod get_offset_shell;
mod java;
pub mod logging;
pub mod ready;
pub mod server_start;
pub mod signals;
pub mod topics;

use std::process::ExitCode;

/// A tool: its name, its script and the function that runs it.
#[derive(Debug)]
pub struct Tool {
    /// The first argument that selects it, e.g. `topics`.
    pub name: &'static str,
    /// Its script in `scripts/`, named as in Kafka's `bin/`; None where it has none.
    pub script: Option<&'static str>,
    /// The Java class that `kafka-run-class.sh` is given for it.
    pub class: Option<&'static str>,
    /// Runs it with the arguments after its name.
    pub run: fn(Vec<String>) -> ExitCode,
}

/// Every tool, sorted by name.
pub const TOOLS: &[Tool] = &[
    Tool {
        name: "broker-api-versions",
        script: Some("kafka-broker-api-versions.sh"),
        class: Some("kafka.admin.BrokerApiVersionsCommand"),
        run: broker_api_versions::run,
    },
    Tool {
        name: "console-consumer",
        script: Some("kafka-console-consumer.sh"),
        class: Some("kafka.tools.ConsoleConsumer"),
        run: console_consumer::run,
    },
    Tool {
        name: "console-producer",
        script: Some("kafka-console-producer.sh"),
        class: Some("kafka.tools.ConsoleProducer"),
        run: console_producer::run,
    },
    Tool {
        name: "dump-log",
        script: Some("kafka-dump-log.sh"),
        class: Some("kafka.tools.DumpLogSegments"),
        run: dump_log::run,
    },
    Tool {
        name: "get-offset-shell",
        script: None,
        class: Some("kafka.tools.GetOffsetShell"),
        run: get_offset_shell::run,
    },
    Tool { name: "ready", script: None, class: None, run: ready::run },
    Tool { name: "server-start", script: None, class: Some("kafka.Kafka"), run: server_start::run },
    Tool {
        name: "topics",
        script: Some("kafka-topics.sh"),
        class: Some("kafka.admin.TopicCommand"),
        run: topics::run,
    },
];

/// Runs the tool that the process's first argument names, by its own name or its Java class's.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let wanted = arguments.next();
    let tool = wanted
        .as_deref()
        .and_then(|wanted| TOOLS.iter().find(|tool| tool.name == wanted || tool.class == Some(wanted)));
    match (tool, wanted.as_deref()) {
        (Some(tool), _) => (tool.run)(arguments.collect()),
        (None, Some("--version" | "-V")) => {
            println!("{}", arguments::VERSION);
            ExitCode::SUCCESS
        }
        (None, Some("--help" | "-h")) => {
            println!("{}", usage());
            ExitCode::SUCCESS
        }
        (None, wanted) => {
            if let Some(wanted) = wanted.filter(|wanted| !wanted.starts_with('-')) {
                eprintln!("Error: Could not find or load main class {wanted}");
            }
            eprintln!("{}", usage());
            ExitCode::FAILURE
        }
    }
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
