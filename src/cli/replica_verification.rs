//! `kafka-replica-verification.sh`: whether all replicas of the topics hold the same records (Kafka's
//! `ReplicaVerificationTool`).
//!
//! It fetches from all brokers at once, as a reader that may read from followers, compares the batches, and goes on
//! behind what all replicas have, until it is stopped.

mod comparison;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use futures_util::future::join_all;
use log::LevelFilter;
use serde::Serialize;
use tokio::time::Instant;

use super::arguments::{self, EarlyExit, require};
use super::java::JavaClient;
use super::output_format::OutputOption;
use super::throwable::JavaThrowable;
use super::{block_on, logging};
use crate::base::ids::by_topic;
use crate::base::{BrokerId, Offset, TopicPartition};
use crate::client::ClientError;
use crate::client::address::ServerAddress;
use crate::client::admin::{Admin, DescribeTopicsOptions, ListOffsetsOptions, ListTopicsOptions, OffsetSpec};
use crate::client::by_znode::{FilterKind, TopicFilter};
use crate::client::cluster::ClusterOptions;
use crate::client::metadata::Target;
use crate::client::settings::AdminSettings;
use crate::wire::memory_records::MemoryRecords;
use crate::wire::message::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic};
use comparison::{
    BatchChecksum, FetchedReplica, MaxLag, ReplicaComparison, UnmatchedChecksum, UnmatchedOffset,
};

/// The id in a fetch of a reader that is no broker and may read from followers (`Request.DebuggingConsumerId`).
const DEBUGGING_CONSUMER: BrokerId = -2;
/// How long an answer may take beyond the time for which the broker may wait for records.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// The options.
#[derive(Debug, Parser)]
pub(crate) struct ReplicaVerificationOptions {
    /// The brokers to begin with, as host:port[,host:port...].
    #[arg(long, value_name = "servers")]
    broker_list: Option<String>,
    /// The most bytes to fetch of a partition at once.
    #[arg(long, value_name = "bytes", default_value_t = 1_048_576)]
    fetch_size: i32,
    /// How many milliseconds a fetch waits for records.
    #[arg(long, value_name = "ms", default_value_t = 1000)]
    max_wait_ms: i32,
    #[command(flatten)]
    output: OutputOption,
    /// How many milliseconds lie between two reports at least.
    #[arg(long, value_name = "ms", default_value_t = 30_000)]
    report_interval_ms: u64,
    /// Where to begin: at the offset of this time in milliseconds since the Unix epoch, -1 for the end, -2 for the
    /// start.
    #[arg(long, value_name = "time", default_value_t = -1, allow_hyphen_values = true)]
    time: i64,
    /// The topics: a regular expression, or several with commas between them.
    #[arg(long, value_name = "regex", default_value = ".*")]
    topic_white_list: String,
}

/// Why the verification ends.
#[derive(Debug)]
enum VerificationEnd {
    /// There is nothing to verify.
    NoTopics,
    /// Replicas differ in a way that ends the comparison.
    Unmatched,
    /// A Java exception.
    Thrown(JavaThrowable),
}

impl From<JavaThrowable> for VerificationEnd {
    fn from(thrown: JavaThrowable) -> Self {
        Self::Thrown(thrown)
    }
}

/// Runs the tool; it ends by a signal, or with exit code 1.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let about = "Validate that all replicas for a set of topics have the same data.";
    if arguments.is_empty() {
        return EarlyExit::Usage(about.to_owned()).print::<ReplicaVerificationOptions>();
    }
    let checked = arguments::parse::<ReplicaVerificationOptions>(about, &arguments)
        .and_then(|options| require(options.broker_list.is_some(), "broker-list").map(|()| options));
    let options = match checked {
        Ok(options) => options,
        Err(refusal) => return refusal.print::<ReplicaVerificationOptions>(),
    };
    let topics = match TopicFilter::new(FilterKind::Whitelist, &options.topic_white_list) {
        Ok(topics) => topics,
        Err(error) => return JavaThrowable::from(error).leave_main(),
    };
    let servers = options.broker_list.as_deref().unwrap_or_default();
    if ServerAddress::parse_list(servers).is_err() {
        let sentence = "Please provide valid host:port like host1:9091,host2:9092\n ";
        return EarlyExit::Usage(sentence.to_owned()).print::<ReplicaVerificationOptions>();
    }
    let verified = block_on(async { Ok(verify(&options, servers, &topics).await) });
    match verified {
        Ok(VerificationEnd::NoTopics) => {
            log::error!(
                target: "kafka.tools.ReplicaVerificationTool$",
                "No topics found. [topic-white-list] if specified, is either filtering out all topics or there is no topic."
            );
            ExitCode::FAILURE
        }
        Ok(VerificationEnd::Unmatched) => ExitCode::FAILURE,
        Ok(VerificationEnd::Thrown(thrown)) => thrown.leave_main(),
        Err(error) => arguments::thrown("java.lang.RuntimeException", error),
    }
}

