//! The task of a producer that keeps its machines going: times that have come, requests of transactions, leaders that
//! have changed, the end.
//!
//! Never sends a batch itself: each broker has a task of its own ([`node`]). Kafka: `Sender`.

mod completion;
mod node;
mod old_formats;
mod produce;
mod requests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use self::completion::EndedBatches;
use super::core::{ProducerCore, ProducerMachines};
use super::machine::ProducerStep;
use super::transaction_manager::{TransactionalAnswer, TransactionalRequest};
use crate::base::{BrokerId, Clock, Millis};
use crate::client::metadata::{ClusterSnapshot, TopicInfo};

/// The longest sleep; nothing depends on it.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Works until the producer is closed and every batch is answered.
pub(super) async fn run(core: Arc<ProducerCore>) {
    let sender = RecordSender {
        snapshots: core.cluster().snapshots(),
        metadata_changed: false,
        seen: HashMap::new(),
        nodes: JoinSet::new(),
        core: core.clone(),
    };
    sender.run().await;
    core.ended.cancel();
    core.progress.notify_waiters();
}

/// The state of the task.
#[doc(alias = "Sender")]
struct RecordSender {
    core: Arc<ProducerCore>,
    snapshots: watch::Receiver<Arc<ClusterSnapshot>>,
    /// Whether there is a snapshot that was not applied.
    metadata_changed: bool,
    /// The topics as they were applied last.
    seen: HashMap<Arc<str>, Option<Arc<TopicInfo>>>,
    /// The tasks of the brokers.
    nodes: JoinSet<()>,
}

/// What a look at the machines has found.
struct SenderStep {
    ended: EndedBatches,
    request: Option<TransactionalRequest>,
    /// Brokers that need a task.
    nodes: Vec<(BrokerId, Arc<Notify>)>,
    /// Whether a partition has no leader that is known.
    is_leaderless: bool,
    /// When the next look is due, in milliseconds since the Unix epoch.
    next: Option<Millis>,
    is_over: bool,
    /// When a producer that was dropped, and not closed with a limit, gives up what is left.
    closed_until: Option<Instant>,
}

impl RecordSender {
    async fn run(mut self) {
        let mut asked: Option<BoxFuture<'static, TransactionalAnswer>> = None;
        let core = self.core.clone();
        loop {
            if std::mem::take(&mut self.metadata_changed) || self.snapshots.has_changed().unwrap_or(false) {
                self.apply_metadata();
            }
            let now = Clock::System.now();
            let step = self.step(now);
            step.ended.report(&core);
            if core.settings().transactional_id.is_some() {
                // A look ends calls, too: a transaction without records ends without a request.
                core.progress.notify_waiters();
            }
            if step.is_over {
                return;
            }
            for (broker, wake) in step.nodes {
                self.nodes.spawn(node::run(core.clone(), broker, wake));
            }
            if step.is_leaderless {
                core.cluster().request_update();
            }
            if let Some(request) = step.request {
                asked = Some(Box::pin(requests::ask(core.clone(), request)));
            }
            let wait = step.next.map_or(LONGEST_SLEEP, |next| crate::base::time::millis((next - now).max(1)));
            let deadline = Instant::now() + wait.min(LONGEST_SLEEP);
            let answer = async {
                match &mut asked {
                    Some(answer) => answer.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                answer = answer => {
                    asked = None;
                    self.apply_answer(answer);
                }
                () = core.wake.notified() => {}
                changed = self.snapshots.changed() => match changed {
                    Ok(()) => self.metadata_changed = true,
                    // The cluster's tasks are gone with the runtime.
                    Err(_) => core.forced.cancel(),
                },
                () = core.forced.cancelled() => return self.give_up().await,
                () = sleep_until(step.closed_until.unwrap_or(deadline)), if step.closed_until.is_some() => {
                    return self.give_up().await;
                }
                () = sleep_until(deadline) => {}
            }
        }
    }

    fn apply_answer(&self, answer: TransactionalAnswer) {
        let stale = {
            let mut state = self.core.state.lock();
            let transactions = state.machine.transactions_mut();
            transactions.and_then(|it| it.answered(answer, Clock::System.now()))
        };
        if let Some(coordinator) = stale {
            requests::forget(&self.core, coordinator);
        }
        self.core.progress.notify_waiters();
    }

    /// Applies topics whose metadata has changed, or that have partitions without a leader.
    fn apply_metadata(&mut self) {
        let snapshot = self.snapshots.borrow_and_update().clone();
        let (topics, leaderless) = {
            let state = self.core.state.lock();
            let accumulator = state.machine.accumulator();
            (accumulator.topics().cloned().collect::<Vec<_>>(), accumulator.leaderless_topics())
        };
        for topic in topics {
            let found = snapshot.topics.get(&topic).cloned();
            let seen = self.seen.entry(topic.clone()).or_default();
            let is_same = match (&seen, &found) {
                (Some(seen), Some(found)) => Arc::ptr_eq(seen, found),
                (None, None) => true,
                _ => false,
            };
            if !is_same || leaderless.contains(&topic) {
                *seen = found;
                self.core.refresh_topic(&topic);
            }
        }
    }

    /// Looks at the machine.
    fn step(&mut self, now: Millis) -> SenderStep {
        let mut state = self.core.state.lock();
        let ProducerStep { settled, request, next, is_over } = state.machine.step(now);
        let nodes = self.missing_nodes(&mut state);
        let is_leaderless = state.machine.accumulator().has_leaderless();
        if is_over {
            state.nodes.values().for_each(|node| node.notify_one());
        }
        let settings = self.core.settings();
        let longest = settings.delivery_timeout + settings.max_block;
        let closed_until = state.closed_since.and_then(|since| since.checked_add(longest));
        let ended = EndedBatches::of(settled, &mut state);
        SenderStep { ended, request, nodes, is_leaderless, next, is_over, closed_until }
    }

    /// The brokers that have become ready and have no task yet; those that have one are woken.
    fn missing_nodes(&self, state: &mut ProducerMachines) -> Vec<(BrokerId, Arc<Notify>)> {
        let mut missing = Vec::new();
        let accumulator = state.machine.accumulator_mut();
        accumulator.take_attention();
        for broker in accumulator.take_newly_ready() {
            let node = state.nodes.entry(broker).or_insert_with(|| {
                let wake = Arc::new(Notify::new());
                missing.push((broker, wake.clone()));
                wake
            });
            node.notify_one();
        }
        missing
    }

    /// Fails all that is left: the time for closing is over.
    async fn give_up(mut self) {
        self.nodes.shutdown().await;
        let ended = {
            let mut state = self.core.state.lock();
            state.closed_since.get_or_insert_with(Instant::now);
            let settled = state.machine.give_up(Clock::System.now());
            EndedBatches::of(settled, &mut state)
        };
        ended.report(&self.core);
    }
}
