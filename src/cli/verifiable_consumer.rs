//! `kafka-verifiable-consumer.sh`: reads a topic in a group, and prints what happens to it as lines of JSON (Kafka's
//! `VerifiableConsumer`).

mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgGroup, Parser};
use log::LevelFilter;
use serde_json::{Value, json};

use self::records::ConsumedRecords;
use super::argparse::{ArgumentParser, ParserExit};
use super::java::JavaException;
use super::java_map::sort_as_hash_map;
use super::stopping::Stopping;
use super::throwable::JavaThrowable;
use super::{block_on, clients, logging};
use crate::base::{Clock, TopicPartition};
use crate::client::consumer::{
    ConsumerError, ConsumerRebalanceListener, ListenerFuture, RebalancingConsumer,
};
use crate::client::{ClientError, Consumer, OffsetAndMetadata};
use crate::config::Properties;
use crate::wire::error_code::ErrorCode;

/// How long a poll waits; the next one follows.
const POLL: Duration = Duration::from_secs(3600);
/// How long closing may take.
const CLOSE: Duration = Duration::from_secs(30);

/// Reads a topic in a group, and prints an event in JSON for each rebalance, for the records of each poll and for each
/// commit.
#[derive(Debug, Parser)]
#[command(group = ArgGroup::new("connection").required(true).args(["bootstrap_server", "broker_list"]))]
pub(super) struct VerifiableConsumerOptions {
    /// The topic to read.
    #[arg(long, value_name = "TOPIC")]
    topic: String,
    /// The group to join.
    #[arg(long, value_name = "GROUP_ID")]
    group_id: String,
    /// The id of a static member.
    #[arg(long, value_name = "GROUP_INSTANCE_ID")]
    group_instance_id: Option<String>,
    /// How many records to read; -1 for as many as come until a signal ends it.
    #[arg(long, value_name = "MAX-MESSAGES", default_value_t = -1)]
    max_messages: i32,
    /// The group removes the consumer when it has not heard of it for so long, in milliseconds.
    #[arg(long, value_name = "TIMEOUT_MS", default_value_t = 30_000)]
    session_timeout: i32,
    /// Print an event for each record as well.
    #[arg(long)]
    verbose: bool,
    /// Have the consumer commit by itself.
    #[arg(long)]
    enable_autocommit: bool,
    /// Where to begin without a committed offset: earliest, latest or none.
    #[arg(long, value_name = "RESETPOLICY", default_value = "earliest")]
    reset_policy: String,
    /// The Java class that assigns partitions, as org.apache.kafka.clients.consumer.RoundRobinAssignor.
    #[arg(
        long,
        value_name = "ASSIGNMENTSTRATEGY",
        default_value = "org.apache.kafka.clients.consumer.RangeAssignor"
    )]
    assignment_strategy: String,
    /// A properties file of consumer settings; the options go before it.
    #[arg(long = "consumer.config", value_name = "CONFIG_FILE")]
    consumer_config: Option<String>,
    /// The brokers to begin with, as host:port[,host:port...]. Required.
    #[arg(long, value_name = "HOST1:PORT1[,HOST2:PORT2[...]]")]
    bootstrap_server: Option<String>,
    /// The old name of --bootstrap-server.
    #[arg(long, value_name = "HOST1:PORT1[,HOST2:PORT2[...]]")]
    broker_list: Option<String>,
}

/// Runs the tool; exit code 130 or 143 where a signal ended it.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let parser = ArgumentParser::new::<VerifiableConsumerOptions>("verifiable-consumer");
    let read = parser.read(&arguments, |options: VerifiableConsumerOptions| {
        let settings = options.settings()?;
        Ok((options, settings))
    });
    let (options, settings) = match read {
        Ok(read) => read,
        Err(code) => return code,
    };
    match block_on(execute(&options, &settings)) {
        Ok(code) => code.into(),
        Err(error) => JavaThrowable::of_tool(&error).leave_main(),
    }
}

impl VerifiableConsumerOptions {
    fn settings(&self) -> Result<Properties, ParserExit> {
        let mut settings = match &self.consumer_config {
            Some(file) => Properties::read(file).map_err(|_| ParserExit::Invalid(file.clone()))?,
            None => Properties::default(),
        };
        let servers = self.bootstrap_server.as_ref().or(self.broker_list.as_ref());
        settings.set("bootstrap.servers", servers.map(String::as_str).unwrap_or_default());
        settings.set("group.id", &self.group_id);
        if let Some(id) = &self.group_instance_id {
            settings.set("group.instance.id", id);
        }
        settings.set("enable.auto.commit", self.enable_autocommit.to_string());
        settings.set("auto.offset.reset", &self.reset_policy);
        settings.set("session.timeout.ms", self.session_timeout.to_string());
        settings.set("partition.assignment.strategy", &self.assignment_strategy);
        Ok(settings)
    }
}

