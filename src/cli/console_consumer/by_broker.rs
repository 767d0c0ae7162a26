//! Records read through brokers, in a group or without one (Kafka's `ConsoleConsumer.ConsumerWrapper`).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::ConsumeEnd;
use super::interruption::Interruption;
use super::options::{ConsumedTopics, StartPosition};
use super::printer::RecordPrinter;
use crate::base::TopicPartition;
use crate::cli::throwable::JavaThrowable;
use crate::client::consumer::{ConsumerRecordRef, ConsumerRecords};
use crate::client::settings::ConsumerSettings;
use crate::client::{ClientError, Consumer, OffsetAndMetadata};

/// How long a consumer may take to commit and to leave its group.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);
/// How long a poll waits where no time-out is given.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// How often it is looked for topics of a pattern, as long as there are none.
const PATTERN_RETRY: Duration = Duration::from_secs(1);

/// Reads until the end, and prints every record. What was not printed is not committed.
pub(super) async fn consume(
    settings: ConsumerSettings,
    topics: &ConsumedTopics,
    timeout: Option<Duration>,
    printer: &mut RecordPrinter,
) -> ConsumeEnd {
    let mut interruption = match Interruption::listen() {
        Ok(interruption) => interruption,
        Err(error) => return ConsumeEnd::NotBegun(error.to_string()),
    };
    let is_member = settings.group_id.is_some();
    let consumer = match Consumer::new(settings).await {
        Ok(consumer) => consumer,
        Err(error) => {
            return ConsumeEnd::NotBegun(
                JavaThrowable::not_constructed("kafka consumer", &error).to_string(),
            );
        }
    };
    let mut reading = match BrokerReading::new(consumer, topics, timeout, is_member) {
        Ok(reading) => reading,
        Err(end) => return end,
    };
    let end = tokio::select! {
        end = reading.run(printer) => end.err().unwrap_or(ConsumeEnd::Enough),
        code = interruption.next() => ConsumeEnd::Signal(code),
    };
    let end = printer.flush().err().unwrap_or(end);
    if is_member {
        // A second signal ends a consumer that cannot leave its group.
        tokio::select! {
            _ = reading.consumer.close(CLOSE_LIMIT) => {}
            _ = interruption.next() => {}
        }
    }
    end
}

/// A consumer and what it reads.
struct BrokerReading<'a> {
    consumer: Consumer,
    topics: &'a ConsumedTopics,
    /// Of topics that are read by a pattern.
    pattern: Option<regex::Regex>,
    timeout: Option<Duration>,
    is_member: bool,
    /// When it is looked for new partitions; None where that is not the tool's task.
    next_look: Option<Instant>,
}

impl<'a> BrokerReading<'a> {
    fn new(
        consumer: Consumer,
        topics: &'a ConsumedTopics,
        timeout: Option<Duration>,
        is_member: bool,
    ) -> Result<Self, ConsumeEnd> {
        let pattern = match topics {
            ConsumedTopics::Pattern(text) => {
                let whole = regex::Regex::new(&format!("^(?:{text})$"));
                let invalid = format!("java.util.regex.PatternSyntaxException: {text} is an invalid regex.");
                Some(whole.map_err(|_| ConsumeEnd::NotBegun(invalid))?)
            }
            _ => None,
        };
        Ok(Self { consumer, topics, pattern, timeout, is_member, next_look: None })
    }

    /// Reads on until enough records have come.
    ///
    /// # Errors
    /// What else ends it.
    async fn run(&mut self, printer: &mut RecordPrinter) -> Result<(), ConsumeEnd> {
        match self.timeout {
            Some(limit) => {
                timeout(limit, self.begin()).await.unwrap_or(Err(ConsumeEnd::TimedOut))?;
            }
            None => self.begin().await?,
        }
        while !printer.is_done() {
            // Records that are there already are printed without a flush between them.
            let mut records = self.consumer.poll(Duration::ZERO).await?;
            if records.is_empty() {
                printer.flush()?;
                records = self.next_records().await?;
            }
            self.print(&records, printer)?;
        }
        Ok(())
    }

