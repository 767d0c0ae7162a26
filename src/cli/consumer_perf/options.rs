//! The options of `kafka-consumer-perf-test.sh`, and what they ask for.

use std::time::Duration;

use clap::Parser;

use crate::base::Millis;
use crate::cli::arguments::{EarlyExit, require};
use crate::cli::clients::load_properties;
use crate::cli::output_format::OutputOption;
use crate::cli::throwable::JavaThrowable;
use crate::config::Properties;
use crate::logging::date_pattern::to_strftime;

/// The options.
#[derive(Debug, Parser)]
pub(crate) struct ConsumerPerfOptions {
    /// The brokers to read from, as host:port[,host:port...]. Required, unless --broker-list is given.
    #[arg(long, value_name = "servers")]
    pub bootstrap_server: Option<String>,
    /// The old name of --bootstrap-server.
    #[arg(long, value_name = "servers")]
    pub broker_list: Option<String>,
    /// A properties file of consumer settings.
    #[arg(long = "consumer.config", value_name = "file")]
    pub consumer_config: Option<String>,
    /// How times are printed, as a pattern of Java's SimpleDateFormat.
    #[arg(long, value_name = "pattern", default_value = "yyyy-MM-dd HH:mm:ss:SSS")]
    pub date_format: String,
    /// Bytes that a fetch may bring of one partition.
    #[arg(long, value_name = "bytes", default_value_t = 1024 * 1024)]
    pub fetch_size: i32,
    /// Begin after the last record where the group has committed nothing; else with the first.
    #[arg(long)]
    pub from_latest: bool,
    /// The group to join; one of its own where it is left out.
    #[arg(long, value_name = "group")]
    pub group: Option<String>,
    /// Leave out the line that names the columns.
    #[arg(long)]
    pub hide_header: bool,
    /// How many records to read. Required.
    #[arg(long, value_name = "count")]
    pub messages: Option<i64>,
    /// Accepted for old scripts; it changes nothing.
    #[arg(long, value_name = "count")]
    pub num_fetch_threads: Option<i32>,
    #[command(flatten)]
    pub output: OutputOption,
    /// Print what the consumer has counted at the end.
    #[arg(long)]
    pub print_metrics: bool,
    /// How often --show-detailed-stats prints a line, in milliseconds.
    #[arg(long, value_name = "ms", default_value_t = 5000)]
    pub reporting_interval: i32,
    /// Print a line for each --reporting-interval rather than one at the end.
    #[arg(long)]
    pub show_detailed_stats: bool,
    /// The size of the socket's buffer for what is received, in bytes.
    #[arg(long, value_name = "bytes", default_value_t = 2 * 1024 * 1024)]
    pub socket_buffer_size: i32,
    /// Accepted for old scripts; it changes nothing.
    #[arg(long, value_name = "count")]
    pub threads: Option<i32>,
    /// End when no record has come for so long, in milliseconds.
    #[arg(long, value_name = "ms", num_args = 0..=1, default_value_t = 10_000, default_missing_value = "10000")]
    pub timeout: i64,
    /// The topic to read. Required.
    #[arg(long, value_name = "topic")]
    pub topic: Option<String>,
}

/// Options that were found to go together.
#[derive(Debug)]
pub(super) struct ConsumerPerfCommand {
    pub(super) topic: String,
    /// How many records are read.
    pub(super) messages: u64,
    pub(super) timeout: Millis,
    pub(super) reporting_interval: Millis,
    pub(super) is_detailed: bool,
    pub(super) has_header: bool,
    pub(super) prints_metrics: bool,
    /// How times are printed, as a `strftime` pattern.
    pub(super) date_format: String,
    pub(super) settings: Properties,
    pub(super) output: OutputOption,
}

/// Why the tool does not begin.
#[derive(Debug)]
pub(super) enum ConsumerPerfRefusal {
    /// The options do not go together.
    Usage(EarlyExit),
    /// A value cannot be used.
    Thrown(JavaThrowable),
}

impl ConsumerPerfOptions {
    /// Whether an option is given that has lost its effect.
    pub(super) fn has_ignored(&self) -> bool {
        self.threads.is_some() || self.num_fetch_threads.is_some()
    }

    /// What the options ask for.
    ///
    /// # Errors
    /// The first of Kafka's checks that fails.
    pub(super) fn check(self) -> Result<ConsumerPerfCommand, ConsumerPerfRefusal> {
        let usage = ConsumerPerfRefusal::Usage;
        require(self.topic.is_some(), "topic").map_err(usage)?;
        require(self.messages.is_some(), "messages").map_err(usage)?;
        let thrown = |message: String| {
            ConsumerPerfRefusal::Thrown(JavaThrowable::new("java.lang.IllegalArgumentException", message))
        };
        let settings = self.settings().map_err(ConsumerPerfRefusal::Thrown)?;
        if self.reporting_interval <= 0 {
            return Err(thrown("Reporting interval must be greater than 0.".to_owned()));
        }
        let date_format = to_strftime(&self.date_format)
            .map_err(|letter| thrown(format!("Illegal pattern character '{letter}'")))?;
        Ok(ConsumerPerfCommand {
            topic: self.topic.unwrap_or_default(),
            messages: u64::try_from(self.messages.unwrap_or_default()).unwrap_or(0),
            timeout: self.timeout,
            reporting_interval: self.reporting_interval.into(),
            is_detailed: self.show_detailed_stats,
            has_header: !self.hide_header,
            prints_metrics: self.print_metrics,
            date_format,
            settings,
            output: self.output,
        })
    }

    fn settings(&self) -> Result<Properties, JavaThrowable> {
        let mut settings = match &self.consumer_config {
            Some(file) => load_properties(file)?,
            None => Properties::default(),
        };
        let group = self.group.clone();
        let group = group.unwrap_or_else(|| format!("perf-consumer-{}", fastrand::u32(0..100_000)));
        let servers = self.bootstrap_server.as_ref().or(self.broker_list.as_ref());
        settings.set("bootstrap.servers", servers.map(String::as_str).unwrap_or_default());
        settings.set("group.id", group);
        settings.set("receive.buffer.bytes", self.socket_buffer_size.to_string());
        settings.set("max.partition.fetch.bytes", self.fetch_size.to_string());
        settings.set("auto.offset.reset", if self.from_latest { "latest" } else { "earliest" });
        settings.set("check.crcs", "false");
        Ok(settings)
    }
}

/// How long a poll waits.
pub(super) const POLL: Duration = Duration::from_millis(100);
