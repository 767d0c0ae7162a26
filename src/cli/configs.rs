//! `kafka-configs.sh`: describes and alters the configs of topics, brokers, loggers, clients and users (Kafka's
//! `ConfigCommand`).
//!
//! The commands go through ZooKeeper (`by_znode`) or through a broker (`resources` for topics, brokers and loggers,
//! `quotas` for clients and users). `description` has what `--describe` prints.

mod by_znode;
mod changes;
mod description;
mod entities;
mod options;
mod quotas;
mod resources;
mod secrets;

use std::process::ExitCode;
use std::time::Duration;

use log::LevelFilter;

use self::changes::GivenChanges;
use self::description::{ConfigsDescription, EntityDescription};
use self::entities::EntityKind;
pub(super) use self::options::ConfigsOptions;
use self::options::{ConfigsAction, ConfigsArguments, ConfigsCommand, ConfigsRoad};
use super::arguments::{self, EarlyExit};
use super::java::JavaClient;
use super::throwable::JavaThrowable;
use super::{block_on, logging, zookeeper_session};
use crate::client::admin::Admin;
use crate::client::error::ClientError;

const ABOUT: &str =
    "This tool helps to manipulate and describe entity config for a topic, client, user or broker";

/// How long the answer to one question may take, whatever the client's settings are.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs the tool; exit code 0, or 1 with Kafka's words on standard error.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    if arguments.is_empty() {
        return EarlyExit::Usage(ABOUT.to_owned()).print::<ConfigsOptions>();
    }
    let parsed = arguments::parse::<ConfigsArguments>(ABOUT, &arguments).and_then(ConfigsCommand::check);
    let command = match parsed {
        Ok(command) => command,
        Err(exit @ (EarlyExit::Usage(_) | EarlyExit::Refused(_) | EarlyExit::Version)) => {
            return exit.print::<ConfigsOptions>();
        }
        Err(exit) => return report(&JavaThrowable::of_early_exit(exit), &arguments),
    };
    match block_on(async { Ok(execute(&command).await) }) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(thrown)) => report(&thrown, &arguments),
        Err(error) => arguments::thrown("java.lang.RuntimeException", error),
    }
}

/// Prints a failure: what Kafka's tool expects to go wrong as a sentence alone, anything else as an exception.
fn report(thrown: &JavaThrowable, arguments: &[String]) -> ExitCode {
    let class = thrown.class();
    let is_refusal = class.starts_with("joptsimple.")
        || class == REFUSAL
        || class == "java.lang.NumberFormatException"
        || class == "org.apache.kafka.common.errors.InvalidConfigurationException";
    if is_refusal {
        eprintln!("{}", thrown.message());
    } else {
        eprintln!("Error while executing config command with args '{}'", arguments.join(" "));
        eprintln!("{thrown}");
    }
    ExitCode::FAILURE
}

const REFUSAL: &str = "java.lang.IllegalArgumentException";

fn refusal(sentence: impl Into<String>) -> JavaThrowable {
    JavaThrowable::new(REFUSAL, sentence)
}

impl ConfigsCommand {
    /// Prints a line that is no data.
    fn note(&self, line: &str) {
        self.options.output.note(format_args!("{line}"));
    }

    /// Prints what was found, as text even where not all could be found.
    fn print(
        &self,
        found: &ConfigsDescription,
        outcome: Result<(), JavaThrowable>,
    ) -> Result<(), JavaThrowable> {
        if outcome.is_err() && self.options.output.is_json() {
            return outcome;
        }
        let printed = self.options.output.print(found, |found| {
            found.entities.iter().flat_map(EntityDescription::lines).for_each(|line| println!("{line}"));
        });
        printed.map_err(|error| JavaThrowable::new("java.io.IOException", error.to_string())).and(outcome)
    }
}

async fn execute(command: &ConfigsCommand) -> Result<(), JavaThrowable> {
    match &command.road {
        ConfigsRoad::ZooKeeper(connect) => {
            command.note(
                "Warning: --zookeeper is deprecated and will be removed in a future version of Kafka.\n\
                 Use --bootstrap-server instead to specify a broker to connect to.",
            );
            if let Some(file) = &command.options.zk_tls_config_file {
                zookeeper_session::check_tls_file(file)?;
            }
            let configs = by_znode::ZnodeConfigs::connect(connect).await?;
            let outcome = match command.action {
                ConfigsAction::Alter => configs.alter(command).await,
                ConfigsAction::Describe => configs.describe(command).await,
            };
            configs.close().await;
            outcome
        }
        ConfigsRoad::Brokers(servers) => {
            let settings = arguments::settings(command.options.command_config.as_deref(), &[]);
            let settings = settings.map_err(JavaThrowable::of_early_exit)?;
            let admin = JavaClient::Admin.connect(&settings, servers, "adminclient-1").await?;
            match command.action {
                ConfigsAction::Describe => describe_by_broker(command, &admin).await,
                ConfigsAction::Alter => alter_by_broker(command, &admin).await,
            }
        }
    }
}

/// Whether entities have quotas, and not the configs of a resource.
fn have_quotas(kind: EntityKind) -> bool {
    matches!(kind, EntityKind::Clients | EntityKind::Users)
}

async fn describe_by_broker(command: &ConfigsCommand, admin: &Admin) -> Result<(), JavaThrowable> {
    let mut found = ConfigsDescription::default();
    let outcome = match have_quotas(command.entities.kind()) {
        true => quotas::describe(command, admin, &mut found).await,
        false => resources::describe(command, admin, &mut found).await,
    };
    command.print(&found, outcome)
}

async fn alter_by_broker(command: &ConfigsCommand, admin: &Admin) -> Result<(), JavaThrowable> {
    let entities = &command.entities;
    if entities.kinds.len() != entities.names.len() {
        return Err(refusal("An entity name must be specified for every entity type"));
    }
    let changes = GivenChanges::read(&command.options)?;
    warn_of_message_format(command, &changes);
    match have_quotas(entities.kind()) {
        true => quotas::alter(command, admin, &changes).await?,
        false => resources::alter(command, admin, &changes).await?,
    }
    command.note(&match (entities.kind(), entities.name().unwrap_or_default()) {
        (kind, "") => format!("Completed updating default config for {} in the cluster.", kind.name()),
        (kind, name) => format!("Completed updating config for {} {name}.", kind.singular()),
    });
    Ok(())
}

/// The admin, whose answers may take no longer than Kafka's tool waits for them.
fn limited(admin: &Admin) -> Admin {
    admin.within(admin.cluster().options().api_timeout.min(LIMIT))
}

/// The exception of a question that may take [`LIMIT`].
fn unanswered(error: &ClientError, admin: &Admin, call: &str) -> JavaThrowable {
    let is_late = matches!(error, ClientError::CallTimedOut { .. });
    match is_late && admin.cluster().options().api_timeout >= LIMIT {
        true => JavaThrowable::new("java.util.concurrent.TimeoutException", ""),
        false => JavaThrowable::of_call(error, call),
    }
}

fn warn_of_message_format(command: &ConfigsCommand, changes: &GivenChanges) {
    if let Some(version) = changes.value("message.format.version") {
        command.note(&format!(
            "WARNING: The configuration message.format.version={version} is specified. This configuration will be \
             ignored if the version is newer than the inter.broker.protocol.version specified in the broker."
        ));
    }
}
