//! `kafka-streams-application-reset.sh`: has a Kafka Streams application begin its topics anew (Kafka's
//! `StreamsResetter`).
//!
//! Sets the offsets of the application's group and deletes the topics that the application created for itself. The
//! state that the application keeps on its own disks is not touched.

mod options;
mod plan;
mod resetter;

use std::process::ExitCode;

use log::LevelFilter;

pub(crate) use self::options::StreamsResetOptions;
use self::resetter::StreamsResetter;
use super::arguments::{self, EarlyExit};
use super::java::JavaClient;
use super::throwable::JavaThrowable;
use super::{block_on, logging};
use crate::client::ClientError;

/// The exception that ends a reset.
#[derive(Debug)]
struct ResetFailure(JavaThrowable);

impl ResetFailure {
    fn new(class: &str, message: impl Into<String>) -> Self {
        Self(JavaThrowable::new(class, message))
    }
}

impl From<JavaThrowable> for ResetFailure {
    fn from(thrown: JavaThrowable) -> Self {
        Self(thrown)
    }
}

impl From<ClientError> for ResetFailure {
    fn from(error: ClientError) -> Self {
        Self(JavaThrowable::of_future(&error))
    }
}

/// Runs the tool; exit code 1 where a topic was not found or something failed.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let about = "This tool has a Streams application process its input anew.\n\
        * Its group begins input topics at their first records or where an option has it begin, and intermediate \
        topics behind their last records.\n\
        * Topics that the application has created for itself (<application.id>-...-changelog and others) are deleted; \
        output topics are not.\n\
        * Local state stays: the application has to remove it itself (KafkaStreams#cleanUp) before it starts again, or \
        its results are wrong.\n\
        * With --force members that are left in the group are removed. Stop all instances before.";
    let parsed =
        arguments::parse::<StreamsResetOptions>(about, &arguments).map_err(|refusal| match refusal {
            EarlyExit::Thrown(_, message) | EarlyExit::Argument { message, .. } => EarlyExit::Usage(message),
            other => other,
        });
    let options = match parsed.and_then(|options| options.check().map(|()| options)) {
        Ok(options) => options,
        Err(refusal) => return refusal.print::<StreamsResetOptions>(),
    };
    let outcome = block_on(async { Ok(execute(&options).await) });
    let outcome = outcome
        .unwrap_or_else(|error| Err(ResetFailure::new("java.lang.RuntimeException", error.to_string())));
    outcome.unwrap_or_else(|ResetFailure(thrown)| {
        // Kafka's tool prints the exception, and its stack trace below.
        eprintln!("ERROR: {}\n{thrown}", thrown.head());
        ExitCode::FAILURE
    })
}

async fn execute(options: &StreamsResetOptions) -> Result<ExitCode, ResetFailure> {
    let settings = arguments::settings(options.config_file.as_deref(), &[]);
    let settings = settings.map_err(JavaThrowable::of_early_exit)?;
    let begins_at_start = settings.get("auto.offset.reset") == Some("earliest");
    let admin = JavaClient::Admin.connect(&settings, &options.bootstrap_servers, "adminclient-1").await;
    let admin = admin.map_err(JavaThrowable::from)?;
    StreamsResetter::new(admin, options, begins_at_start).run().await
}
