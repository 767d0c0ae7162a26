//! The loop of a poll: what has come is applied, what is due is sent, and records are taken.
//!
//! Each turn of it is one step without an await. A poll that is dropped while it waits has lost nothing: what it waited
//! for lies in the consumer, and records are taken only in the step that returns them. Kafka: `KafkaConsumer.poll`.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, sleep_until};

use super::error::ConsumerError;
use super::fetcher::TakenRecords;
use super::group::{GroupMember, MemberStep, next_step};
use super::metrics::count;
use super::records::ConsumerRecords;
use super::tasks::TaskOutcome;
use super::{Consumer, ConsumerRecord};
use crate::base::Millis;
use crate::client::error::ClientError;

impl Consumer {
    /// Records of the assigned partitions, `max.poll.records` at most; waits up to `timeout` for the first of them, and
    /// returns none if none came. The positions are behind the records returned.
    ///
    /// A consumer in a group has to be polled at least every `max.poll.interval.ms`, and rebalances in here. May be
    /// dropped at any time.
    ///
    /// # Errors
    /// [`ConsumerError`] with what keeps the consumer from going on; the next poll tries again.
    pub async fn poll(&mut self, timeout: Duration) -> Result<ConsumerRecords, ClientError> {
        if self.shared.state().is_none() {
            return Err(ConsumerError::NotSubscribed.into());
        }
        if let Some(member) = &mut self.group {
            member.poll();
        }
        let rest = self.unread.take_rest();
        if !rest.is_empty() {
            return Ok(rest);
        }
        let end = deadline(timeout);
        if self.wakeup.woken().now_or_never().is_some() {
            return Err(ConsumerError::Wakeup.into());
        }
        loop {
            let records = self.turn()?;
            if !records.is_empty() {
                count(&self.shared.counters.records_consumed, records.len());
                let interceptors = &self.shared.settings.interceptors;
                return Ok(interceptors.iter().fold(records, |records, it| it.on_consume(records)));
            }
            let is_last = Instant::now() >= end;
            if is_last {
                // A caller that polls without waiting lets the consumer's tasks go on.
                tokio::task::yield_now().await;
                return Ok(ConsumerRecords::default());
            }
            self.wait(end).await?;
        }
    }

    /// The next record, as long as it takes; those of a poll one after the other. May be dropped at any time.
    ///
    /// # Errors
    /// As [`Consumer::poll`].
    pub async fn next_record(&mut self) -> Result<ConsumerRecord, ClientError> {
        loop {
            if let Some(record) = self.unread.next() {
                if let Some(member) = &mut self.group {
                    member.poll_if_late();
                }
                return Ok(record);
            }
            self.unread = self.poll(LONGEST_POLL).await?.into_iter();
        }
    }

    /// The consumer's records as a stream that does not end. After an error it goes on.
    pub fn stream(&mut self) -> impl futures_util::Stream<Item = Result<ConsumerRecord, ClientError>> {
        futures_util::stream::unfold(self, async |consumer| Some((consumer.next_record().await, consumer)))
    }

    /// Applies what has come and sends what is due; returns the records that are there.
    fn turn(&mut self) -> Result<ConsumerRecords, ClientError> {
        self.commit_in_time();
        self.catch_up()?;
        // A rebalance does not wait until all records are returned that were fetched before it.
        while let Some(step) = next_step(self.group.as_mut()).now_or_never() {
            self.advance_group(step?);
        }
        if self.group.as_ref().is_some_and(GroupMember::is_rebalancing) {
            return Ok(ConsumerRecords::default());
        }
        let now = self.shared.now();
        let most = self.shared.settings.max_poll_records;
        let records = if self.is_unpacking {
            ConsumerRecords::default()
        } else {
            let taken = self.fetcher.take(&mut self.shared.state(), most, now)?;
            match taken {
                TakenRecords::Records(records) => records,
                TakenRecords::Unpack(task) => {
                    self.tasks.unpack(task);
                    self.is_unpacking = true;
                    ConsumerRecords::default()
                }
            }
        };
        // The next fetches are under way while the application works on these records.
        self.send_fetches(now);
        Ok(records)
    }

