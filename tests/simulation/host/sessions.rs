//! A broker as leader with followers' fetches: sessions in which a request reads what is due, and waits if
//! there is nothing (`replica::fetch`).

use std::collections::BTreeMap;

use barnabas::base::{BrokerId, Millis, Offset, TopicPartition};
use barnabas::log::LogSnapshot;
use barnabas::replica::fetch::delayed::{DelayedVerdict, FetchPosition, PartitionKey};
use barnabas::replica::fetch::session::{DuePartition, FetchSession, FoundPosition, SessionChanges, Turn};
use barnabas::replica::fetcher::session::{FetcherRequest, Want};
use barnabas::replica::machine::ReadFrom;
use barnabas::replica::{FetchOutcome, FetchReader, Isolation, PartitionFetch};
use barnabas::wire::error_code::ErrorCode;

use super::Host;
use crate::disk::{Log, position};
use crate::network::{Found, Message};
use crate::scene::{Flaw, Scene};

/// How long a fetch waits for records.
const MAX_WAIT: Millis = 200;

/// A follower's session.
#[derive(Debug)]
pub(super) struct Served {
    id: i32,
    session: FetchSession,
    /// The partitions whose changes the session is notified of.
    watched: BTreeMap<TopicPartition, PartitionKey>,
    /// The fetch offset of each, and the high watermark that was sent last.
    fetched: BTreeMap<TopicPartition, (Want, Offset)>,
    waiting: Option<Waiting>,
}

/// A request that waits.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    call: u64,
    turn: Turn,
    until: Millis,
}

fn reader(replica_id: BrokerId) -> FetchReader {
    FetchReader { replica_id, isolation: Isolation::ReadUncommitted, read_from: ReadFrom::Leader }
}

fn wanted(want: &Want) -> PartitionFetch {
    PartitionFetch {
        offset: want.offset,
        max_bytes: i32::MAX,
        current_leader_epoch: Some(want.leader_epoch),
        last_fetched_epoch: None,
        log_start_offset: want.log_start,
    }
}

fn snapshot(log: &Log) -> LogSnapshot {
    let (log_end, high_watermark) = (position(log.end()), position(log.high_watermark()));
    LogSnapshot { log_start_offset: 0, log_end, high_watermark, last_stable: high_watermark }
}

impl Host {
    /// Serves a follower's fetch, at once or once there is something.
    pub(super) fn serve(&mut self, from: BrokerId, call: u64, request: FetcherRequest, scene: &mut Scene) {
        let (id, turn) = match self.begin(from, call, &request, scene) {
            Ok(begun) => begun,
            Err(error) => {
                let answer = Message::Fetched { call, error, session_id: 0, found: Vec::new() };
                return scene.send(self.id, from, answer);
            }
        };
        let Some(served) = self.served.get(&from) else { return };
        let due = served.session.due();
        let found = self.look(from, &due, true, scene);
        let something = found.iter().any(|(_, it)| it.error != ErrorCode::None || !it.records.is_empty());
        let Some(served) = self.served.get_mut(&from) else { return };
        if !something {
            served.session.wait(turn, 1);
            served.waiting = Some(Waiting { call, turn, until: scene.now + MAX_WAIT });
        }
        self.watch(from, &due);
        if something {
            return self.send_found(from, call, id, turn, found, scene);
        }
        self.go_on_waiting(from, scene);
    }

    /// Applies a request to its session; returns the session, and the request's turn in it.
    fn begin(
        &mut self,
        from: BrokerId,
        call: u64,
        request: &FetcherRequest,
        scene: &Scene,
    ) -> Result<(i32, Turn), ErrorCode> {
        let partitions: Vec<_> =
            request.to_send.iter().map(|(id, want)| (id.clone(), wanted(want))).collect();
        if request.session_epoch == 0 {
            let id = i32::try_from(call % 1_000_000_007).unwrap_or(1) + 1;
            let session = FetchSession::new(reader(from), partitions, scene.now);
            let turn = session.first_turn();
            let fetched = request.to_send.iter().map(|(id, want)| (id.clone(), (*want, -1))).collect();
            let served = Served { id, session, watched: BTreeMap::new(), fetched, waiting: None };
            self.served.insert(from, served);
            return Ok((id, turn));
        }
        let served = self.served.get_mut(&from).filter(|served| served.id == request.session_id);
        let served = served.ok_or(ErrorCode::FetchSessionIdNotFound)?;
        let changes = SessionChanges { partitions, forgotten: request.to_forget.clone() };
        let turn = served.session.begin(request.session_epoch, reader(from), changes, scene.now)?;
        served.waiting = None;
        for (id, want) in &request.to_send {
            served.fetched.entry(id.clone()).or_insert((*want, -1)).0 = *want;
        }
        for id in &request.to_forget {
            served.fetched.remove(id);
        }
        Ok((served.id, turn))
    }

