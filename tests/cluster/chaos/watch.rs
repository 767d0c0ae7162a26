//! For how long partitions are without a leader that serves: looked at all the time, from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use barnabas::base::TopicPartition;
use barnabas::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};
use barnabas::zk::znode::partition_state::{self, PartitionStateZNode};
use barnabas::zk::{ConnectOptions, ZooKeeper};

use crate::support::Connection;
use crate::support::cluster::Brokers;

use super::world::SOON;

/// How often it looks.
const LOOK: Duration = Duration::from_millis(50);
/// How soon a leader must answer to be one that serves.
const PATIENCE: Duration = Duration::from_millis(500);
const SESSION: Duration = Duration::from_secs(30);

/// Reads the first partitions of topics until it is stopped.
pub struct Watch {
    seen: Arc<Seen>,
    thread: std::thread::JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    stop: AtomicBool,
    state: Mutex<State>,
    looked: Condvar,
}

#[derive(Default)]
struct State {
    down: BTreeSet<i32>,
    longest: Duration,
    /// How many looks, from one topic to the last, found all of them led.
    found_all_led: u64,
}

impl Seen {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Watches the first partition of each topic.
    pub fn start(brokers: &Brokers, topics: &'static [&'static str]) -> Self {
        let seen = Arc::new(Seen::default());
        let (connect, shared) = (brokers.chroot.connect(), seen.clone());
        let ports = brokers.all.iter().map(|(id, broker)| (*id, broker.port)).collect();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(look(
                &connect,
                Leaders { ports, connections: BTreeMap::new() },
                topics,
                &shared,
            ));
        });
        Self { seen, thread }
    }

    /// A broker is not to be asked from now on, as it cannot lead, or can again.
    pub fn set_down(&self, broker: i32, is_down: bool) {
        let mut state = self.seen.state();
        if is_down {
            state.down.insert(broker);
        } else {
            state.down.remove(&broker);
        }
    }

    /// Waits until a look that begins after this call has found every partition led, so that what follows is
    /// not taken for part of what was.
    pub fn await_led(&self) {
        let state = self.seen.state();
        // The look that goes on may have begun before.
        let enough = state.found_all_led + 2;
        let found = self.seen.looked.wait_timeout_while(state, SOON, |it| it.found_all_led < enough);
        assert!(!found.unwrap().1.timed_out(), "not every partition is led");
    }

    /// The longest time that a partition had no leader that served, since this was last asked.
    pub fn take_longest(&self) -> Duration {
        std::mem::take(&mut self.seen.state().longest)
    }

    /// Stops looking.
    pub fn finish(self) {
        self.seen.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
    }
}

/// The brokers, to be asked what they lead.
struct Leaders {
    ports: BTreeMap<i32, u16>,
    connections: BTreeMap<i32, Connection>,
}

impl Leaders {
    /// Whether a broker answers as leader of a topic's first partition.
    fn serves(&mut self, broker: i32, topic: &str) -> bool {
        let connection = self
            .connections
            .remove(&broker)
            .or_else(|| Connection::to(self.ports[&broker]).map(|it| it.with_patience(PATIENCE)));
        let Some(mut connection) = connection else { return false };
        const EARLIEST: i64 = -2;
        let partition = ListOffsetPartition { timestamp: EARLIEST, ..Default::default() };
        let topic = ListOffsetTopic { name: topic.to_owned(), partitions: vec![partition] };
        let request = ListOffsetRequest { replica_id: -1, isolation_level: 0, topics: vec![topic] };
        let Some(answer) = connection.call(&request, 5) else { return false };
        self.connections.insert(broker, connection);
        answer.topics.first().and_then(|topic| topic.partitions.first()).is_some_and(|it| it.error_code == 0)
    }
}

async fn look(connect: &str, mut brokers: Leaders, topics: &[&'static str], seen: &Seen) {
    let options = ConnectOptions {
        session_timeout: SESSION,
        connection_timeout: SESSION,
        make_chroot: false,
        ..ConnectOptions::default()
    };
    let zk = ZooKeeper::connect(connect, options).await.unwrap();
    let mut leaders: BTreeMap<&str, i32> = BTreeMap::new();
    let mut since: BTreeMap<&str, Instant> = BTreeMap::new();
    while !seen.stop.load(Ordering::SeqCst) {
        let mut are_led = true;
        for topic in topics {
            // While the ensemble elects a leader of its own the last state stands.
            let path = partition_state::path(&TopicPartition::new(*topic, 0));
            if let Ok(Ok(Some((data, stat)))) = tokio::time::timeout(LOOK, zk.get(&path)).await
                && let Ok(state) = PartitionStateZNode::decode(&data, stat.version)
            {
                leaders.insert(topic, state.leader_and_isr.leader);
            }
            let leader = leaders.get(topic).copied().filter(|id| *id >= 0);
            let leader = leader.filter(|id| !seen.state().down.contains(id));
            if leader.is_some_and(|id| brokers.serves(id, topic)) {
                since.remove(topic);
            } else {
                are_led = false;
                let lasts = since.entry(topic).or_insert_with(Instant::now).elapsed();
                let mut state = seen.state();
                state.longest = state.longest.max(lasts);
            }
        }
        if are_led {
            seen.state().found_all_led += 1;
            seen.looked.notify_all();
        }
        tokio::time::sleep(LOOK).await;
    }
    zk.close().await;
}
