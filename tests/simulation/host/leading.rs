//! A broker as leader: appends, raises high watermarks, serves followers, changes ISRs.

use barnabas::base::{BrokerId, LeaderEpoch, Offset, TopicPartition};
use barnabas::controller::decide::Leaderships;
use barnabas::controller::state::Leadership;
use barnabas::log::epochs::EpochEnd;
use barnabas::replica::fetch::session::IdleFetch;
use barnabas::replica::fetcher::session::Want;
use barnabas::replica::machine::{
    FollowerFetch, IsrAnswer, IsrOutcome, IsrProposal, LeadershipState, ReadFrom, RequiredAcks,
};
use barnabas::wire::error_code::ErrorCode;
use barnabas::zk::OpResult;
use barnabas::zk::znode::partition_state::PartitionStateZNode;

use super::{Host, LAG_MAX, MIN_ISR, PATIENCE};
use crate::client::{Multi, Progress, Writing};
use crate::disk::{Log, Record, position};
use crate::network::Message;
use crate::scene::{Flaw, Scene};

/// How many records a fetch brings at most.
const FETCH_MOST: usize = 5;

impl Host {
    pub(super) fn lead(&mut self, id: &TopicPartition, state: LeadershipState, scene: &mut Scene) {
        let (Some(replica), Some(log)) = (self.replicas.get_mut(id), self.disks.get_mut(id)) else { return };
        let epoch = state.leadership.leader_epoch;
        log.fence = epoch;
        log.epochs.assign(epoch, log.end());
        replica.machine.become_leader(state, log.end(), scene.now);
        let current = scene.epoch_in_force(id) == Some(epoch);
        let me = self.id;
        scene.log_line(|| format!("broker {me} leads {id} in epoch {epoch} from {}", log.end()));
        scene.checks.leads(id, epoch, me, log, current);
        self.raise_watermark(id, scene);
        self.role_changed(id, scene);
    }

    /// A producer writes with acks=all; returns whether the record was admitted.
    pub fn produce(&mut self, id: &TopicPartition, value: u64, scene: &mut Scene) -> bool {
        let Some(replica) = self.replicas.get_mut(id) else { return false };
        let Ok(epoch) = replica.machine.admits_append(RequiredAcks::All, MIN_ISR) else { return false };
        replica.admitted.push_back(Record { epoch, value });
        // Some wait for the disk meanwhile.
        if scene.rng.u8(0..3) > 0 {
            self.write_admitted(id, scene);
        }
        true
    }

    /// Writes what was admitted, unless it was in an epoch that is no longer in force
    /// (`replica::partition::append`).
    fn write_admitted(&mut self, id: &TopicPartition, scene: &mut Scene) {
        let (Some(replica), Some(log)) = (self.replicas.get_mut(id), self.disks.get_mut(id)) else { return };
        for record in std::mem::take(&mut replica.admitted) {
            if record.epoch < log.fence && scene.flaw != Some(Flaw::WritesThePast) {
                continue;
            }
            log.append(record);
            if replica.machine.leads_in(record.epoch) {
                replica.waiting.push_back((log.end(), record));
            }
        }
        self.raise_watermark(id, scene);
        self.log_changed(id, scene);
    }

    /// The disk's turn has come for all that was admitted.
    pub(super) fn write_all_admitted(&mut self, scene: &mut Scene) {
        let admitted = self.replicas.iter().filter(|(_, replica)| !replica.admitted.is_empty());
        let ids: Vec<_> = admitted.map(|(id, _)| id.clone()).collect();
        ids.iter().for_each(|id| self.write_admitted(id, scene));
    }

    fn raise_watermark(&mut self, id: &TopicPartition, scene: &mut Scene) {
        if self.replicas.get(id).is_some_and(|replica| replica.machine.has_followers_out_of_sync()) {
            self.count_idle_fetches(id);
        }
        let (Some(replica), Some(log)) = (self.replicas.get_mut(id), self.disks.get_mut(id)) else { return };
        let allowed = replica.machine.high_watermark(log.end_position(), scene.now, LAG_MAX);
        let allowed = match scene.flaw {
            Some(Flaw::RushesWatermark) => Some(log.end_position()),
            _ => allowed,
        };
        let Some(to) = allowed.filter(|_| replica.machine.is_leader()) else { return };
        let before = log.high_watermark();
        let rises = log.raise(to.offset);
        if rises {
            scene.checks.watermark_rose(id, self.id, log, before);
        }
        scene.checks.leader_watermark(self.id, id, replica.machine.leader_epoch(), log.high_watermark());
        let outcome = replica.machine.replicated(MIN_ISR);
        while let Some((required, record)) = replica.waiting.front().copied() {
            if required > log.high_watermark() {
                break;
            }
            replica.waiting.pop_front();
            if outcome == ErrorCode::None {
                scene.checks.acknowledge(id, required - 1, record);
            }
        }
        if rises {
            self.log_changed(id, scene);
        }
    }