async fn execute(options: &VerifiableConsumerOptions, settings: &Properties) -> anyhow::Result<u8> {
    let stopping = Stopping::listen()?;
    let mut consumer = clients::start_consumer(settings).await?;
    let (wakeup, asked) = (consumer.wakeup_handle(), stopping.clone());
    tokio::spawn(async move {
        asked.asked().await;
        wakeup.wakeup();
    });
    print_event("startup_complete", json!({}));
    match consume(options, &mut consumer).await {
        // The tool is to finish.
        Ok(()) | Err(ClientError::Consumer(ConsumerError::Wakeup)) => {}
        Err(error) => failed(&error),
    }
    if let Err(error) = consumer.close(CLOSE).await {
        failed(&error);
    }
    print_event("shutdown_complete", json!({}));
    Ok(stopping.exit_code())
}

/// Logs what ends the consumer; the exit code is 0 all the same, as in Kafka.
fn failed(error: &ClientError) {
    let target = "org.apache.kafka.tools.VerifiableConsumer";
    log::error!(target: target, "Error during processing, terminating consumer process: ");
    eprintln!("{}", JavaException(error));
}

async fn consume(options: &VerifiableConsumerOptions, consumer: &mut Consumer) -> Result<(), ClientError> {
    consumer.subscribe_with([options.topic.as_str()], Arc::new(PrintedRebalances))?;
    let most = u64::try_from(options.max_messages).ok();
    let mut consumed = 0;
    while most.is_none_or(|most| consumed < most) {
        let records = consumer.poll(POLL).await?;
        if records.is_empty() {
            continue;
        }
        let taken = ConsumedRecords::take(&records, most.map(|most| most - consumed));
        consumed += taken.count();
        if options.verbose {
            taken.records().for_each(|record| print_event("record_data", record));
        }
        print_event("records_consumed", taken.summary());
        if !options.enable_autocommit {
            commit(consumer, &taken).await?;
        }
    }
    Ok(())
}

/// Commits the offsets behind records, and prints what came of that; a consumer that is woken up commits first.
async fn commit(consumer: &mut Consumer, taken: &ConsumedRecords<'_>) -> Result<(), ClientError> {
    let offsets = taken.offsets();
    let mut outcome = commit_once(consumer, &offsets).await;
    let is_woken = matches!(outcome, Err(ClientError::Consumer(ConsumerError::Wakeup)));
    if is_woken {
        outcome = commit_once(consumer, &offsets).await;
    }
    match outcome {
        Err(error) if error.code() == Some(ErrorCode::FencedInstanceId) => return Err(error),
        Err(error) => print_event(
            "offsets_committed",
            json!({ "offsets": taken.offsets_json(), "error": error.to_string(), "success": false }),
        ),
        Ok(()) => {
            print_event("offsets_committed", json!({ "offsets": taken.offsets_json(), "success": true }));
        }
    }
    if is_woken { Err(ConsumerError::Wakeup.into()) } else { Ok(()) }
}

async fn commit_once(
    consumer: &mut Consumer,
    offsets: &BTreeMap<TopicPartition, OffsetAndMetadata>,
) -> Result<(), ClientError> {
    consumer.commit_offsets(offsets.clone()).await
}

/// Prints an event: its time, its name, and what else it has.
fn print_event(name: &str, more: Value) {
    println!("{}", super::events::line(name, more, Clock::System.now()));
}

/// Prints which partitions the consumer is assigned and gives up.
struct PrintedRebalances;

impl PrintedRebalances {
    fn print(&self, name: &str, partitions: BTreeSet<TopicPartition>) -> ListenerFuture {
        let mut partitions: Vec<_> = partitions.into_iter().collect();
        sort_as_hash_map(&mut partitions, |it| it);
        let partitions = partitions.iter().map(|it| json!({ "topic": *it.topic, "partition": it.partition }));
        print_event(name, json!({ "partitions": partitions.collect::<Vec<_>>() }));
        Box::pin(std::future::ready(()))
    }
}

impl ConsumerRebalanceListener for PrintedRebalances {
    fn on_partitions_revoked(
        &self,
        _consumer: RebalancingConsumer,
        partitions: BTreeSet<TopicPartition>,
    ) -> ListenerFuture {
        self.print("partitions_revoked", partitions)
    }

    fn on_partitions_assigned(
        &self,
        _consumer: RebalancingConsumer,
        partitions: BTreeSet<TopicPartition>,
    ) -> ListenerFuture {
        self.print("partitions_assigned", partitions)
    }
}
