//! The task of one partition: has its machine take one thing after the other, and carries its actions out.

use std::collections::HashMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use super::append::{Gathered, GatheredAppend, GatheredBatch};
use super::load::{LoadOutcome, load};
use super::timers::Timers;
use super::{CoordinatorSettings, Effects, LoadedPartition};
use crate::base::time::millis;
use crate::base::{Clock, Millis, TopicPartition};
use crate::coordinator::machine::{Actions, CoordinatorAction, CoordinatorMachine, RequestId};
use crate::log::AppendOrigin;
use crate::metrics::Histogram;
use crate::replica::ReplicaManager;
use crate::replica::produce::{AppendParams, InternalTopics};
use crate::wire::error_code::ErrorCode;

/// How many inputs a turn takes at most: what they append shares a batch.
const TURN: usize = 128;

/// What a partition's queue holds.
#[derive(Debug)]
pub(super) enum Input<M: CoordinatorMachine> {
    /// A request, and where its response goes.
    Request(M::Request, oneshot::Sender<M::Response>),
    /// Something happened elsewhere.
    Event(M::Event),
}

/// A partition that is to be loaded and served.
pub(super) struct PartitionTask<M: CoordinatorMachine> {
    pub machine: M,
    pub partition: TopicPartition,
    pub handle: LoadedPartition<M>,
    pub settings: Arc<CoordinatorSettings>,
    pub replicas: Arc<ReplicaManager>,
    pub clock: Clock,
    pub effects: Effects<M>,
    pub load_times: Arc<Histogram>,
    pub queue: mpsc::Receiver<Input<M>>,
    pub is_loaded: Arc<AtomicBool>,
    pub unload: CancellationToken,
}

/// The appends of one batch, once it is known how they fared.
type Appended<T> = (Vec<T>, Result<(), ErrorCode>);
type Appending<T> = Pin<Box<dyn Future<Output = Appended<T>> + Send>>;

/// A partition that is served. Only its task has it.
struct ServedPartition<M: CoordinatorMachine> {
    task: PartitionTask<M>,
    actions: Actions<M>,
    timers: Timers<M::Timer>,
    waiting: HashMap<RequestId, oneshot::Sender<M::Response>>,
    next_request: u64,
    appending: FuturesOrdered<Appending<M::Append>>,
    /// Ends at the first deadline of the timers. It is set anew only where that changes: most turns leave it alone.
    alarm: Pin<Box<Sleep>>,
    alarm_at: Option<Millis>,
}

impl<M: CoordinatorMachine> PartitionTask<M> {
    /// Loads the partition and serves it until it is unloaded.
    pub async fn run(self) {
        let (target, what) = self.settings.log;
        let (partition, began) = (self.partition.clone(), self.clock.now());
        log::info!(target: target, "Loading {what} from {partition} for epoch {}", self.handle.leader_epoch);
        let Some(task) = self.loaded().await else { return };
        let took = task.clock.now() - began;
        task.load_times.record_time(millis(took));
        log::info!(target: target, "Finished loading {what} from {partition} in {took} milliseconds for epoch {}", task.handle.leader_epoch);
        let (unload, is_loaded) = (task.unload.clone(), task.is_loaded.clone());
        let mut served = ServedPartition {
            task,
            actions: Actions::default(),
            timers: Timers::new(),
            waiting: HashMap::new(),
            next_request: 0,
            appending: FuturesOrdered::new(),
            alarm: Box::pin(tokio::time::sleep(Duration::ZERO)),
            alarm_at: None,
        };
        served.task.machine.on_loaded(served.task.clock.now(), &mut served.actions);
        served.carry_out().await;
        is_loaded.store(true, Ordering::Release);
        let mut unloaded = pin!(unload.cancelled());
        while !unload.is_cancelled() {
            served.turn(unloaded.as_mut()).await;
        }
        is_loaded.store(false, Ordering::Release);
        log::info!(target: target, "Unloading {what} from {partition}");
        served.end();
    }

    /// Replays the log, and waits until all replicas in sync have what it held: what is answered, or done to others, is
    /// not to be lost with this leader. None where the partition is to be unloaded before.
    async fn loaded(mut self) -> Option<Self> {
        let partition = self.replicas.partition(&self.partition).ok()?;
        let log = partition.log()?;
        let disk = log.disk().clone();
        let replayed = disk.run(move || {
            let loaded = load(&log, &self.settings, &mut self.machine, &self.unload);
            (self, loaded)
        });
        let (task, LoadOutcome::Whole(end)) = replayed.await else { return None };
        let replicated = partition.replicated_up_to(end, task.handle.leader_epoch);
        task.unload.run_until_cancelled(replicated).await?.ok()?;
        Some(task)
    }
}