    /// Whether a follower that knows this epoch may be answered.
    fn admits(&self, id: &TopicPartition, epoch: LeaderEpoch, scene: &Scene) -> Result<&Log, ErrorCode> {
        let replica = self.replicas.get(id).ok_or(ErrorCode::NotLeaderOrFollower)?;
        let epoch = Some(epoch).filter(|_| scene.flaw != Some(Flaw::FencesNobody));
        replica.machine.admits_read(epoch, ReadFrom::Leader)?;
        self.disks.get(id).ok_or(ErrorCode::KafkaStorageError)
    }

    /// Answers where epochs end.
    pub(super) fn answer_epoch_ends(
        &self,
        from: BrokerId,
        call: u64,
        asked: Vec<(TopicPartition, LeaderEpoch, LeaderEpoch)>,
        scene: &mut Scene,
    ) {
        let ends = asked.into_iter().map(|(id, epoch, wanted)| {
            let log = self.admits(&id, epoch, scene);
            let end = log.map(|log| log.end_offset_for(wanted).unwrap_or(EpochEnd::UNKNOWN));
            (id, epoch, end)
        });
        let ends = ends.collect();
        scene.send(self.id, from, Message::EpochsEnd { call, ends });
    }

    pub(super) fn watermark(&self, id: &TopicPartition) -> Offset {
        self.disks.get(id).map_or(-1, Log::high_watermark)
    }

    pub(super) fn end(&self, id: &TopicPartition) -> Offset {
        self.disks.get(id).map_or(-1, Log::end)
    }