    /// Applies what has come, and looks up what positions need.
    pub(super) fn catch_up(&mut self) -> Result<(), ClientError> {
        while let Some(outcome) = self.tasks.try_next()? {
            self.apply(outcome)?;
        }
        if self.snapshots.has_changed().map_err(|_| ClientError::Closed)? {
            self.apply_snapshot()?;
        }
        self.find_positions(self.shared.now())
    }

    /// Looks up positions that are not known, not valid any more, or to be validated.
    fn find_positions(&mut self, now: Millis) -> Result<(), ClientError> {
        let give_up = now.saturating_add(self.request_timeout());
        let mut state = self.shared.state();
        let initializing = state.initializing(now);
        match &self.group {
            Some(member) if !initializing.is_empty() => {
                state.retry_at(&initializing, Millis::MAX);
                self.tasks.committed(&member.coordinator, initializing);
            }
            _ => state.initialize(&initializing.into_iter().map(|id| (id, None)).collect(), |_| None)?,
        }
        let resets = state.needing_reset(now);
        state.retry_at(resets.keys(), give_up);
        let validations = state.needing_validation(now);
        state.retry_at(validations.keys(), give_up);
        drop(state);
        if !resets.is_empty() {
            self.tasks.reset(&self.shared, resets);
        }
        if !validations.is_empty() {
            self.tasks.validate(&self.shared, validations);
        }
        Ok(())
    }

    fn request_timeout(&self) -> Millis {
        Millis::try_from(self.shared.settings.cluster.request_timeout.as_millis()).unwrap_or(Millis::MAX)
    }

    fn send_fetches(&mut self, now: Millis) {
        let requests = self.fetcher.requests(&self.shared.state(), now);
        for (broker, request) in requests {
            self.tasks.fetch(&self.shared, broker, request);
        }
        if self.fetcher.take_needs_metadata() {
            self.shared.cluster.request_update();
        }
    }

    /// Waits until there is something to do for the next turn, at most until `end`.
    async fn wait(&mut self, end: Instant) -> Result<(), ClientError> {
        self.wait_with(end, WaitScope::WithGroup).await
    }

    /// As [`Consumer::wait`], without the group: its rebalances go on with a poll.
    pub(super) async fn wait_for_lookup(&mut self, end: Instant) -> Result<(), ClientError> {
        self.wait_with(end, WaitScope::Lookups).await
    }

    async fn wait_with(&mut self, end: Instant, scope: WaitScope) -> Result<(), ClientError> {
        let until = self.next_due().map_or(end, |due| due.min(end));
        let group = self.group.as_mut().filter(|_| scope == WaitScope::WithGroup);
        let woken = tokio::select! {
            biased;
            () = self.wakeup.woken() => return Err(ConsumerError::Wakeup.into()),
            step = next_step(group) => WaitOutcome::Group(step?),
            outcome = self.tasks.next() => WaitOutcome::Task(outcome?),
            changed = self.snapshots.changed() => {
                changed.map_err(|_| ClientError::Closed)?;
                WaitOutcome::Metadata
            }
            () = sleep_until(until) => WaitOutcome::Time,
        };
        match woken {
            WaitOutcome::Task(outcome) => self.apply(outcome)?,
            WaitOutcome::Group(step) => self.advance_group(step),
            WaitOutcome::Metadata => self.snapshots.mark_changed(),
            WaitOutcome::Time => {}
        }
        Ok(())
    }

    /// When the next lookup, fetch or refresh of metadata is due that waits for its time.
    fn next_due(&mut self) -> Option<Instant> {
        let now = self.shared.now();
        let fetch = self.fetcher.next_retry(now);
        let due = [self.shared.state().next_retry(), fetch];
        let lookups = due.into_iter().flatten().min().map(|at| self.shared.instant(at));
        lookups.into_iter().chain(self.next_commit()).min()
    }
}

/// When a wait of this length that begins now is over; a length that no clock can express counts as a year.
pub(super) fn deadline(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or_else(|| now + Duration::from_secs(365 * 86_400))
}

/// What a wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WaitScope {
    /// Answers, and the events of the group.
    WithGroup,
    /// Answers.
    Lookups,
}

/// What ended a wait.
enum WaitOutcome {
    Group(MemberStep),
    Task(TaskOutcome),
    Metadata,
    Time,
}

/// A poll of [`Consumer::next_record`] that found nothing is followed by another.
const LONGEST_POLL: Duration = Duration::from_secs(60);
