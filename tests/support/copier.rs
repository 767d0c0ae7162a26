//! An application that reads a topic and writes what it has read to another one, exactly once: in transactions that
//! commit what was read with what was written.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use barnabas::base::TopicPartition;
use barnabas::client::consumer::ConsumerRecords;
use barnabas::client::error::{ClientError, Recovery};
use barnabas::client::settings::{ConsumerSettings, OffsetReset, ProducerSettings};
use barnabas::client::{Consumer, OffsetAndMetadata, Producer, ProducerRecord};
use barnabas::config::Properties;

use super::eventually;

const LIMIT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(200);
/// How many transactions are aborted though nothing is wrong: one in so many.
const ABORTED: u64 = 10;

#[derive(Default)]
struct Progress {
    stop: AtomicBool,
    replace: AtomicBool,
    /// By partition, the offset after the last record that is copied.
    next: Mutex<BTreeMap<i32, u64>>,
    transactions: AtomicU64,
}

impl Progress {
    fn committed(&self, records: &ConsumerRecords) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            let after = u64::try_from(record.offset + 1).unwrap();
            let next = next.entry(record.partition.partition).or_default();
            *next = after.max(*next);
        }
        self.transactions.fetch_add(1, Ordering::SeqCst);
    }

    /// How many records are copied of a topic that has no gaps.
    fn count(&self) -> u64 {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

/// The application, in a thread of its own.
pub struct Copier {
    progress: Arc<Progress>,
    thread: std::thread::JoinHandle<()>,
}

impl Copier {
    /// Copies a topic to another one with as many partitions.
    pub fn start(bootstrap: String, from: &'static str, to: &'static str) -> Self {
        let progress = Arc::new(Progress::default());
        let shared = progress.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            while !shared.stop.load(Ordering::SeqCst) {
                runtime.block_on(copy(&bootstrap, (from, to), &shared));
            }
        });
        Self { progress, thread }
    }

    /// Has it die, and another take its place.
    pub fn replace(&self) {
        self.progress.replace.store(true, Ordering::SeqCst);
    }

    /// How many transactions it has committed.
    pub fn transactions(&self) -> u64 {
        self.progress.transactions.load(Ordering::SeqCst)
    }

    /// Waits until it has committed more transactions than these.
    pub fn await_more(&self, seen: u64) {
        eventually("the copier commits", LIMIT, || {
            assert!(!self.thread.is_finished(), "the copier gave up");
            (self.transactions() > seen).then_some(())
        });
    }

    /// Waits until it has copied `count` records, and stops it; how many transactions it has committed.
    pub fn finish(self, count: u64) -> u64 {
        eventually("everything is copied", LIMIT, || {
            assert!(!self.thread.is_finished(), "the copier gave up");
            (self.progress.count() >= count).then_some(())
        });
        self.progress.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
        self.progress.transactions.load(Ordering::SeqCst)
    }
}

async fn clients(bootstrap: &str, from: &str) -> (Consumer, Producer) {
    let mut consumer = Consumer::new(ConsumerSettings {
        offset_reset: OffsetReset::Earliest,
        session_timeout: Duration::from_secs(6),
        heartbeat_interval: Duration::from_millis(500),
        enable_auto_commit: false,
        read_committed: true,
        ..ConsumerSettings::in_group(bootstrap, "copiers")
    })
    .await
    .unwrap();
    consumer.subscribe([from]).unwrap();
    let mut properties = Properties::default();
    properties.set("bootstrap.servers", bootstrap);
    properties.set("transactional.id", "copier");
    properties.set("linger.ms", "2");
    (consumer, Producer::new(ProducerSettings::read(&properties).unwrap()).await.unwrap())
}

/// The life of one consumer and one producer.
async fn copy(bootstrap: &str, (from, to): (&str, &str), progress: &Progress) {
    let (mut consumer, producer) = clients(bootstrap, from).await;
    if producer.init_transactions().await.is_err() {
        return;
    }
    while !progress.stop.load(Ordering::SeqCst) {
        if progress.replace.swap(false, Ordering::SeqCst) {
            return;
        }
        let Ok(records) = consumer.poll(POLL).await else { continue };
        if records.is_empty() {
            continue;
        }
        match copy_in_transaction(&consumer, &producer, &records, to).await {
            Ok(true) => progress.committed(&records),
            Ok(false) => {
                if go_back(&mut consumer).await.is_err() {
                    return;
                }
            }
            // Its successor goes on where the group has committed.
            Err(_) => return,
        }
    }
}

/// Whether the transaction was committed; else it was aborted.
///
/// # Errors
/// The producer can do nothing more.
async fn copy_in_transaction(
    consumer: &Consumer,
    producer: &Producer,
    records: &ConsumerRecords,
    to: &str,
) -> Result<bool, ClientError> {
    producer.begin_transaction()?;
    let aborts = fastrand::u64(..ABORTED) == 0;
    match write(consumer, producer, records, to).await {
        Ok(()) if !aborts => match producer.commit_transaction().await {
            Ok(()) => return Ok(true),
            // It is not known yet whether it is committed: the same call again finds out.
            Err(ClientError::Timeout(_)) => return producer.commit_transaction().await.map(|()| true),
            Err(error) if error.recovery() == Recovery::Fatal => return Err(error),
            Err(_) => {}
        },
        Ok(()) => {}
        Err(error) if error.recovery() == Recovery::Fatal => return Err(error),
        Err(_) => {}
    }
    producer.abort_transaction().await.map(|()| false)
}

async fn write(
    consumer: &Consumer,
    producer: &Producer,
    records: &ConsumerRecords,
    to: &str,
) -> Result<(), ClientError> {
    let mut offsets: BTreeMap<TopicPartition, OffsetAndMetadata> = BTreeMap::new();
    for record in records {
        let value = record.value.map(<[u8]>::to_vec).unwrap_or_default();
        let _delivery =
            producer.send(ProducerRecord::new(to, value).partition(record.partition.partition)).await?;
        offsets.insert(record.partition.clone(), OffsetAndMetadata::new(record.offset + 1));
    }
    producer.send_offsets_to_transaction(offsets, consumer.group_metadata()?).await
}

/// Goes on where the group has committed.
async fn go_back(consumer: &mut Consumer) -> Result<(), ClientError> {
    let assigned: Vec<_> = consumer.assignment().into_iter().collect();
    for (id, committed) in consumer.committed(&assigned).await? {
        consumer.seek(&id, &committed.unwrap_or_default())?;
    }
    Ok(())
}
