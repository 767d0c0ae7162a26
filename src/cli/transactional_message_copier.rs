//! `org.apache.kafka.tools.TransactionalMessageCopier`: copies a partition in transactions, each with the offsets that
//! it has read up to. System tests use it.

mod progress;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Parser;
use log::LevelFilter;

use self::progress::CopyProgress;
use super::argparse::ArgumentParser;
use super::stopping::Stopping;
use super::throwable::JavaThrowable;
use super::{block_on, clients, logging};
use crate::base::TopicPartition;
use crate::client::consumer::{
    ConsumerRebalanceListener, ConsumerRecords, ListenerFuture, RebalancingConsumer,
};
use crate::client::offsets::ConsumerGroupMetadata;
use crate::client::{ClientError, Consumer, OffsetAndMetadata, Producer, ProducerRecord, Recovery};
use crate::config::Properties;

/// How long a poll waits.
const POLL: Duration = Duration::from_millis(200);
/// How long closing may take.
const CLOSE: Duration = Duration::from_secs(30);

/// Copies a partition to the same partition of another topic, in transactions that commit what was read as well.
#[derive(Debug, Parser)]
pub(super) struct MessageCopierOptions {
    /// The topic to read.
    #[arg(long, value_name = "INPUT-TOPIC")]
    input_topic: String,
    /// The partition to read.
    #[arg(long, value_name = "INPUT-PARTITION")]
    input_partition: i32,
    /// The topic to write to.
    #[arg(long, value_name = "OUTPUT-TOPIC")]
    output_topic: String,
    /// The brokers to begin with.
    #[arg(long, value_name = "HOST1:PORT1[,HOST2:PORT2[...]]")]
    broker_list: String,
    /// How many records to copy at most, of those that are there at the start; -1 for all of them.
    #[arg(long, value_name = "MAX-MESSAGES", default_value_t = -1)]
    max_messages: i32,
    /// The group that commits what was read.
    #[arg(long, value_name = "CONSUMER-GROUP", default_value = "-1")]
    consumer_group: String,
    /// How many records a transaction has at most.
    #[arg(long, value_name = "TRANSACTION-SIZE", default_value_t = 200)]
    transaction_size: i32,
    /// How long a transaction may last before the coordinator aborts it, in milliseconds.
    #[arg(long, value_name = "TRANSACTION-TIMEOUT", default_value_t = 60_000)]
    transaction_timeout: i32,
    /// The producer's transactional.id.
    #[arg(long, value_name = "TRANSACTIONAL-ID")]
    transactional_id: String,
    /// Abort a third of the transactions, by chance, and copy their records again.
    #[arg(long)]
    enable_random_aborts: bool,
    /// Share the topic with the other members of the group; the partition is then ignored.
    #[arg(long)]
    group_mode: bool,
    /// Commit offsets as the member that the group knows.
    #[arg(long)]
    use_group_metadata: bool,
}

/// Runs the tool; exit code 1 where a transaction fails for good, 130 and 143 where a signal ended it.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let parser = ArgumentParser::new::<MessageCopierOptions>("transactional-message-copier");
    let options = match parser.parse::<MessageCopierOptions>(&arguments) {
        Ok(options) => options,
        Err(exit) => return parser.print_exit(&exit),
    };
    match block_on(execute(&options)) {
        Ok(code) => code.into(),
        Err(error) => JavaThrowable::of_tool(&error).leave_main(),
    }
}

impl MessageCopierOptions {
    fn producer_settings(&self) -> Properties {
        [
            ("bootstrap.servers", self.broker_list.clone()),
            ("transactional.id", self.transactional_id.clone()),
            // Small batches, so that a transaction has several of them on their way.
            ("batch.size", "512".to_owned()),
            ("max.in.flight.requests.per.connection", "5".to_owned()),
            ("transaction.timeout.ms", self.transaction_timeout.to_string()),
        ]
        .into_iter()
        .collect()
    }

    fn consumer_settings(&self) -> Properties {
        [
            ("group.id", self.consumer_group.clone()),
            ("bootstrap.servers", self.broker_list.clone()),
            ("isolation.level", "read_committed".to_owned()),
            ("max.poll.records", self.transaction_size.to_string()),
            ("enable.auto.commit", "false".to_owned()),
            ("session.timeout.ms", "10000".to_owned()),
            ("max.poll.interval.ms", "180000".to_owned()),
            ("heartbeat.interval.ms", "3000".to_owned()),
            ("auto.offset.reset", "earliest".to_owned()),
        ]
        .into_iter()
        .collect()
    }
}

async fn execute(options: &MessageCopierOptions) -> anyhow::Result<u8> {
    let stopping = Stopping::listen()?;
    let producer = clients::start_producer(&options.producer_settings()).await?;
    let mut consumer = clients::start_consumer(&options.consumer_settings()).await?;
    let mut progress = CopyProgress::new(&options.transactional_id, options.max_messages);
    let mut copier = MessageCopier {
        options,
        producer: &producer,
        consumer: &mut consumer,
        progress: &mut progress,
        rebalanced: Arc::default(),
    };
    let outcome = tokio::select! {
        outcome = copier.copy() => outcome,
        () = stopping.asked() => Ok(()),
    };
    producer.close(CLOSE).await;
    consumer.close(CLOSE).await?;
    println!("{}", progress.shutdown());
    outcome?;
    Ok(stopping.exit_code())
}