    /// Reads partitions of a session; the first read is applied as the follower's fetch.
    fn look(
        &mut self,
        from: BrokerId,
        due: &[DuePartition],
        is_first: bool,
        scene: &mut Scene,
    ) -> Vec<(TopicPartition, Found)> {
        let mut all = Vec::new();
        for due in due {
            let (found, position) = self.look_at(from, due, is_first, scene);
            if let Some(served) = self.served.get_mut(&from) {
                served.session.found(due.key, position);
            }
            all.push((due.partition.clone(), found));
        }
        all
    }

    fn look_at(
        &mut self,
        from: BrokerId,
        due: &DuePartition,
        is_first: bool,
        scene: &mut Scene,
    ) -> (Found, Option<FoundPosition>) {
        let (id, offset) = (&due.partition, due.wanted.offset);
        let leader_epoch = due.wanted.current_leader_epoch.unwrap_or(-1);
        let want = Want { offset, log_start: 0, leader_epoch };
        let records = match self.read(id, want, scene) {
            Ok(records) => records,
            Err(error) => {
                return (Found { error, records: Vec::new(), high_watermark: -1, end: self.end(id) }, None);
            }
        };
        let high_watermark = self.watermark(id);
        let counted_in =
            if is_first { self.follower_fetched(from, id, offset, due.idle, scene) } else { None };
        let bound = position(self.end(id));
        let at = FetchPosition { start: position(offset), bound, max_bytes: i32::MAX, throttled: false };
        let found = FoundPosition { position: at, high_watermark, log_start_offset: 0, counted_in };
        let (high_watermark, end) = (self.watermark(id), self.end(id));
        (Found { error: ErrorCode::None, records, high_watermark, end }, Some(found))
    }

    fn watch(&mut self, from: BrokerId, due: &[DuePartition]) {
        let (Some(served), disks) = (self.served.get_mut(&from), &self.disks) else { return };
        for key in served.session.unwatched(due.iter().map(|due| due.key)) {
            let Some(due) = due.iter().find(|due| due.key == key) else { continue };
            if let Some(log) = disks.get(&due.partition) {
                served.session.watched(key, &snapshot(log));
                served.watched.insert(due.partition.clone(), key);
            }
        }
    }

    /// Notifies sessions of a log that has changed.
    pub(super) fn log_changed(&mut self, id: &TopicPartition, scene: &mut Scene) {
        if scene.flaw == Some(Flaw::WakesNobody) {
            return;
        }
        let Some(now) = self.disks.get(id).map(snapshot) else { return };
        for served in self.served.values_mut() {
            if let Some(key) = served.watched.get(id)
                && !served.session.moved(*key, &now).keep
            {
                served.watched.remove(id);
            }
        }
        self.go_on(scene);
    }

    /// Notifies sessions of another role.
    pub(super) fn role_changed(&mut self, id: &TopicPartition, scene: &mut Scene) {
        for served in self.served.values_mut() {
            if let Some(key) = served.watched.remove(id) {
                served.session.role_changed(key);
            }
        }
        self.go_on(scene);
    }

    /// Notifies sessions that the ISR may admit a follower.
    pub(super) fn isr_settles(&mut self, id: &TopicPartition) {
        for served in self.served.values_mut() {
            if let Some(key) = served.watched.get(id) {
                served.session.isr_changed(*key);
            }
        }
    }

    /// Counts the fetches of followers that had everything in a partition, and read nothing of it.
    pub(super) fn count_idle_fetches(&mut self, id: &TopicPartition) {
        let Some(replica) = self.replicas.get_mut(id) else { return };
        for (from, served) in &self.served {
            let idle = served.watched.get(id).and_then(|key| served.session.idle_fetch(*key));
            if let Some(idle) = idle {
                replica.machine.on_idle_fetch(*from, idle.leader_epoch, idle.at);
            }
        }
    }

