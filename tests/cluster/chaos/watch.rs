//! For how long partitions are without a leader that can serve: looked at all the time, from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use barnabas::base::TopicPartition;
use barnabas::zk::znode::partition_state::{self, PartitionState};
use barnabas::zk::{ConnectOptions, ZooKeeper};

/// How often it looks.
const LOOK: Duration = Duration::from_millis(50);
const SESSION: Duration = Duration::from_secs(30);

/// Looks at the state of partitions until it is told to stop.
pub struct Watch {
    down: Arc<Mutex<BTreeSet<i32>>>,
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Duration>,
}

impl Watch {
    /// Watches the first partition of each topic in the cluster at `connect`.
    pub fn start(connect: String, topics: &'static [&'static str]) -> Self {
        let (down, stop) = (Arc::new(Mutex::new(BTreeSet::new())), Arc::new(AtomicBool::new(false)));
        let (seen_down, ended) = (down.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(look(&connect, topics, &seen_down, &ended))
        });
        Self { down, stop, thread }
    }

    /// A broker cannot lead from now on, or can again.
    pub fn set_down(&self, broker: i32, is_down: bool) {
        let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        if is_down {
            down.insert(broker);
        } else {
            down.remove(&broker);
        }
    }

    /// The longest time that a partition had no leader that could serve.
    pub fn finish(self) -> Duration {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

async fn look(connect: &str, topics: &[&str], down: &Mutex<BTreeSet<i32>>, stop: &AtomicBool) -> Duration {
    let options =
        ConnectOptions { session_timeout: SESSION, connection_timeout: SESSION, make_chroot: false };
    let zk = ZooKeeper::connect(connect, options).await.unwrap();
    let mut leaders: BTreeMap<&str, i32> = BTreeMap::new();
    let mut since: BTreeMap<&str, Instant> = BTreeMap::new();
    let mut longest = Duration::ZERO;
    while !stop.load(Ordering::SeqCst) {
        for topic in topics {
            // While the ensemble elects a leader of its own the last state stands.
            if let Ok(Some((data, stat))) =
                zk.get(&partition_state::path(&TopicPartition::new(*topic, 0))).await
                && let Ok(state) = PartitionState::decode(&data, stat.version)
            {
                leaders.insert(topic, state.leader_and_isr.leader);
            }
            let leader = leaders.get(topic).copied().unwrap_or(-1);
            let led = leader >= 0 && !down.lock().unwrap_or_else(PoisonError::into_inner).contains(&leader);
            if led {
                since.remove(topic);
            } else {
                longest = longest.max(since.entry(topic).or_insert_with(Instant::now).elapsed());
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    zk.close().await;
    longest
}
