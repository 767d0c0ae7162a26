//! Following: records are fetched from the brokers that lead (Kafka's `ReplicaFetcherManager` and
//! `ReplicaFetcherThread`).
//!
//! - *Entry point:* `Fetchers`, one a broker: a few tasks for every leader, each with partitions of its own.
//! - *Pure:* [`plan`] (what is done next), [`session`] (what a request names), [`truncation`] (where a log is
//!   truncated).
//! - *Never:* decides which leader a partition follows; the controller's requests do, through `role_change`.

mod link;
mod metrics;
pub mod plan;
pub mod session;
mod task;
pub mod truncation;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::unconstrained;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::link::{FetcherOptions, LeaderLink};
use self::metrics::FetcherStats;
use self::plan::{Plan, Start};
use self::task::{Fetcher, Order};
use super::ReplicaManager;
use crate::base::{BrokerId, Endpoint, TopicPartition};
use crate::net::link::LinkLogin;

const TARGET: &str = "kafka.server.ReplicaFetcherManager";

/// A partition to be followed.
#[derive(Clone, Debug)]
pub(super) struct Follow {
    pub partition: TopicPartition,
    pub leader: BrokerId,
    /// The leader's endpoint of the listener between brokers.
    pub endpoint: Endpoint,
    pub start: Start,
    /// The data directory of its log, by its number among those configured. Each directory has fetchers of
    /// its own, so that a slow one does not delay the others.
    pub dir: usize,
}

/// Which fetcher: its leader, its data directory, and its number among those of both.
type Key = (BrokerId, usize);

/// What fetchers run on.
struct Ground {
    replicas: Arc<ReplicaManager>,
    /// The user at the listener between brokers.
    login: LinkLogin,
    runtime: Handle,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

/// The handle of a fetcher; dropping it ends the fetcher.
struct Running {
    endpoint: Endpoint,
    stats: Arc<FetcherStats>,
    orders: mpsc::UnboundedSender<Order>,
    over: CancellationToken,
}

/// What is measured of a fetcher, and the address of its leader.
struct MeasuredFetcher {
    stats: Arc<FetcherStats>,
    host: String,
    port: i32,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

#[derive(Default)]
struct FetchersState {
    ground: Option<Ground>,
    /// How many fetchers a leader has (`num.replica.fetchers`); 0 before that is known.
    per_leader: usize,
    running: BTreeMap<Key, Running>,
    /// The fetchers, and the fetcher of each partition.
    assigned: HashMap<TopicPartition, Key>,
    /// Whether the broker is stopping, and begins to fetch nothing any more.
    stopping: bool,
}

/// All fetchers of a broker (Kafka's `AbstractFetcherManager`).
#[derive(Default)]
pub(super) struct Fetchers {
    state: Mutex<FetchersState>,
}

impl std::fmt::Debug for Fetchers {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Fetchers").finish_non_exhaustive()
    }
}

impl Fetchers {
    /// Begins to fetch partitions, each from its high watermark on.
    pub fn follow(&self, partitions: Vec<Follow>) {
        let mut state = self.state.lock();
        if state.stopping {
            return;
        }
        let FetchersState { ground, per_leader, running, assigned, .. } = &mut *state;
        let Some(ground) = ground.as_ref().filter(|ground| !ground.shutdown.is_cancelled()) else { return };
        let count = (*per_leader).max(1);
        let mut orders: BTreeMap<Key, (Endpoint, Vec<(TopicPartition, Start)>)> = BTreeMap::new();
        for Follow { partition, leader, endpoint, start, dir } in partitions {
            let key = (leader, dir * count + number(&partition, count));
            assigned.insert(partition.clone(), key);
            orders.entry(key).or_insert_with(|| (endpoint, Vec::new())).1.push((partition, start));
        }
        for (key, (endpoint, partitions)) in orders {
            // A leader that is at another address now needs another connection.
            if running.get(&key).is_none_or(|fetcher| fetcher.endpoint != endpoint) {
                running.insert(key, ground.begin(key, endpoint));
            }
            let Some(fetcher) = running.get(&key) else { continue };
            log::info!(target: TARGET, "[ReplicaFetcherManager on broker {}] Added fetcher to broker {} for {} partitions", ground.replicas.broker_id, key.0, partitions.len());
            if fetcher.orders.send(Order::Follow(partitions)).is_err() {
                log::debug!(target: TARGET, "The fetcher {key:?} is over");
            }
        }
    }

    /// Stops fetching partitions.
    pub fn leave<'a>(&self, partitions: impl Iterator<Item = &'a TopicPartition>) {
        let mut state = self.state.lock();
        let FetchersState { running, assigned, .. } = &mut *state;
        let mut orders: BTreeMap<Key, Vec<TopicPartition>> = BTreeMap::new();
        for partition in partitions {
            if let Some(key) = assigned.remove(partition) {
                orders.entry(key).or_default().push(partition.clone());
            }
        }
        for (key, partitions) in orders {
            if let Some(fetcher) = running.get(&key) {
                let _ = fetcher.orders.send(Order::Leave(partitions)); // A fetcher that has ended fetches nothing.
            }
        }
    }

    /// A partition's own log start has moved: the next request sends it to the leader.
    pub fn log_start_moved(&self, partition: &TopicPartition) {
        let state = self.state.lock();
        if let Some(fetcher) = state.assigned.get(partition).and_then(|key| state.running.get(key)) {
            // A fetcher that has ended fetches nothing.
            let _ = fetcher.orders.send(Order::LogStartMoved(partition.clone()));
        }
    }