    /// Has the consumer read what is wanted.
    async fn begin(&mut self) -> Result<(), ConsumeEnd> {
        match self.topics {
            ConsumedTopics::Partition { topic, partition, start } => {
                let id = TopicPartition::new(topic.as_str(), *partition);
                self.consumer.assign([id.clone()])?;
                match start {
                    StartPosition::Earliest => self.consumer.seek_to_beginning(&[id])?,
                    StartPosition::Latest => self.consumer.seek_to_end(&[id])?,
                    StartPosition::At(offset) => self.consumer.seek(&id, &OffsetAndMetadata::new(*offset))?,
                }
            }
            ConsumedTopics::Topic(topic) if self.is_member => self.consumer.subscribe([topic.as_str()])?,
            ConsumedTopics::Pattern(pattern) if self.is_member => self.consumer.subscribe_pattern(pattern)?,
            _ => self.begin_alone().await?,
        }
        Ok(())
    }

    /// Reads all partitions without a group; waits while there are none.
    async fn begin_alone(&mut self) -> Result<(), ConsumeEnd> {
        let wait = match self.pattern {
            Some(_) => PATTERN_RETRY,
            None => self.consumer.cluster().options().retry_backoff,
        };
        loop {
            let partitions = self.partitions().await?;
            if !partitions.is_empty() {
                self.read_all(partitions)?;
                return Ok(());
            }
            sleep(wait).await;
        }
    }

    /// Reads these partitions; those that are new begin by `auto.offset.reset`.
    fn read_all(&mut self, partitions: BTreeSet<TopicPartition>) -> Result<(), ClientError> {
        self.next_look = Some(Instant::now() + self.consumer.cluster().options().metadata_max_age);
        if partitions.is_empty() || partitions == self.consumer.assignment() {
            return Ok(());
        }
        self.consumer.assign(partitions)
    }

    /// All partitions of the topics that are read. A topic that is named is created where brokers do that.
    async fn partitions(&self) -> Result<BTreeSet<TopicPartition>, ClientError> {
        let named = match self.topics {
            ConsumedTopics::Topic(topic) => Some(vec![topic.clone()]),
            _ => None,
        };
        let answer = self.consumer.cluster().metadata(named.as_deref(), named.is_some()).await?;
        let mut found = BTreeSet::new();
        for topic in &answer.topics {
            match (&self.pattern, ClientError::check_topic(topic.error_code, &topic.name)) {
                (None, Err(error)) if !error.is_retriable() => return Err(error),
                (Some(pattern), _) if topic.is_internal || !pattern.is_match(&topic.name) => continue,
                _ => {}
            }
            let partition = |number| TopicPartition::new(topic.name.as_str(), number);
            found.extend(topic.partitions.iter().map(|it| partition(it.partition_index)));
        }
        Ok(found)
    }

    /// Waits for records, as long as the time-out allows.
    async fn next_records(&mut self) -> Result<ConsumerRecords, ConsumeEnd> {
        let end = Instant::now() + self.timeout.unwrap_or(LONGEST_WAIT);
        loop {
            let until = self.next_look.map_or(end, |look| look.min(end));
            let records = self.consumer.poll(until.saturating_duration_since(Instant::now())).await?;
            if !records.is_empty() {
                return Ok(records);
            }
            if self.next_look.is_some_and(|look| look <= Instant::now()) {
                // Where brokers do not answer, the partitions are still those known.
                let known = self.consumer.assignment();
                let partitions = self.partitions().await.unwrap_or(known);
                self.read_all(partitions)?;
            } else if self.timeout.is_some() {
                return Err(ConsumeEnd::TimedOut);
            }
        }
    }

    /// Prints records. Those that are not wanted any more go back, so that they are not committed.
    fn print(&mut self, records: &ConsumerRecords, printer: &mut RecordPrinter) -> Result<(), ConsumeEnd> {
        let mut records = records.iter();
        let mut printed = Ok(());
        while printed.is_ok() && !printer.is_done() {
            let Some(record) = records.next() else { return Ok(()) };
            printed = printer.print(&record);
        }
        self.put_back(records);
        printed
    }

    fn put_back<'r>(&mut self, records: impl Iterator<Item = ConsumerRecordRef<'r>>) {
        let mut first = BTreeMap::new();
        for record in records {
            first.entry(record.partition.clone()).or_insert(record.offset);
        }
        for (partition, offset) in first {
            // The group may have given the partition to another member.
            let _ = self.consumer.seek(&partition, &OffsetAndMetadata::new(offset));
        }
    }
}