    pub(super) fn read(
        &self,
        id: &TopicPartition,
        want: Want,
        scene: &Scene,
    ) -> Result<Vec<(Offset, Record)>, ErrorCode> {
        let log = self.admits(id, want.leader_epoch, scene)?;
        if want.offset > log.end() {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        Ok(log.read(want.offset, FETCH_MOST))
    }

    /// Applies a follower's fetch, and before it those that read nothing here; returns the epoch in which it
    /// was applied.
    pub(super) fn follower_fetched(
        &mut self,
        from: BrokerId,
        id: &TopicPartition,
        at: Offset,
        idle: Option<IdleFetch>,
        scene: &mut Scene,
    ) -> Option<LeaderEpoch> {
        let (Some(replica), Some(log)) = (self.replicas.get_mut(id), self.disks.get_mut(id)) else {
            return None;
        };
        if !replica.machine.state().replicas.contains(&from) {
            return None;
        }
        if let Some(IdleFetch { leader_epoch, at }) = idle {
            replica.machine.on_idle_fetch(from, leader_epoch, at);
        }
        let leader_epoch = replica.machine.leader_epoch();
        let fetch = FollowerFetch { from, at: position(at), log_start: 0, leader_end: log.end() };
        let (end, watermark) = (log.end_position(), log.high_watermark());
        let step = replica.machine.on_follower_fetch(fetch, end, watermark, scene.now, LAG_MAX);
        if let Some(proposal) = step.proposal {
            self.reports.insert(id.clone(), proposal);
        }
        self.raise_watermark(id, scene);
        Some(leader_epoch)
    }

    pub(super) fn look_for_laggards(&mut self, scene: &Scene) {
        let led = self.led();
        led.iter().for_each(|id| self.count_idle_fetches(id));
        for (id, replica) in &mut self.replicas {
            let end = self.disks.get(id).map_or(0, Log::end);
            if let Some(proposal) = replica.machine.on_tick(end, scene.now, LAG_MAX) {
                self.reports.insert(id.clone(), proposal);
            }
        }
    }

    /// Sends proposals to the controller or to ZooKeeper (`replica::alter_isr`).
    pub(super) fn report(&mut self, scene: &mut Scene) {
        let replicas = &self.replicas;
        self.reports.retain(|id, proposal| {
            replicas.get(id).is_some_and(|replica| replica.machine.proposed() == Some(proposal))
        });
        if !scene.alter_isr {
            return self.write_isrs(scene);
        }
        if self.reports.is_empty() {
            return;
        }
        if self.report_call.as_ref().is_some_and(|(_, sent, _)| sent + PATIENCE > scene.now) {
            return;
        }
        let Some(controller) = self.controller else { return };
        let batch: Vec<_> = self.reports.iter().map(|(id, it)| (id.clone(), it.clone())).collect();
        let wanted = batch.iter().map(|(id, it)| (id.clone(), it.leadership(self.id))).collect();
        let call = scene.call();
        let broker_epoch = self.broker_epoch;
        scene.send(self.id, controller, Message::AlterIsr { call, broker_epoch, wanted });
        self.report_call = Some((call, scene.now, batch));
    }

    /// Writes proposals to ZooKeeper, one after the other (`replica::alter_isr`).
    pub(super) fn write_isrs(&mut self, scene: &mut Scene) {
        if let Some((id, proposal, writing)) = self.isr_write.take() {
            let answers = match writing.go_on(scene) {
                Progress::Waits(writing) => {
                    self.isr_write = Some((id, proposal, writing));
                    return;
                }
                Progress::Known(answers) => answers,
                // It may have been written: it is written again in the next session.
                Progress::Expired if scene.flaw != Some(Flaw::ForgetsDoubts) => return,
                Progress::Expired => return self.isr_settled(&id, &proposal, IsrAnswer::NotWritten, scene),
            };
            let found =
                scene.ensemble.znodes.states.get(&id).map(|known| {
                    PartitionStateZNode::new(known.leader_and_isr.clone(), known.controller_epoch)
                });
            let answer = match answers.into_iter().next() {
                Some(Ok(results)) => match results.last() {
                    Some(OpResult::Set { version }) => {
                        IsrAnswer::in_force(proposal.leadership(self.id).at_version(*version))
                    }
                    _ => return,
                },
                _ => proposal.judge(self.id, found.as_ref()),
            };
            return self.isr_settled(&id, &proposal, answer, scene);
        }
        let session = self.session.filter(|session| scene.reaches_zookeeper(self.id, *session));
        let (Some(session), Some((id, proposal))) = (session, self.reports.first_key_value()) else { return };
        let next = Leadership {
            leader_and_isr: proposal.leadership(self.id),
            controller_epoch: proposal.controller_epoch,
        };
        let multi = Multi::Isr { id: id.clone(), next };
        let writing = Writing::begin(scene, self.id, session, vec![multi]);
        self.isr_write = Some((id.clone(), proposal.clone(), writing));
    }

    fn isr_settled(
        &mut self,
        id: &TopicPartition,
        proposal: &IsrProposal,
        answer: IsrAnswer,
        scene: &mut Scene,
    ) {
        // A newer proposal may wait by now.
        if self.reports.get(id) == Some(proposal) {
            self.reports.remove(id);
        }
        self.isr_answered(id, proposal, answer, scene);
    }

    pub(super) fn isr_altered(
        &mut self,
        call: u64,
        outcome: Result<Leaderships, ErrorCode>,
        scene: &mut Scene,
    ) {
        if self.report_call.as_ref().is_none_or(|(sent, ..)| *sent != call) {
            return;
        }
        let Some((_, _, batch)) = self.report_call.take() else { return };
        let me = self.id;
        scene.log_line(|| format!("broker {me} is answered to AlterIsr: {outcome:?}"));
        let Ok(mut answers) = outcome else { return };
        for (id, proposal) in batch {
            let Some(Ok(answer)) = answers.remove(&id).map(IsrAnswer::of_controller) else { continue };
            self.isr_settled(&id, &proposal, answer, scene);
        }
    }

    fn isr_answered(
        &mut self,
        id: &TopicPartition,
        proposal: &IsrProposal,
        answer: IsrAnswer,
        scene: &mut Scene,
    ) {
        let Some(replica) = self.replicas.get_mut(id) else { return };
        if replica.machine.on_isr_answer(proposal, answer) == IsrOutcome::Changed {
            self.raise_watermark(id, scene);
        }
        self.isr_settles(id);
    }
}