    /// A broker listens at this endpoint now: fetching from it goes on there.
    pub fn leader_moved(&self, leader: BrokerId, endpoint: &Endpoint) {
        let mut state = self.state.lock();
        let of_leader = state.running.iter_mut().filter(|(key, _)| key.0 == leader);
        for (_, fetcher) in of_leader.filter(|(_, fetcher)| fetcher.endpoint != *endpoint) {
            fetcher.endpoint = endpoint.clone();
            // A fetcher that has ended fetches nothing.
            let _ = fetcher.orders.send(Order::LeaderMoved(endpoint.clone()));
        }
    }

    /// Changes how many fetchers a leader has; returns the fetched partitions and their offsets. None if the
    /// number is unchanged.
    fn resize(&self, per_leader: usize) -> Option<Vec<(TopicPartition, BrokerId, Endpoint)>> {
        let mut state = self.state.lock();
        if state.per_leader == per_leader {
            return None;
        }
        log::info!(target: TARGET, "Resizing fetcher thread pool size from {} to {per_leader}", state.per_leader);
        state.per_leader = per_leader;
        let of = |(partition, key): (&TopicPartition, &Key)| {
            let endpoint = state.running.get(key)?.endpoint.clone();
            Some((partition.clone(), key.0, endpoint))
        };
        Some(state.assigned.iter().filter_map(of).collect())
    }

    /// Ends the fetchers without partitions.
    pub fn end_idle(&self) {
        let mut state = self.state.lock();
        let FetchersState { running, assigned, .. } = &mut *state;
        let busy: std::collections::HashSet<_> = assigned.values().copied().collect();
        running.retain(|key, _| busy.contains(key));
    }

    /// What is measured of each.
    fn stats(&self) -> BTreeMap<Key, MeasuredFetcher> {
        let measured = |running: &Running| {
            let Endpoint { host, port, .. } = &running.endpoint;
            MeasuredFetcher { stats: running.stats.clone(), host: host.clone(), port: *port }
        };
        self.state.lock().running.iter().map(|(key, running)| (*key, measured(running))).collect()
    }

    /// Ends all of them.
    pub fn close(&self) {
        *self.state.lock() = FetchersState::default();
    }
}

impl Ground {
    fn begin(&self, key: Key, endpoint: Endpoint) -> Running {
        let (leader, number) = key;
        let config = &self.replicas.config;
        let over = self.shutdown.child_token();
        let (orders, waiting) = mpsc::unbounded_channel(); // Holds the orders since the last round.
        let login = self.login.clone();
        let options = FetcherOptions::of(self.replicas.broker_id, number, config, login);
        let stats: Arc<FetcherStats> = Arc::default();
        let fetcher = Fetcher {
            replicas: self.replicas.clone(),
            leader,
            number,
            plan: Plan::new(i64::from(config.replica_fetch_backoff_ms)),
            link: LeaderLink::new(options, endpoint.clone()),
            orders: waiting,
            over: over.clone(),
            stats: stats.clone(),
        };
        self.tasks.spawn_on(unconstrained(fetcher.run()), &self.runtime);
        Running { endpoint, stats, orders, over }
    }
}

impl ReplicaManager {
    /// Starts fetching: fetchers run on this runtime, as `tasks`, until `shutdown`. Before that, partitions
    /// are followed without being fetched. `login` is this broker's user at the listener between brokers.
    pub fn fetch_from_others(
        self: &Arc<Self>,
        login: LinkLogin,
        runtime: Handle,
        tasks: TaskTracker,
        shutdown: CancellationToken,
    ) {
        let replicas = self.clone();
        let mut state = self.fetchers.state.lock();
        state.per_leader = usize::try_from(self.config.num_replica_fetchers).unwrap_or(1);
        state.ground = Some(Ground { replicas, login, runtime, tasks, shutdown });
    }

    /// This broker is stopping: partitions that it is asked to follow from now on are not fetched, as they
    /// could bring it back into an ISR that it was just removed from (Kafka: `ReplicaManager.makeFollowers`).
    /// Partitions that are fetched already go on.
    pub fn begin_stop(&self) {
        self.fetchers.state.lock().stopping = true;
    }

    /// Sets how many fetchers a leader and data directory have (`num.replica.fetchers`). Waits for role
    /// changes in progress, which wait for disks.
    pub(super) fn resize_fetchers(&self, per_leader: i32) {
        let _no_role_changes = self.role_changes.lock();
        let Some(followed) = self.fetchers.resize(usize::try_from(per_leader).unwrap_or(1)) else { return };
        self.fetchers.leave(followed.iter().map(|(partition, ..)| partition));
        let again = followed.into_iter().filter_map(|(partition, leader, endpoint)| {
            let followed = self.partition(&partition).ok()?;
            let (log, leader_epoch) = (followed.log()?, followed.leader_epoch());
            let (dir, offset) = (self.logs.number_of(log.data_dir()), log.high_watermark());
            Some(Follow { partition, leader, endpoint, start: Start { offset, leader_epoch }, dir })
        });
        self.fetchers.follow(again.collect());
        self.fetchers.end_idle();
    }
}

/// Which of a leader's fetchers has a partition (`AbstractFetcherManager.getFetcherId`).
fn number(partition: &TopicPartition, count: usize) -> usize {
    let java = |hash: i32, unit: u16| hash.wrapping_mul(31).wrapping_add(i32::from(unit));
    let topic = partition.topic.encode_utf16().fold(0, java);
    let hash = topic.wrapping_mul(31).wrapping_add(partition.partition);
    usize::try_from(hash.checked_abs().unwrap_or(0)).unwrap_or(0) % count
}
