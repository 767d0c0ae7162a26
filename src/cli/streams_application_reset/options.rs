//! The options of `kafka-streams-application-reset.sh`, and which of them go together.
//!
//! Pure.

use clap::Parser;

use super::plan::StreamsScenario;
use crate::base::jvm_order;
use crate::cli::arguments::{EarlyExit, forbid};
use crate::cli::output_format::OutputOption;
use crate::cli::throwable::JavaThrowable;

/// The options.
#[derive(Debug, Default, Parser)]
pub(crate) struct StreamsResetOptions {
    /// The id of the application (application.id), which is its group, too. Required.
    #[arg(long, value_name = "id")]
    pub application_id: Option<String>,
    /// The brokers to talk to, as host:port[,host:port...].
    #[arg(long, value_name = "servers", default_value = "localhost:9092")]
    pub bootstrap_servers: String,
    /// Begin the input topics at the first records of the last so long a time, as PnDTnHnMnS.
    #[arg(long, value_name = "duration", allow_hyphen_values = true)]
    pub by_duration: Option<String>,
    /// A properties file for the connection to the brokers.
    #[arg(long, value_name = "file")]
    pub config_file: Option<String>,
    /// Show what would be done.
    #[arg(long)]
    pub dry_run: bool,
    /// Do it; the default.
    #[arg(long)]
    pub execute: bool,
    /// Remove the members that the group still has. Stop the application before.
    #[arg(long)]
    pub force: bool,
    /// Begin the input topics at the offsets of a CSV file with lines topic,partition,offset.
    #[arg(long, value_name = "file")]
    pub from_file: Option<String>,
    /// The topics that the application reads, parted by commas: it begins them anew, at their first records unless
    /// another option is given.
    #[arg(long, value_name = "topics", value_delimiter = ',')]
    pub input_topics: Vec<String>,
    /// The topics that the application writes and reads, parted by commas: it goes on behind their last records.
    #[arg(long, value_name = "topics", value_delimiter = ',')]
    pub intermediate_topics: Vec<String>,
    #[command(flatten)]
    pub output: OutputOption,
    /// Begin the input topics so many offsets further on or (negative) back.
    #[arg(long, value_name = "offsets", allow_hyphen_values = true)]
    pub shift_by: Option<String>,
    /// Begin the input topics at the first records of this time or later, as YYYY-MM-DDTHH:mm:SS.sss.
    #[arg(long, value_name = "datetime")]
    pub to_datetime: Option<String>,
    /// Begin the input topics at their first records.
    #[arg(long)]
    pub to_earliest: bool,
    /// Begin the input topics behind their last records.
    #[arg(long)]
    pub to_latest: bool,
    /// Begin the input topics at this offset.
    #[arg(long, value_name = "offset", allow_hyphen_values = true)]
    pub to_offset: Option<String>,
    /// Accepted for old scripts; ZooKeeper is not asked.
    #[arg(long)]
    pub zookeeper: bool,
}

impl StreamsResetOptions {
    /// Checks which options go together, in Kafka's order.
    ///
    /// # Errors
    /// The refusal, in Kafka's words.
    pub(super) fn check(&self) -> Result<(), EarlyExit> {
        if self.application_id.is_none() {
            return Err(EarlyExit::Usage("Missing required option(s) [application-id]".to_owned()));
        }
        if self.execute && self.dry_run {
            return Err(EarlyExit::Usage("Only one of --dry-run and --execute can be specified".to_owned()));
        }
        let scenarios = [
            ("to-offset", self.to_offset.is_some()),
            ("to-datetime", self.to_datetime.is_some()),
            ("by-duration", self.by_duration.is_some()),
            ("to-earliest", self.to_earliest),
            ("to-latest", self.to_latest),
            ("from-file", self.from_file.is_some()),
            ("shift-by", self.shift_by.is_some()),
        ];
        // Of several others the refusal names the first one of Java's set. An option's hash code is that of a list of
        // its name.
        let hashed =
            scenarios.iter().map(|it| (31i32.wrapping_add(jvm_order::hash_code(it.0)), *it)).collect();
        let in_set = jvm_order::java_map_by_hash(hashed);
        for scenario in scenarios {
            let others: Vec<_> = in_set.iter().filter(|other| other.0 != scenario.0).copied().collect();
            forbid(scenario, &others)?;
        }
        Ok(())
    }

    /// The application's id.
    pub(super) fn group(&self) -> &str {
        self.application_id.as_deref().unwrap_or_default()
    }

    /// Where input topics begin, by the options.
    ///
    /// # Errors
    /// An offset is no number.
    pub(super) fn scenario(&self) -> Result<StreamsScenario<'_>, JavaThrowable> {
        let number = |option, text: &str| text.parse().map_err(|_| JavaThrowable::not_a_number(option, text));
        Ok(match (&self.to_offset, self.to_latest, &self.shift_by) {
            (Some(offset), ..) => StreamsScenario::ToOffset(number("to-offset", offset)?),
            (_, true, _) => StreamsScenario::ToLatest,
            (.., Some(by)) => StreamsScenario::ShiftBy(number("shift-by", by)?),
            _ => match (&self.to_datetime, &self.by_duration, &self.from_file) {
                (Some(time), ..) => StreamsScenario::ToDatetime(time),
                (_, Some(duration), _) => StreamsScenario::ByDuration(duration),
                (.., Some(file)) => StreamsScenario::FromFile(file),
                _ => StreamsScenario::ToEarliest,
            },
        })
    }
}