async fn verify(
    options: &ReplicaVerificationOptions,
    servers: &str,
    topics: &TopicFilter,
) -> VerificationEnd {
    let begun = async {
        let settings = AdminSettings::new(servers).cluster;
        let events = JavaClient::Admin.log_events(&settings.client_id);
        let admin = Admin::new(ClusterOptions { events, ..settings }).await.map_err(JavaThrowable::from)?;
        ReplicaVerification::begin(admin, options, topics).await
    };
    match begun.await {
        Ok(mut verification) => verification.run().await,
        Err(end) => end,
    }
}

/// A verification under way.
struct ReplicaVerification<'a> {
    admin: Admin,
    options: &'a ReplicaVerificationOptions,
    /// The partitions of which each broker has a replica.
    replicas: BTreeMap<BrokerId, Vec<TopicPartition>>,
    comparison: ReplicaComparison,
}

impl<'a> ReplicaVerification<'a> {
    async fn begin(
        admin: Admin,
        options: &'a ReplicaVerificationOptions,
        filter: &TopicFilter,
    ) -> Result<Self, VerificationEnd> {
        let of_future = |error: ClientError| JavaThrowable::of_future(&error);
        let listed = admin.list_topics(ListTopicsOptions::default().list_internal()).await;
        let names = listed.map_err(of_future)?.into_keys().filter(|topic| filter.allows(topic, false));
        let described = admin.describe_topics(names, DescribeTopicsOptions::default()).await;
        let mut replicas = BTreeMap::<BrokerId, Vec<TopicPartition>>::new();
        let mut partitions = Vec::new();
        for (topic, described) in described.all().map_err(of_future)? {
            for partition in described.partitions {
                let id = TopicPartition::new(topic.as_str(), partition.partition);
                for broker in &*partition.replicas {
                    replicas.entry(*broker).or_default().push(id.clone());
                }
                partitions.push(id);
            }
        }
        if partitions.is_empty() {
            return Err(VerificationEnd::NoTopics);
        }
        let from = first_offsets(&admin, partitions, options.time).await.map_err(JavaThrowable::from)?;
        Ok(Self { admin, options, replicas, comparison: ReplicaComparison::new(from) })
    }

    /// Compares round by round, and reports.
    async fn run(&mut self) -> VerificationEnd {
        self.options.output.note(format_args!("{}: verification process is started.", now()));
        let interval = Duration::from_millis(self.options.report_interval_ms);
        let mut reported = Instant::now();
        loop {
            let (fetched, answers) = self.fetch_all().await;
            let mut unmatched = Vec::new();
            let compared = self.comparison.compare(&fetched, &mut unmatched);
            for found in &unmatched {
                self.print(ReplicaFinding::Checksum(found));
            }
            if let Err(found) = compared {
                self.print(ReplicaFinding::Offset(&found));
                return VerificationEnd::Unmatched;
            }
            if reported.elapsed() > interval {
                self.print(ReplicaFinding::Lag(self.comparison.max_lag()));
                reported = Instant::now();
            }
            if answers == 0 {
                tokio::time::sleep(self.admin.cluster().options().retry_backoff).await;
            }
        }
    }

    fn print(&self, finding: ReplicaFinding<'_>) {
        let time = now();
        let printed = self.options.output.print(&TimedFinding { time: &time, finding }, |it| {
            println!("{time}: {}", it.finding.text());
        });
        debug_assert!(printed.is_ok(), "a finding's keys are texts");
    }

    /// What each broker has of its partitions, and how many brokers have answered.
    async fn fetch_all(&self) -> (BTreeMap<TopicPartition, Vec<FetchedReplica>>, usize) {
        let positions: BTreeMap<_, _> = self.comparison.positions().cloned().collect();
        let fetches = self.replicas.iter().map(|(broker, partitions)| {
            let positions = &positions;
            async move { (*broker, partitions, self.fetch(*broker, partitions, positions).await) }
        });
        let mut fetched = BTreeMap::<TopicPartition, Vec<FetchedReplica>>::new();
        let mut answers = 0;
        for (broker, partitions, answer) in join_all(fetches).await {
            answers += usize::from(answer.is_some());
            let mut found = answer.map(replicas_of).unwrap_or_default();
            for id in partitions {
                let (high_watermark, batches) = found.remove(id).unwrap_or((-1, Vec::new()));
                let replica = FetchedReplica { broker, high_watermark, batches };
                fetched.entry(id.clone()).or_default().push(replica);
            }
        }
        (fetched, answers)
    }