impl<M: CoordinatorMachine> ServedPartition<M> {
    /// Takes what comes next, and all that has come with it.
    async fn turn(&mut self, unloaded: Pin<&mut WaitForCancellationFuture<'_>>) {
        let mut inputs = Vec::new();
        self.set_alarm();
        tokio::select! {
            biased;
            () = unloaded => return,
            Some(appended) = self.appending.next(), if !self.appending.is_empty() => {
                self.on_appended(appended);
                while let Some(Some(appended)) = self.appending.next().now_or_never() {
                    self.on_appended(appended);
                }
            }
            _ = self.task.queue.recv_many(&mut inputs, TURN) => {}
            () = &mut self.alarm, if self.alarm_at.is_some() => {}
        }
        for input in inputs {
            self.on_input(input);
        }
        let now = self.task.clock.now();
        while let Some(timer) = self.timers.take_due(now) {
            self.task.machine.on_timer(timer, now, &mut self.actions);
        }
        self.carry_out().await;
    }

    fn set_alarm(&mut self) {
        let first = self.timers.next();
        if first == self.alarm_at && !self.alarm.is_elapsed() {
            return;
        }
        self.alarm_at = first;
        if let Some(at) = first {
            self.alarm.as_mut().reset(Instant::now() + millis(at - self.task.clock.now()));
        }
    }

    fn on_input(&mut self, input: Input<M>) {
        let now = self.task.clock.now();
        match input {
            Input::Request(request, respond) => {
                let id = RequestId(self.next_request);
                self.next_request += 1;
                self.waiting.insert(id, respond);
                self.task.machine.on_request(id, request, now, &mut self.actions);
            }
            Input::Event(event) => self.task.machine.on_event(event, now, &mut self.actions),
        }
    }

    fn on_appended(&mut self, (appends, outcome): Appended<M::Append>) {
        let now = self.task.clock.now();
        for then in appends {
            self.task.machine.on_appended(then, outcome, now, &mut self.actions);
        }
    }

    /// Carries the actions out, in their order; the appends after all others of this turn.
    async fn carry_out(&mut self) {
        let now = self.task.clock.now();
        let mut gathered = None;
        for action in self.actions.take() {
            match action {
                CoordinatorAction::Respond(id, response) => self.respond(id, response),
                CoordinatorAction::Append { records, producer, timeout_ms, then } => {
                    let timeout = timeout_ms.map_or(self.task.settings.timeout, millis);
                    let append = GatheredAppend { records: &records, producer, timeout, then };
                    let new = || Gathered::new(self.task.settings.compression, self.max_batch());
                    gathered.get_or_insert_with(new).push(now, append);
                }
                CoordinatorAction::Schedule(timer, at) => self.timers.schedule(timer, at),
                CoordinatorAction::Cancel(timer) => self.timers.cancel(timer),
                CoordinatorAction::Effect(effect) => (self.task.effects)(self.task.handle.clone(), effect),
            }
        }
        for batch in gathered.map(Gathered::finish).unwrap_or_default() {
            self.append(batch).await;
        }
    }

    fn respond(&mut self, id: RequestId, response: M::Response) {
        if let Some(respond) = self.waiting.remove(&id) {
            let _ = respond.send(response); // Its connection may be gone.
        }
    }

    /// The largest batch that the log takes.
    fn max_batch(&self) -> usize {
        let log = self.task.replicas.partition(&self.task.partition).ok().and_then(|it| it.log());
        log.and_then(|log| usize::try_from(log.config().max_message_bytes).ok()).unwrap_or(0)
    }

    /// Appends a batch; how it fared is a later turn's input.
    async fn append(&mut self, batch: GatheredBatch<M::Append>) {
        let GatheredBatch { records, timeout, appends } = batch;
        let CoordinatorSettings { acks, log: (target, _), .. } = *self.task.settings;
        let records = match records {
            Ok(records) => records,
            Err(error) => {
                log::error!(target: target, "No batch for {}: {error}", self.task.partition);
                let outcome = Err(ErrorCode::UnknownServerError);
                self.appending.push_back(Box::pin(async move { (appends, outcome) }));
                return;
            }
        };
        let params = AppendParams {
            acks,
            timeout,
            internal_topics: InternalTopics::Allowed,
            origin: AppendOrigin::Coordinator,
            leader_epoch: Some(self.task.handle.leader_epoch),
        };
        let entries = vec![(self.task.partition.clone(), records.into())];
        let pending = self.task.replicas.append_records(params, entries).await;
        self.appending.push_back(Box::pin(async move {
            let error = pending.outcomes().await.first().map(|(_, outcome)| outcome.error);
            let outcome = match error {
                Some(ErrorCode::None) => Ok(()),
                Some(error) => Err(error),
                None => Err(ErrorCode::UnknownServerError),
            };
            (appends, outcome)
        }));
    }

    /// Answers what still waits.
    fn end(mut self) {
        let machine = self.task.machine;
        machine.on_unloaded(&mut self.actions);
        for action in self.actions.take() {
            match action {
                CoordinatorAction::Respond(id, response) => {
                    if let Some(respond) = self.waiting.remove(&id) {
                        let _ = respond.send(response); // Its connection may be gone.
                    }
                }
                CoordinatorAction::Effect(effect) => (self.task.effects)(self.task.handle.clone(), effect),
                CoordinatorAction::Append { .. }
                | CoordinatorAction::Schedule(..)
                | CoordinatorAction::Cancel(_) => {}
            }
        }
    }
}
