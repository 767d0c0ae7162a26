//! Members of a consumer group that check what they read: no record is left out by all of them, whichever of their
//! consumers is closed or killed and replaced, and wherever their coordinator goes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use barnabas::client::Consumer;
use barnabas::client::consumer::CooperativeStickyAssignor;
use barnabas::client::error::Recovery;
use barnabas::client::settings::{ConsumerSettings, OffsetReset};

use crate::support::eventually;

/// How many members there are.
const MEMBERS: usize = 2;
const POLL: Duration = Duration::from_millis(200);

/// What the members share.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    /// By topic, the first number that no member has read.
    next: Mutex<BTreeMap<String, u64>>,
}

impl Shared {
    /// A member has read a number: all before it were read.
    fn read(&self, topic: &str, number: u64) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let next = next.entry(topic.to_owned()).or_default();
        assert!(number <= *next, "{topic}: {number} was read, and {next} was left out");
        *next = (number + 1).max(*next);
    }
}

/// The members of one group, each in a thread of its own.
pub struct Members {
    shared: Arc<Shared>,
    /// Each with what has its consumer be replaced by another.
    threads: Vec<(Arc<AtomicBool>, std::thread::JoinHandle<()>)>,
}

impl Members {
    /// Reads the first partitions of these topics.
    pub fn start(bootstrap: &str, topics: &'static [&'static str]) -> Self {
        let shared = Arc::new(Shared::default());
        let threads = (0..MEMBERS).map(|_| {
            let (replace, shared, bootstrap) =
                (Arc::new(AtomicBool::new(false)), shared.clone(), bootstrap.to_owned());
            let replaced = replace.clone();
            let thread = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                while !shared.stop.load(Ordering::SeqCst) {
                    runtime.block_on(take_part(&bootstrap, topics, &shared, &replaced));
                }
            });
            (replace, thread)
        });
        Self { threads: threads.collect(), shared }
    }

    /// Has one of them leave or die, and another take its place.
    pub fn replace(&self, draw: &mut fastrand::Rng) {
        self.threads[draw.usize(..self.threads.len())].0.store(true, Ordering::SeqCst);
    }

    /// Waits until they have read `count` records of each topic, and stops them.
    ///
    /// # Panics
    /// Where a record was left out.
    pub fn finish(self, counts: &BTreeMap<&str, u64>) {
        eventually("the group has read everything", Duration::from_secs(120), || {
            assert!(self.threads.iter().all(|(_, thread)| !thread.is_finished()), "a member gave up");
            let next = self.shared.next.lock().unwrap_or_else(PoisonError::into_inner);
            counts.iter().all(|(topic, count)| next.get(*topic).is_some_and(|it| it >= count)).then_some(())
        });
        self.shared.stop.store(true, Ordering::SeqCst);
        self.threads.into_iter().for_each(|(_, thread)| thread.join().unwrap());
    }
}

/// The life of one consumer.
async fn take_part(bootstrap: &str, topics: &[&'static str], shared: &Shared, replace: &AtomicBool) {
    let mut consumer = Consumer::new(ConsumerSettings {
        offset_reset: OffsetReset::Earliest,
        session_timeout: Duration::from_secs(6),
        heartbeat_interval: Duration::from_millis(500),
        assignors: vec![Arc::new(CooperativeStickyAssignor)],
        enable_auto_commit: false,
        ..ConsumerSettings::in_group(bootstrap, "readers")
    })
    .await
    .unwrap();
    consumer.subscribe(topics.iter().copied()).unwrap();
    while !shared.stop.load(Ordering::SeqCst) {
        if replace.swap(false, Ordering::SeqCst) {
            // Every other one dies without a word.
            if fastrand::bool() {
                let _ = consumer.close(Duration::from_secs(5)).await;
            }
            return;
        }
        let records = match consumer.poll(POLL).await {
            Ok(records) => records,
            Err(error) => {
                assert!(error.recovery() != Recovery::Fatal, "{error}");
                continue;
            }
        };
        for record in &records {
            let number = std::str::from_utf8(record.value.unwrap()).unwrap().parse().unwrap();
            shared.read(&record.partition.topic, number);
        }
        if !records.is_empty() {
            // What cannot be committed, because the group rebalances or its coordinator is away, is read again.
            let _ = consumer.commit_sync().await;
        }
    }
    let _ = consumer.close(Duration::from_secs(5)).await;
}
