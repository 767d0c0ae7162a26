//! `kafka-features.sh`: describes the features of the cluster, and upgrades or downgrades the finalized ones (Kafka's
//! `FeatureCommand`).
//!
//! What it knows itself are the features of this project's brokers: none, as in Kafka 2.7.2.

mod describe;
mod updates;

use std::process::ExitCode;

use clap::Parser;
use log::LevelFilter;

use self::describe::DescribedFeatures;
use self::updates::{Direction, FeatureUpdates, plan};
use super::arguments::{self, EarlyExit, require};
use super::java::JavaClient;
use super::output_format::OutputOption;
use super::throwable::JavaThrowable;
use super::{block_on, logging};
use crate::base::features::broker_features;
use crate::client::admin::{Admin, DescribeFeaturesOptions};
use crate::config::Properties;

const ABOUT: &str = "This tool describes and updates finalized features.";

/// The options.
#[derive(Debug, Parser)]
pub(super) struct FeatureCommandOptions {
    /// The brokers to talk to, as host:port[,host:port...]. Required.
    #[arg(long, value_name = "servers")]
    bootstrap_server: Option<String>,
    /// A properties file for the connection to the brokers.
    #[arg(long, value_name = "file", num_args = 0..=1)]
    command_config: Option<Option<String>>,
    /// Show the features that are supported, and those that are finalized.
    #[arg(long)]
    describe: bool,
    /// Take all finalized features down to the highest level that this tool knows; those it does not know are deleted.
    #[arg(long)]
    downgrade_all: bool,
    /// Show what would be updated and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Have the controller describe the features, rather than any broker.
    #[arg(long)]
    from_controller: bool,
    #[command(flatten)]
    output: OutputOption,
    /// Take all features up to the highest level that this tool knows; those that are not finalized are added.
    #[arg(long)]
    upgrade_all: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FeatureAction {
    Describe,
    Update(Direction),
}

impl FeatureCommandOptions {
    /// The action, where the options go together (`FeatureCommandOptions.checkArgs`).
    fn check(&self) -> Result<FeatureAction, EarlyExit> {
        let usage = |sentence: &str| Err(EarlyExit::Usage(sentence.to_owned()));
        let action = match (self.describe, self.upgrade_all, self.downgrade_all) {
            (true, false, false) => FeatureAction::Describe,
            (false, true, false) => FeatureAction::Update(Direction::Upgrade),
            (false, false, true) => FeatureAction::Update(Direction::Downgrade),
            _ => {
                return usage(
                    "Command must include exactly one action: --describe, --upgrade-all, --downgrade-all.",
                );
            }
        };
        require(self.bootstrap_server.is_some(), "bootstrap-server")?;
        if self.dry_run && action == FeatureAction::Describe {
            return usage(
                "Command can contain --dry-run option only when either --upgrade-all or --downgrade-all actions are provided.",
            );
        }
        if self.from_controller && action != FeatureAction::Describe {
            return usage(
                "Command can contain --from-controller option only when --describe action is provided.",
            );
        }
        Ok(action)
    }
}

/// Runs the tool; exit code 1 where the cluster does not answer or an update was refused.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    if arguments.is_empty() {
        return EarlyExit::Usage(ABOUT.to_owned()).print::<FeatureCommandOptions>();
    }
    let checked = arguments::parse::<FeatureCommandOptions>(ABOUT, &arguments).and_then(|options| {
        let action = options.check()?;
        let file = options.command_config.as_ref().and_then(Option::as_deref);
        let settings = arguments::settings(file, &[])?;
        Ok((options, action, settings))
    });
    let (options, action, settings) = match checked {
        Ok(checked) => checked,
        Err(refusal) => return refusal.print::<FeatureCommandOptions>(),
    };
    match block_on(async { Ok(execute(&options, action, &settings).await) }) {
        Ok(Ok(code)) => code,
        Ok(Err(thrown)) => thrown.leave_main(),
        Err(error) => arguments::thrown("java.lang.RuntimeException", error),
    }
}

async fn execute(
    options: &FeatureCommandOptions,
    action: FeatureAction,
    settings: &Properties,
) -> Result<ExitCode, JavaThrowable> {
    let servers = options.bootstrap_server.as_deref().unwrap_or_default();
    let admin = JavaClient::Admin.connect(settings, servers, "adminclient-1").await?;
    match run_action(options, action, &admin).await {
        Ok(code) => Ok(code),
        Err(thrown) => {
            eprintln!("\nError encountered when executing command: {thrown}\n");
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn run_action(
    options: &FeatureCommandOptions,
    action: FeatureAction,
    admin: &Admin,
) -> Result<ExitCode, JavaThrowable> {
    let from_controller = options.from_controller || action != FeatureAction::Describe;
    let how = DescribeFeaturesOptions::default();
    let how = if from_controller { how.of_controller() } else { how };
    let features = admin.describe_features(how).await?;
    let direction = match action {
        FeatureAction::Describe => {
            let described = DescribedFeatures::new(&features);
            options.output.print(&described, DescribedFeatures::print_text).map_err(unprintable)?;
            return Ok(ExitCode::SUCCESS);
        }
        FeatureAction::Update(direction) => direction,
    };
    let planned = plan(direction, &broker_features(), &features.finalized_features);
    let updates = if options.dry_run || planned.is_empty() {
        FeatureUpdates::only_planned(planned)
    } else {
        let asked = planned.iter().map(|update| (update.feature.clone(), update.request()));
        let results = admin.update_features(asked).await;
        FeatureUpdates::applied(planned, |feature| {
            results
                .get(feature)
                .and_then(|result| result.as_ref().err())
                .map(|error| JavaThrowable::from(error).head())
        })
    };
    options.output.print(&updates, FeatureUpdates::print_text).map_err(unprintable)?;
    Ok(if updates.all_succeeded() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn unprintable(error: serde_json::Error) -> JavaThrowable {
    JavaThrowable::new("java.io.IOException", error.to_string())
}
