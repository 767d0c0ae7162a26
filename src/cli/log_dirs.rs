//! `kafka-log-dirs.sh`: the data directories of brokers and the replicas in them, as JSON (Kafka's `LogDirsCommand`).

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use clap::Parser;
use log::LevelFilter;
use serde_json::{Value, json};

use super::arguments::{self, EarlyExit, require};
use super::java::{self, JavaClient};
use super::output_format::OutputOption;
use super::throwable::JavaThrowable;
use super::{block_on, logging};
use crate::base::BrokerId;
use crate::base::jvm_order::{self, partition_hash};
use crate::client::admin::{DescribeClusterOptions, LogDirDescription};
use crate::config::Properties;

const ABOUT: &str = "This tool helps to query log directory usage on the specified brokers.";

/// The options.
#[derive(Debug, Parser)]
pub(super) struct LogDirsOptions {
    /// REQUIRED: The brokers to talk to, as host:port[,host:port...].
    #[arg(long, value_name = "servers")]
    bootstrap_server: Option<String>,
    /// The ids of the brokers that are asked, with commas between them; all where it is left out.
    #[arg(long, value_name = "ids")]
    broker_list: Option<String>,
    /// A properties file for the connection to the brokers.
    #[arg(long, value_name = "file")]
    command_config: Option<String>,
    /// REQUIRED: Describe the data directories.
    #[arg(long)]
    describe: bool,
    #[command(flatten)]
    output: OutputOption,
    /// The topics whose replicas are described, with commas between them; all where it is left out.
    #[arg(long, value_name = "topics", default_value = "")]
    topic_list: String,
}

type BrokerLogDirs = BTreeMap<BrokerId, BTreeMap<String, LogDirDescription>>;

/// Runs the tool.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    if arguments.is_empty() {
        return EarlyExit::Usage(ABOUT.to_owned()).print::<LogDirsOptions>();
    }
    let checked = arguments::parse::<LogDirsOptions>(ABOUT, &arguments).and_then(|options| {
        require(options.bootstrap_server.is_some(), "bootstrap-server")?;
        require(options.describe, "describe")?;
        let settings = arguments::settings(options.command_config.as_deref(), &[])?;
        Ok((options, settings))
    });
    let (options, settings) = match checked {
        Ok(checked) => checked,
        Err(refusal) => return refusal.print::<LogDirsOptions>(),
    };
    match block_on(async { Ok(options.describe(&settings).await) }) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(thrown)) => thrown.leave_main(),
        Err(error) => arguments::thrown("java.lang.RuntimeException", error),
    }
}

impl LogDirsOptions {
    async fn describe(&self, settings: &Properties) -> Result<(), JavaThrowable> {
        let servers = self.bootstrap_server.as_deref().unwrap_or_default();
        let admin = JavaClient::Admin.connect(settings, servers, "log-dirs-tool").await?;
        let brokers = match &self.broker_list {
            Some(list) => broker_ids(list)?,
            None => {
                let cluster = admin.describe_cluster(DescribeClusterOptions::default()).await;
                let cluster = cluster.map_err(|error| JavaThrowable::of_call(&error, "listNodes"))?;
                cluster.nodes.iter().map(|node| node.id).collect()
            }
        };
        self.output.note(format_args!("Querying brokers for log directories information"));
        let found = admin.describe_log_dirs(brokers.iter().copied()).await.all();
        let found = found.map_err(|error| JavaThrowable::of_call(&error, "describeLogDirs"))?;
        let ids: Vec<_> = brokers.iter().map(ToString::to_string).collect();
        self.output.note(format_args!("Received log directory information from brokers {}", ids.join(",")));
        let topics = self.topic_list.split(',').filter(|topic| !topic.is_empty()).collect();
        println!("{}", as_json(found, &topics));
        Ok(())
    }
}

fn broker_ids(list: &str) -> Result<Vec<BrokerId>, JavaThrowable> {
    let ids = list.split(',').filter(|id| !id.is_empty());
    let not_a_number = |id| {
        let message = format!("For input string: \"{id}\"");
        JavaThrowable::new("java.lang.NumberFormatException", message)
    };
    ids.map(|id| id.parse().map_err(|_| not_a_number(id))).collect()
}

/// The directories as Kafka prints them; `topics` are those whose replicas are wanted, all where there are none.
fn as_json(brokers: BrokerLogDirs, topics: &BTreeSet<&str>) -> Value {
    let brokers = jvm_order::scala_mutable_set(brokers.into_iter().map(|it| (it.0, it)).collect());
    let brokers = brokers.into_iter().map(|(broker, dirs)| {
        let dirs = jvm_order::java_map_of_size(dirs.into_iter().collect());
        let dirs: Vec<_> = dirs.iter().map(|(path, dir)| dir_as_json(path, dir, topics)).collect();
        json!({"broker": broker, "logDirs": dirs})
    });
    json!({"version": 1, "brokers": brokers.collect::<Vec<_>>()})
}

fn dir_as_json(path: &str, dir: &LogDirDescription, topics: &BTreeSet<&str>) -> Value {
    let wanted = dir.replica_infos.iter().filter(|(id, _)| topics.is_empty() || topics.contains(&*id.topic));
    let wanted = wanted.map(|(id, info)| {
        let replica = json!({
            "partition": id.to_string(),
            "size": info.size,
            "offsetLag": info.offset_lag,
            "isFuture": info.is_future,
        });
        (partition_hash(id), replica)
    });
    let error = dir.error.as_ref().map(java::class);
    json!({"logDir": path, "error": error, "partitions": jvm_order::scala_mutable_set(wanted.collect())})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::TopicPartition;
    use crate::client::admin::ReplicaInfo;
    use crate::client::error::ClientError;
    use crate::wire::error_code::ErrorCode;

    #[test]
    fn directories_are_printed_as_by_kafka() {
        let replica = |size| ReplicaInfo { size, offset_lag: 0, is_future: false };
        let replicas = [("p", 0, 0), ("p", 1, 10_997), ("q", 0, 5)];
        let replica_infos =
            replicas.into_iter().map(|(topic, at, size)| (TopicPartition::new(topic, at), replica(size)));
        let good = LogDirDescription { error: None, replica_infos: replica_infos.collect() };
        let failed = ClientError::refused(ErrorCode::KafkaStorageError);
        let failed = LogDirDescription { error: Some(failed), replica_infos: BTreeMap::new() };
        let dirs = [("/data".to_owned(), good)].into();
        assert_eq!(
            as_json([(1, dirs)].into(), &["p"].into()).to_string(),
            r#"{"version":1,"brokers":[{"broker":1,"logDirs":[{"logDir":"/data","error":null,"partitions":[{"partition":"p-1","size":10997,"offsetLag":0,"isFuture":false},{"partition":"p-0","size":0,"offsetLag":0,"isFuture":false}]}]}]}"#
        );
        let dirs = [("/failed".to_owned(), failed)].into();
        assert_eq!(
            as_json([(2, dirs)].into(), &BTreeSet::new()).to_string(),
            r#"{"version":1,"brokers":[{"broker":2,"logDirs":[{"logDir":"/failed","error":"org.apache.kafka.common.errors.KafkaStorageException","partitions":[]}]}]}"#
        );
    }

    #[test]
    fn ids_are_numbers_with_commas_between_them() {
        assert_eq!(broker_ids("1,,7").unwrap(), [1, 7]);
        let refused = broker_ids("1,x").unwrap_err().head();
        assert_eq!(refused, "java.lang.NumberFormatException: For input string: \"x\"");
    }
}
