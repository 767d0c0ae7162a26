//! What must hold after every step, whatever happens. A violation is a text that describes what did not hold.

use std::collections::BTreeMap;

use barnabas::base::{BrokerId, LeaderEpoch, Offset, TopicPartition};
use barnabas::controller::state::Leadership;

use crate::disk::{Log, Record};

/// What has been seen so far.
#[derive(Debug, Default)]
pub struct Checks {
    /// The leader of each epoch.
    leaders: BTreeMap<(TopicPartition, LeaderEpoch), BrokerId>,
    /// The records below any high watermark that there ever was.
    committed: BTreeMap<TopicPartition, BTreeMap<Offset, Record>>,
    /// The records acknowledged with acks=all.
    acknowledged: BTreeMap<TopicPartition, BTreeMap<Offset, Record>>,
    /// The highest high watermark of a leader in an epoch, as long as its process lives.
    watermarks: BTreeMap<(BrokerId, TopicPartition, LeaderEpoch), Offset>,
    /// The controller epoch of the last election.
    controller_epoch: i32,
    /// The first thing that did not hold.
    pub violation: Option<String>,
    /// What had not recovered at the end.
    pub broken: Option<String>,
}

impl Checks {
    fn violated(&mut self, text: String) {
        self.violation.get_or_insert(text);
    }

    /// How many records were acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.values().map(BTreeMap::len).sum()
    }

    /// A follower's fetch was answered only because it timed out, though there was something to answer it
    /// with.
    pub fn waited_in_vain(
        &mut self,
        id: &TopicPartition,
        leader: BrokerId,
        follower: BrokerId,
        records: usize,
    ) {
        self.violated(format!(
            "broker {follower} waited in vain for {id} at {leader}, which had {records} records for it, or a high \
             watermark"
        ));
    }

    /// A controller was elected.
    pub fn elected(&mut self, epoch: i32) {
        if epoch <= self.controller_epoch {
            self.violated(format!("the controller epoch went from {} to {epoch}", self.controller_epoch));
        }
        self.controller_epoch = epoch;
    }

    /// A controller of this epoch has changed ZooKeeper.
    pub fn controller_wrote(&mut self, epoch: i32, what: &str) {
        if epoch != self.controller_epoch {
            self.violated(format!(
                "the controller of epoch {epoch} wrote {what}, though epoch {} had begun",
                self.controller_epoch
            ));
        }
    }

    /// A partition's state was written: epochs rise, and the ISR is a subset of the replicas. `replicas` may
    /// still have those of the assignment before: its znode is written first, and until the state follows a
    /// leader may write its ISR.
    pub fn state_written(
        &mut self,
        id: &TopicPartition,
        before: Option<&Leadership>,
        now: &Leadership,
        replicas: &[BrokerId],
    ) {
        let state = &now.leader_and_isr;
        if before.is_some_and(|before| before.leader_and_isr.leader_epoch > state.leader_epoch) {
            self.violated(format!("{id}: the leader epoch fell to {state:?}"));
        }
        if !state.isr.iter().all(|broker| replicas.contains(broker)) {
            self.violated(format!("{id}: ISR {:?} outside the replicas {replicas:?}", state.isr));
        }
    }

    /// A broker leads; `current` if the state in ZooKeeper has it as leader.
    pub fn leads(
        &mut self,
        id: &TopicPartition,
        epoch: LeaderEpoch,
        broker: BrokerId,
        log: &Log,
        current: bool,
    ) {
        let first = *self.leaders.entry((id.clone(), epoch)).or_insert(broker);
        if first != broker {
            self.violated(format!("{id}: brokers {first} and {broker} both lead in epoch {epoch}"));
        }
        if current {
            self.holds_acknowledged(id, broker, log);
        }
    }

    /// All acknowledged records are in this log, but those that a later one of the same key has replaced.
    pub fn holds_acknowledged(&mut self, id: &TopicPartition, broker: BrokerId, log: &Log) {
        let acknowledged = self.acknowledged.get(id).into_iter().flatten();
        let lost = acknowledged.map(|(offset, record)| (*offset, *record)).find(|(offset, record)| match log
            .get(*offset)
        {
            Some(found) => found != *record,
            None => !log.has_later(record.key(), *offset),
        });
        if let Some((offset, record)) = lost {
            self.violated(format!(
                "{id}: {record:?} was acknowledged at offset {offset}, and leader {broker} has {:?} there",
                log.get(offset)
            ));
        }
    }

    /// A high watermark rose from `before`: the records below it are the same in all logs.
    pub fn watermark_rose(&mut self, id: &TopicPartition, broker: BrokerId, log: &Log, before: Offset) {
        let committed = self.committed.entry(id.clone()).or_default();
        for offset in before..log.high_watermark() {
            let Some(record) = log.get(offset) else { continue };
            match committed.insert(offset, record) {
                None => {}
                Some(known) if known == record => {}
                Some(known) => {
                    let text = format!(
                        "{id}: below its high watermark broker {broker} has {record:?} at offset {offset}, another had {known:?}"
                    );
                    return self.violated(text);
                }
            }
        }
    }

    /// A broker has crashed: if it leads again in the same epoch, it begins with its checkpointed high
    /// watermark.
    pub fn crashed(&mut self, broker: BrokerId) {
        self.watermarks.retain(|(leader, ..), _| *leader != broker);
    }

    /// A broker's leaderships were moved so that it can stop, and still it is the leader of these by
    /// ZooKeeper.
    pub fn handed_over(&mut self, broker: BrokerId, still_led: Vec<TopicPartition>) {
        if let Some(id) = still_led.first() {
            self.violated(format!("broker {broker} is free to stop, and still the leader of {id}"));
        }
    }

    /// A leader's high watermark in an epoch never falls.
    pub fn leader_watermark(
        &mut self,
        broker: BrokerId,
        id: &TopicPartition,
        epoch: LeaderEpoch,
        now: Offset,
    ) {
        let highest = self.watermarks.entry((broker, id.clone(), epoch)).or_insert(now);
        if now < *highest {
            let text = format!("{id}: in epoch {epoch} the high watermark fell from {highest} to {now}");
            return self.violated(text);
        }
        *highest = now;
    }

    /// A record was acknowledged to its producer.
    pub fn acknowledge(&mut self, id: &TopicPartition, offset: Offset, record: Record) {
        if let Some(other) = self.acknowledged.entry(id.clone()).or_default().insert(offset, record)
            && other != record
        {
            self.violated(format!(
                "{id}: {other:?} and {record:?} were both acknowledged at offset {offset}"
            ));
        }
    }
}
