//! The group of applications that copy, and the check that they copy each record once.

use std::collections::BTreeMap;

use barnabas::base::{Offset, ProducerId, TopicPartition};
use barnabas::client::OffsetAndMetadata;
use barnabas::client::error::{ClientError, ConnectionError};
use barnabas::client::producer::transaction_manager::TransactionalAnswer;
use barnabas::coordinator::group::GroupCoordinator;
use barnabas::coordinator::group::fetch::OffsetsFetch;
use barnabas::coordinator::group::request::{
    GroupEvent, GroupRequest, GroupResponse, MemberClaim, OffsetCommitValue, OffsetsCommit,
};
use barnabas::coordinator::machine::TransactionalProducer;
use barnabas::coordinator::txn::TransactionResult;
use barnabas::wire::control::EndTransactionMarker;
use barnabas::wire::error_code::ErrorCode;

use super::World;
use crate::clients::ClientFlaw;
use crate::clients::application::{GROUP, input};
use crate::clients::consuming::group_machine;
use crate::clients::sent_records::Happening;
use crate::coordinators::partition::{FromPartition, Partition};

/// How many inputs there are, each of one transactional id.
pub const INPUTS: i32 = 3;

/// The partition of the topic in which the group's offsets are.
pub fn offsets_partition() -> TopicPartition {
    TopicPartition::new("__consumer_offsets", 0)
}

/// A request to the group's coordinator.
#[derive(Debug)]
enum AskedOfGroup {
    /// How far an input was read.
    Locate { application: u64, number: u64 },
    /// Offsets of a transaction.
    Commit { application: u64, number: u64, partitions: Vec<TopicPartition> },
}

/// The newest epoch of a producer and of its coordinator that the partition of the offsets has.
#[derive(Clone, Copy, Debug, Default)]
struct KnownProducer {
    epoch: i16,
    coordinator_epoch: i32,
}

/// The group.
pub struct Copying {
    pub groups: Partition<GroupCoordinator>,
    asked: BTreeMap<u64, AskedOfGroup>,
    producers: BTreeMap<ProducerId, KnownProducer>,
    /// How far each input was read, as the coordinator answers in the end.
    ends: BTreeMap<i32, Offset>,
}

impl Default for Copying {
    fn default() -> Self {
        Self {
            groups: Partition::new(group_machine, None),
            asked: BTreeMap::new(),
            producers: BTreeMap::new(),
            ends: BTreeMap::new(),
        }
    }
}

fn fetch(number: i32) -> GroupRequest {
    let partitions = Some(vec![input(number)]);
    GroupRequest::Fetch(OffsetsFetch { group: GROUP.into(), partitions, require_stable: true })
}

/// The offset of the only partition that was asked for; None where it is part of a transaction that goes on.
fn fetched(response: &GroupResponse) -> Option<Offset> {
    let GroupResponse::Fetch(found) = response else { return None };
    let (_, found) = found.first()?;
    found.error.is_none().then_some(found.offset.max(0))
}

impl World {
    pub(super) fn tick_groups(&mut self) {
        let stalled = self.stage.goes_wrong(5);
        self.copying.groups.tick(&mut self.stage.rng, stalled, self.stage.now);
        self.take_out_groups();
    }

    /// A question arrives how far an application's input was read. Only the present coordinator knows that.
    pub(super) fn locate(&mut self, application: u64, number: u64) {
        let Some(at) = self.of(application) else { return };
        let Some(input) = self.applications[at].habits.input else { return };
        if self.stage.goes_wrong(20) {
            return;
        }
        self.ask_group(fetch(input), AskedOfGroup::Locate { application, number });
    }

    /// Offsets of a transaction arrive at a coordinator of the group.
    pub(super) fn commit_offsets(
        &mut self,
        application: u64,
        number: u64,
        producer: TransactionalProducer,
        offsets: &BTreeMap<TopicPartition, OffsetAndMetadata>,
    ) {
        let partitions: Vec<_> = offsets.keys().cloned().collect();
        let known = self.copying.producers.entry(producer.id).or_default();
        if producer.epoch < known.epoch {
            let fenced = partitions.into_iter().map(|it| (it, ErrorCode::InvalidProducerEpoch)).collect();
            let answer = TransactionalAnswer::Partitions(fenced);
            return self.stage.soon(Happening::Answered { application, number, answer });
        }
        known.epoch = producer.epoch;
        let is_outside = self.stage.flaw == Some(ClientFlaw::CommitsOffsetsAtOnce);
        let now = self.stage.now;
        let value = |committed: &OffsetAndMetadata| OffsetCommitValue {
            offset: committed.offset,
            leader_epoch: None,
            metadata: "".into(),
            commit_timestamp: now,
            expire_timestamp: None,
        };
        let request = GroupRequest::Commit(OffsetsCommit {
            group: GROUP.into(),
            claim: MemberClaim { generation: -1, ..MemberClaim::default() },
            offsets: offsets.iter().map(|(id, committed)| (id.clone(), value(committed))).collect(),
            producer: (!is_outside).then_some(producer),
        });
        self.ask_group(request, AskedOfGroup::Commit { application, number, partitions });
    }