/// A copy under way.
struct MessageCopier<'a> {
    options: &'a MessageCopierOptions,
    producer: &'a Producer,
    consumer: &'a mut Consumer,
    progress: &'a mut CopyProgress,
    /// The consumer was assigned partitions since it was looked at.
    rebalanced: Arc<RebalanceMark>,
}

impl MessageCopier<'_> {
    async fn copy(&mut self) -> Result<(), ClientError> {
        if self.options.group_mode {
            self.consumer.subscribe_with([self.options.input_topic.as_str()], self.rebalanced.clone())?;
        } else {
            let partition =
                TopicPartition::new(self.options.input_topic.as_str(), self.options.input_partition);
            self.consumer.assign([partition])?;
            let remaining = self.remaining().await?;
            self.progress.limit(remaining);
        }
        self.producer.init_transactions().await?;
        while self.progress.has_more() {
            println!("{}", self.progress.status("ProcessLoop"));
            let records = self.consumer.poll(POLL).await?;
            if self.rebalanced.0.swap(false, Ordering::SeqCst) {
                let remaining = self.remaining().await?;
                // The positions are behind the records that this poll has returned.
                self.progress.rebalanced(remaining + records.len() as i64);
                println!("{}", self.progress.status("RebalanceComplete"));
            }
            if !records.is_empty() {
                self.copy_in_transaction(&records).await?;
            }
        }
        Ok(())
    }

    /// How many records lie between the positions and the ends of the partitions.
    async fn remaining(&mut self) -> Result<i64, ClientError> {
        let partitions: Vec<_> = self.consumer.assignment().into_iter().collect();
        let ends = self.consumer.end_offsets(&partitions).await?;
        let mut remaining = 0;
        for partition in &partitions {
            let position = self.consumer.position(partition).await?;
            remaining += ends.get(partition).map_or(0, |end| end - position);
        }
        Ok(remaining)
    }

    async fn copy_in_transaction(&mut self, records: &ConsumerRecords) -> Result<(), ClientError> {
        match self.write(records).await {
            Ok(true) => {
                self.progress.copied(records.len() as u64);
                return Ok(());
            }
            Ok(false) => {}
            Err(error) if error.recovery() == Recovery::Fatal => return Err(error),
            Err(_) => {}
        }
        self.producer.abort_transaction().await?;
        self.rewind().await
    }

    /// One transaction; false where it is to be aborted by chance.
    async fn write(&mut self, records: &ConsumerRecords) -> Result<bool, ClientError> {
        self.producer.begin_transaction()?;
        for record in records {
            let copy = ProducerRecord {
                partition: Some(record.partition.partition),
                key: record.key.map(bytes::Bytes::copy_from_slice),
                value: record.value.map(bytes::Bytes::copy_from_slice),
                ..ProducerRecord::tombstone(self.options.output_topic.as_str())
            };
            // Where a record fails its transaction cannot be committed.
            drop(self.producer.send(copy).await?);
        }
        let group = if self.options.use_group_metadata {
            self.consumer.group_metadata()?
        } else {
            ConsumerGroupMetadata::of_group(&self.options.consumer_group)
        };
        let mut offsets = BTreeMap::new();
        for partition in self.consumer.assignment() {
            let position = self.consumer.position(&partition).await?;
            offsets.insert(partition, OffsetAndMetadata::new(position));
        }
        self.producer.send_offsets_to_transaction(offsets, group).await?;
        if self.options.enable_random_aborts && fastrand::u32(..).is_multiple_of(3) {
            return Ok(false);
        }
        self.producer.commit_transaction().await?;
        Ok(true)
    }

    /// Goes back to where the group has committed.
    async fn rewind(&mut self) -> Result<(), ClientError> {
        let partitions: Vec<_> = self.consumer.assignment().into_iter().collect();
        let committed = self.consumer.committed(&partitions).await?;
        for partition in partitions {
            match committed.get(&partition).and_then(Option::as_ref) {
                Some(offset) => self.consumer.seek(&partition, offset)?,
                None => self.consumer.seek_to_beginning(&[partition])?,
            }
        }
        Ok(())
    }
}

/// Set once the consumer is assigned partitions.
#[derive(Debug, Default)]
struct RebalanceMark(AtomicBool);

impl ConsumerRebalanceListener for RebalanceMark {
    fn on_partitions_revoked(
        &self,
        _consumer: RebalancingConsumer,
        _partitions: BTreeSet<TopicPartition>,
    ) -> ListenerFuture {
        Box::pin(std::future::ready(()))
    }

    fn on_partitions_assigned(
        &self,
        _consumer: RebalancingConsumer,
        _partitions: BTreeSet<TopicPartition>,
    ) -> ListenerFuture {
        self.0.store(true, Ordering::SeqCst);
        Box::pin(std::future::ready(()))
    }
}