    fn go_on(&mut self, scene: &mut Scene) {
        let waiting = self.served.iter().filter(|(_, served)| served.waiting.is_some());
        let followers: Vec<_> = waiting.map(|(from, _)| *from).collect();
        followers.into_iter().for_each(|from| self.go_on_waiting(from, scene));
    }

    /// Answers a request that waits, if there is something by now.
    fn go_on_waiting(&mut self, from: BrokerId, scene: &mut Scene) {
        loop {
            let Some(served) = self.served.get_mut(&from) else { return };
            let Some(waiting) = served.waiting else { return };
            match served.session.verdict(waiting.turn) {
                DelayedVerdict::Waits => return,
                DelayedVerdict::Satisfied | DelayedVerdict::HasNews => {
                    return self.end_waiting(from, waiting, scene);
                }
                DelayedVerdict::Examine => {
                    let due = served.session.take_to_examine();
                    for due in due {
                        let (found, position) = self.look_at(from, &due, false, scene);
                        let Some(served) = self.served.get_mut(&from) else { return };
                        let bytes = found.records.len() as i64;
                        served.session.examined(due.key, position.map(|position| (position, bytes)));
                        self.watch(from, &[due]);
                    }
                }
            }
        }
    }

    fn end_waiting(&mut self, from: BrokerId, waiting: Waiting, scene: &mut Scene) {
        let Some(served) = self.served.get_mut(&from) else { return };
        served.waiting = None;
        served.session.wait_over(waiting.turn);
        let (id, due) = (served.id, served.session.due());
        let found = self.look(from, &due, false, scene);
        self.watch(from, &due);
        self.send_found(from, waiting.call, id, waiting.turn, found, scene);
    }

    fn send_found(
        &mut self,
        from: BrokerId,
        call: u64,
        session_id: i32,
        turn: Turn,
        found: Vec<(TopicPartition, Found)>,
        scene: &mut Scene,
    ) {
        let Some(served) = self.served.get_mut(&from) else { return };
        let outcomes: Vec<_> = found.iter().map(|(id, found)| (id.clone(), outcome(found))).collect();
        let sent = if turn == served.session.first_turn() {
            served.session.answer_first(&outcomes);
            outcomes
        } else {
            served.session.answer(turn, outcomes).unwrap_or_default()
        };
        for (id, outcome) in &sent {
            if let Some((_, sent)) = served.fetched.get_mut(id) {
                *sent = outcome.high_watermark;
            }
        }
        let is_sent = |id: &TopicPartition| sent.iter().any(|(sent, _)| sent == id);
        let found = found.into_iter().filter(|(id, _)| is_sent(id)).collect();
        scene.send(self.id, from, Message::Fetched { call, error: ErrorCode::None, session_id, found });
    }

    /// Answers requests that have timed out; there must have been nothing to answer them with before.
    pub(super) fn end_waits(&mut self, scene: &mut Scene) {
        let over = self.served.iter().filter_map(|(from, served)| {
            let waiting = served.waiting.filter(|waiting| waiting.until <= scene.now)?;
            Some((*from, waiting))
        });
        for (from, waiting) in over.collect::<Vec<_>>() {
            let Some(served) = self.served.get(&from) else { continue };
            for (id, (want, sent)) in &served.fetched {
                let Ok(records) = self.read(id, *want, scene) else { continue };
                let is_newer = *sent >= 0 && self.watermark(id) > *sent;
                if !records.is_empty() || is_newer {
                    let me = self.id;
                    scene.checks.waited_in_vain(id, me, from, records.len());
                }
            }
            self.end_waiting(from, waiting, scene);
        }
    }
}

/// The outcome of a read, in the session's form.
fn outcome(found: &Found) -> FetchOutcome {
    let bytes = vec![0; found.records.len()];
    FetchOutcome {
        high_watermark: found.high_watermark,
        log_start_offset: 0,
        records: barnabas::base::Records::Memory(bytes.into()),
        ..FetchOutcome::refused(found.error)
    }
}