    fn ask_group(&mut self, request: GroupRequest, asked: AskedOfGroup) {
        let ticket = self.stage.number();
        let groups = &mut self.copying.groups;
        let leader = match asked {
            AskedOfGroup::Locate { .. } => groups.present(),
            AskedOfGroup::Commit { .. } => groups.believed(&mut self.stage.rng, -1),
        };
        self.copying.asked.insert(ticket, asked);
        groups.request(leader, ticket, request, self.stage.now);
        self.take_out_groups();
    }

    /// What has come out of the group's coordinator goes on its way.
    pub(super) fn take_out_groups(&mut self) {
        for out in std::mem::take(&mut self.copying.groups.out) {
            match out {
                FromPartition::Response(ticket, _, response) => {
                    self.respond_of_group(ticket, Some(&response))
                }
                FromPartition::Lost(ticket) => self.respond_of_group(ticket, None),
                FromPartition::Effect(..) => {}
            }
        }
    }

    fn respond_of_group(&mut self, ticket: u64, response: Option<&GroupResponse>) {
        let Some(asked) = self.copying.asked.remove(&ticket) else { return };
        self.stage.say(|| format!("{asked:?}: {response:?}"));
        if self.stage.goes_wrong(20) {
            return;
        }
        let happening = match asked {
            AskedOfGroup::Locate { application, number } => {
                Happening::Located { application, number, offset: response.and_then(fetched) }
            }
            AskedOfGroup::Commit { application, number, partitions } => {
                let answer = match response {
                    Some(GroupResponse::Commit(errors)) => TransactionalAnswer::Partitions(
                        partitions.into_iter().zip(errors.iter().copied()).collect(),
                    ),
                    _ => TransactionalAnswer::Failed(ClientError::Connection(ConnectionError::TimedOut(
                        std::time::Duration::ZERO,
                    ))),
                };
                Happening::Answered { application, number, answer }
            }
        };
        self.stage.soon(happening);
    }

    /// A marker arrives at the partition of the offsets, which the group's coordinator leads.
    pub(super) fn write_offsets_marker(
        &mut self,
        producer: TransactionalProducer,
        marker: EndTransactionMarker,
    ) -> Result<(), ErrorCode> {
        let known = self.copying.producers.entry(producer.id).or_default();
        if marker.coordinator_epoch < known.coordinator_epoch {
            return Err(ErrorCode::TransactionCoordinatorFenced);
        }
        if producer.epoch < known.epoch {
            return Err(ErrorCode::InvalidProducerEpoch);
        }
        *known = KnownProducer { epoch: producer.epoch, coordinator_epoch: marker.coordinator_epoch };
        let (groups, now) = (&mut self.copying.groups, self.stage.now);
        groups.append_marker(producer.id, producer.epoch, marker.committed);
        groups.replicate(now);
        self.take_out_groups();
        let result = TransactionResult::of(marker.committed);
        let completed = GroupEvent::TransactionCompleted { producer: producer.id, result };
        let groups = &mut self.copying.groups;
        groups.event(groups.epoch(), completed, now);
        self.take_out_groups();
        Ok(())
    }

    /// In the end each input was copied up to where its group has read it, and each record once.
    pub(super) fn check_copies(&mut self) {
        if self.stage.violation.is_some() || self.habits.input.is_none() {
            return;
        }
        for number in 0..INPUTS {
            let (groups, now) = (&mut self.copying.groups, self.stage.now);
            let ticket = self.stage.number();
            groups.request(groups.present(), ticket, fetch(number), now);
            for out in std::mem::take(&mut groups.out) {
                if let FromPartition::Response(of, _, response) = out
                    && of == ticket
                    && let Some(offset) = fetched(&response)
                {
                    self.copying.ends.insert(number, offset);
                }
            }
            if let Some(found) = self.wrong_copy(number) {
                return self.stage.violate(found);
            }
        }
    }

    fn wrong_copy(&self, number: i32) -> Option<String> {
        let Some(end) = self.copying.ends.get(&number) else {
            return Some(format!("it is not known in the end how far input {number} was read"));
        };
        let mut copies: BTreeMap<Offset, usize> = BTreeMap::new();
        let visible = self.data.iter().flat_map(|data| data.fates()).filter(|(_, fate)| *fate == Some(true));
        for (value, _) in visible {
            let record = self.stage.ledger.records.get(&value);
            if let Some((of, offset)) = record.and_then(|it| it.input)
                && of == number
            {
                *copies.entry(offset).or_default() += 1;
            }
        }
        let lost = (0..*end).find(|offset| !copies.contains_key(offset));
        let beyond = copies.keys().find(|offset| *offset >= end);
        let twice = copies.iter().find(|(_, count)| **count > 1);
        match (lost, beyond, twice) {
            (Some(lost), ..) => {
                Some(format!("input {number} was read up to {end}, and {lost} is not copied"))
            }
            (_, Some(beyond), _) => {
                Some(format!("input {number} was read up to {end}, and {beyond} is copied"))
            }
            (.., Some((twice, _))) => Some(format!("{twice} of input {number} is copied twice")),
            _ => None,
        }
    }
}
