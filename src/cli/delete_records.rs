//! `kafka-delete-records.sh`: deletes the records below an offset of partitions (Kafka's `DeleteRecordsCommand`).

mod offsets_file;
mod results;

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Parser;
use log::LevelFilter;

use self::offsets_file::RecordsToDelete;
use self::results::{DeletableLog, PartitionDeletion, RecordDeletions};
use super::arguments::{self, EarlyExit, require};
use super::java::JavaClient;
use super::output_format::OutputOption;
use super::throwable::JavaThrowable;
use super::{block_on, json_file, logging};
use crate::admin::names::is_internal;
use crate::base::TopicPartition;
use crate::client::admin::{
    Admin, ConfigResource, DescribeConfigsOptions, DescribeTopicsOptions, FoundOffset, ItemResults,
    ListOffsetsOptions, OffsetSpec,
};
use crate::client::error::ClientError;
use crate::config::Properties;
use crate::wire::error_code::ErrorCode;

const ABOUT: &str = "This tool helps to delete records of the given partitions down to the specified offset.";

/// The options.
#[derive(Debug, Parser)]
pub(super) struct DeleteRecordsOptions {
    /// REQUIRED: The brokers to talk to, as host:port[,host:port...].
    #[arg(long, value_name = "servers")]
    bootstrap_server: Option<String>,
    /// A properties file for the connection to the brokers.
    #[arg(long, value_name = "file")]
    command_config: Option<String>,
    /// Delete nothing; print of each partition the first offset as it is, and as it would be.
    #[arg(long)]
    dry_run: bool,
    /// REQUIRED: A JSON file with the partitions and, of each, the offset below which records are deleted; -1 deletes
    /// all that are replicated. {"partitions": [{"topic": "t", "partition": 0, "offset": 100}], "version": 1}
    #[arg(long, value_name = "file")]
    offset_json_file: Option<String>,
    #[command(flatten)]
    output: OutputOption,
}

/// Runs the tool; exit code 0 even where records of a partition could not be deleted, as in Kafka.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    if arguments.is_empty() {
        return EarlyExit::Usage(ABOUT.to_owned()).print::<DeleteRecordsOptions>();
    }
    let checked = arguments::parse::<DeleteRecordsOptions>(ABOUT, &arguments).and_then(|options| {
        require(options.bootstrap_server.is_some(), "bootstrap-server")?;
        require(options.offset_json_file.is_some(), "offset-json-file")?;
        let settings = arguments::settings(options.command_config.as_deref(), &[])?;
        Ok((options, settings))
    });
    let (options, settings) = match checked {
        Ok(checked) => checked,
        Err(refusal) => return refusal.print::<DeleteRecordsOptions>(),
    };
    match block_on(async { Ok(options.execute(&settings).await) }) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(thrown)) => thrown.leave_main(),
        Err(error) => arguments::thrown("java.lang.RuntimeException", error),
    }
}

impl DeleteRecordsOptions {
    async fn execute(&self, settings: &Properties) -> Result<(), JavaThrowable> {
        let servers = self.bootstrap_server.as_deref().unwrap_or_default();
        let admin = JavaClient::Admin.connect(settings, servers, "adminclient-1").await?;
        let text = json_file::read(self.offset_json_file.as_deref().unwrap_or_default())?;
        let wanted = offsets_file::parse(&text)?;
        let partitions = if self.dry_run {
            self.output.note(format_args!("Records delete operation, not executed because of --dry-run:"));
            plan(&admin, wanted).await
        } else {
            self.output.note(format_args!("Executing records delete operation"));
            let deleted = delete(&admin, wanted).await;
            self.output.note(format_args!("Records delete operation completed:"));
            deleted
        };
        let deletions = RecordDeletions { dry_run: self.dry_run, partitions };
        let printed = self.output.print(&deletions, |deletions| {
            deletions.partitions.iter().for_each(|it| println!("{}", it.line));
        });
        printed.map_err(|error| JavaThrowable::new("java.io.IOException", error.to_string()))
    }
}

async fn delete(admin: &Admin, wanted: Vec<RecordsToDelete>) -> Vec<PartitionDeletion> {
    let before = wanted.iter().map(|it| (it.partition.clone(), Some(it.before)));
    let deleted = admin.delete_records(before).await;
    let ordered = results::in_java_order(wanted).into_iter();
    ordered.map(|it| PartitionDeletion::done(it.partition.clone(), &deleted[&it.partition])).collect()
}

async fn plan(admin: &Admin, wanted: Vec<RecordsToDelete>) -> Vec<PartitionDeletion> {
    let topics: BTreeSet<_> = wanted.iter().map(|it| it.partition.topic.to_string()).collect();
    let resources: Vec<_> = topics.iter().map(|topic| ConfigResource::topic(topic.as_str())).collect();
    let (described, configs) = tokio::join!(
        admin.describe_topics(topics, DescribeTopicsOptions::default()),
        admin.describe_configs(resources, DescribeConfigsOptions::default())
    );
    let led = |id: &TopicPartition| -> Result<(), ClientError> {
        let topic = described[&*id.topic].as_ref().map_err(Clone::clone)?;
        let is_led = topic.partitions.iter().any(|it| it.partition == id.partition && it.leader.is_some());
        if is_led { Ok(()) } else { Err(ClientError::refused(ErrorCode::LeaderNotAvailable)) }
    };
    let offsets = |spec| {
        let led = wanted.iter().filter(|it| led(&it.partition).is_ok());
        let specs: Vec<_> = led.map(|it| (it.partition.clone(), spec)).collect();
        admin.list_offsets(specs, ListOffsetsOptions::default())
    };
    let (earliest, latest) = tokio::join!(offsets(OffsetSpec::Earliest), offsets(OffsetSpec::Latest));
    let offset = |found: &ItemResults<_, FoundOffset>, id: &TopicPartition| {
        found[id].clone().map(|found| found.offset.unwrap_or_default())
    };
    let log = |id: &TopicPartition| {
        led(id)?;
        let config = configs[&ConfigResource::topic(&*id.topic)].clone()?;
        let policy = config.get("cleanup.policy").and_then(|entry| entry.value.clone()).unwrap_or_default();
        Ok(DeletableLog {
            earliest: offset(&earliest, id)?,
            high_watermark: offset(&latest, id)?,
            is_internal: is_internal(&id.topic),
            deletes: policy.split(',').any(|policy| policy.trim() == "delete"),
        })
    };
    let ordered = results::in_java_order(wanted.clone()).into_iter();
    ordered.map(|it| PartitionDeletion::planned(&it, log(&it.partition))).collect()
}
