//! A consumer that checks what it reads while something breaks: numbers from 0 on, none left out, none twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use barnabas::base::TopicPartition;
use barnabas::client::settings::ConsumerSettings;
use barnabas::client::{Consumer, OffsetAndMetadata};
use barnabas::config::Properties;

use super::eventually;

/// A consumer of what a [`super::flood::Flood`] writes.
pub struct Reader {
    topic: &'static str,
    stop: Arc<AtomicBool>,
    next: Arc<AtomicU64>,
    thread: std::thread::JoinHandle<()>,
}

impl Reader {
    /// Reads a topic's first partition from its start on.
    pub fn start(bootstrap: String, topic: &'static str) -> Self {
        let mut properties = Properties::default();
        properties.set("bootstrap.servers", bootstrap);
        // An offset out of range would be a record lost.
        properties.set("auto.offset.reset", "none");
        let settings = ConsumerSettings::read(&properties).unwrap();
        let (stop, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (ended, counted) = (stop.clone(), next.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(read(settings, topic, &ended, &counted));
        });
        Self { topic, stop, next, thread }
    }

    /// Waits until it has read `count` records, and stops it.
    ///
    /// # Panics
    /// Where a number was left out or came twice.
    pub fn finish(self, count: u64) {
        let Self { topic, stop, next, thread } = self;
        eventually(&format!("{topic} is read to its end"), Duration::from_secs(120), || {
            assert!(!thread.is_finished(), "the reader of {topic} gave up");
            (next.load(Ordering::SeqCst) >= count).then_some(())
        });
        stop.store(true, Ordering::SeqCst);
        thread.join().unwrap();
    }
}

async fn read(settings: ConsumerSettings, topic: &str, stop: &AtomicBool, next: &AtomicU64) {
    let mut consumer = Consumer::new(settings).await.unwrap();
    let partition = TopicPartition::new(topic, 0);
    consumer.assign([partition.clone()]).unwrap();
    consumer.seek(&partition, &OffsetAndMetadata::new(0)).unwrap();
    while !stop.load(Ordering::SeqCst) {
        for record in &consumer.poll(Duration::from_millis(200)).await.unwrap() {
            let value = record.value.map(String::from_utf8_lossy);
            let wanted = next.load(Ordering::SeqCst);
            assert_eq!(value.as_deref(), Some(&*wanted.to_string()), "{topic} at offset {}", record.offset);
            next.store(wanted + 1, Ordering::SeqCst);
        }
    }
}