    /// A broker's answer; None while it gives none.
    async fn fetch(
        &self,
        broker: BrokerId,
        partitions: &[TopicPartition],
        positions: &BTreeMap<TopicPartition, Offset>,
    ) -> Option<FetchResponse> {
        let entries = partitions.iter().map(|id| {
            let partition = FetchPartition {
                partition: id.partition,
                fetch_offset: positions.get(id).copied().unwrap_or_default(),
                log_start_offset: 0,
                partition_max_bytes: self.options.fetch_size,
                ..Default::default()
            };
            (id, partition)
        });
        let topics = by_topic(entries)
            .map(|(topic, partitions)| FetchTopic { topic: topic.to_string(), partitions })
            .collect();
        let request = FetchRequest {
            replica_id: DEBUGGING_CONSUMER,
            max_wait_ms: self.options.max_wait_ms,
            min_bytes: 1,
            topics,
            ..Default::default()
        };
        let wait = Duration::from_millis(u64::try_from(self.options.max_wait_ms).unwrap_or_default());
        let limit = wait + REQUEST_LIMIT;
        let target = Target::Broker(broker);
        let call = self.admin.cluster().call_within(&target, &request, limit);
        // A call to a broker that is not known waits for another one that knows it.
        tokio::time::timeout(limit, call).await.ok()?.ok()
    }
}

/// The high watermark and the batches of each partition of an answer; of a partition with an error there is nothing.
fn replicas_of(answer: FetchResponse) -> BTreeMap<TopicPartition, (Offset, Vec<BatchChecksum>)> {
    let mut found = BTreeMap::new();
    for topic in answer.responses {
        for partition in topic.partition_responses {
            let id = TopicPartition::new(topic.topic.as_str(), partition.partition);
            let bytes = partition.record_set.and_then(|records| records.read().ok()).unwrap_or_default();
            let batches = MemoryRecords::decode(bytes);
            let batches = batches.batches().iter().map(|batch| BatchChecksum {
                last_offset: batch.header().last_offset(),
                checksum: batch.header().crc,
            });
            found.insert(id, (partition.high_watermark, batches.collect()));
        }
    }
    found
}

/// The offsets from which the partitions are compared. Where no record is as young as the time, that is the end.
async fn first_offsets(
    admin: &Admin,
    partitions: Vec<TopicPartition>,
    time: i64,
) -> Result<BTreeMap<TopicPartition, Offset>, ClientError> {
    let spec = match time {
        -1 => OffsetSpec::Latest,
        -2 => OffsetSpec::Earliest,
        timestamp => OffsetSpec::Timestamp(timestamp),
    };
    let wanted = partitions.into_iter().map(|id| (id, spec));
    let found = admin.list_offsets(wanted, ListOffsetsOptions::default()).await.all()?;
    let without = found.iter().filter(|(_, it)| it.offset.is_none());
    let ends = without.map(|(id, _)| (id.clone(), OffsetSpec::Latest));
    let ends = admin.list_offsets(ends, ListOffsetsOptions::default()).await.all()?;
    let offsets = found.into_iter().map(|(id, it)| {
        let end = || ends.get(&id).and_then(|it| it.offset).unwrap_or_default();
        let offset = it.offset.unwrap_or_else(end);
        (id, offset)
    });
    Ok(offsets.collect())
}

fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S,%3f").to_string()
}

/// What a round has found.
#[derive(Debug, Serialize)]
#[serde(tag = "finding", rename_all = "camelCase")]
enum ReplicaFinding<'a> {
    Checksum(&'a UnmatchedChecksum),
    Offset(&'a UnmatchedOffset),
    Lag(&'a MaxLag),
}

/// The same with its time.
#[derive(Debug, Serialize)]
struct TimedFinding<'a> {
    time: &'a str,
    #[serde(flatten)]
    finding: ReplicaFinding<'a>,
}

impl ReplicaFinding<'_> {
    fn text(&self) -> String {
        match self {
            Self::Checksum(it) => format!(
                "partition {}-{} has unmatched checksum at offset {}; replica {}'s checksum {}; replica {}'s checksum {}",
                it.at.topic,
                it.at.partition,
                it.at.offset,
                it.replica,
                it.checksum,
                it.other_replica,
                it.other_checksum
            ),
            Self::Offset(it) => format!(
                "partition {}-{}: replica {}'s offset {} doesn't match replica {}'s offset {}",
                it.at.topic, it.at.partition, it.replica, it.at.offset, it.other_replica, it.other_offset
            ),
            Self::Lag(it) => {
                let (partition, offset) = match &it.at {
                    Some(at) => (format!("{}-{}", at.topic, at.partition), at.offset),
                    None => ("null".to_owned(), -1),
                };
                format!(
                    "max lag is {} for partition {partition} at offset {offset} among {} partitions",
                    it.max_lag, it.partitions
                )
            }
        }
    }
}
