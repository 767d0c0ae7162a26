//! A broker as follower: truncates its log to the leader's, then fetches (`replica::fetcher`).

use std::collections::BTreeMap;

use barnabas::base::{BrokerId, LeaderEpoch, TopicPartition};
use barnabas::log::epochs::EpochEnd;
use barnabas::replica::fetcher::plan::Verdict;
use barnabas::replica::fetcher::session::Want;
use barnabas::replica::fetcher::truncation::{Reset, Truncation, by_epoch};
use barnabas::wire::error_code::ErrorCode;

use super::{Host, PATIENCE};
use crate::network::{Found, Message};
use crate::scene::{Flaw, Scene};

impl Host {
    /// Every fetcher that waits for no answer carries out its plan.
    pub(super) fn fetch(&mut self, scene: &mut Scene) {
        let leaders: Vec<_> = self.fetchers.keys().copied().collect();
        for leader in leaders {
            let Some(fetcher) = self.fetchers.get_mut(&leader) else { continue };
            if let Some((_, sent)) = fetcher.call {
                if sent + PATIENCE > scene.now {
                    continue;
                }
                fetcher.call = None;
                fetcher.plan.unanswered(scene.now);
            }
            if !self.ask_epoch_ends(leader, scene) {
                self.ask_records(leader, scene);
            }
        }
    }

    /// Asks where to truncate; returns whether there is something to ask.
    fn ask_epoch_ends(&mut self, leader: BrokerId, scene: &mut Scene) -> bool {
        let Some(fetcher) = self.fetchers.get_mut(&leader) else { return false };
        let mut asked = Vec::new();
        for due in fetcher.plan.truncating(scene.now) {
            let Some(log) = self.disks.get_mut(&due.partition) else { continue };
            match log.epochs.latest() {
                Some(latest) => asked.push((due.partition, due.leader_epoch, latest.epoch)),
                None => {
                    log.truncate(due.fetch_offset);
                    let truncation = Truncation { to: due.fetch_offset, complete: true };
                    fetcher.plan.truncated(&due.partition, due.leader_epoch, truncation);
                }
            }
        }
        if asked.is_empty() {
            return false;
        }
        let call = scene.call();
        fetcher.call = Some((call, scene.now));
        scene.send(self.id, leader, Message::EpochEnds { call, asked });
        true
    }

    fn ask_records(&mut self, leader: BrokerId, scene: &mut Scene) {
        let Some(fetcher) = self.fetchers.get_mut(&leader) else { return };
        let Some(request) = fetcher.plan.request(scene.now, |_| Some(0), |_| false) else { return };
        let call = scene.call();
        fetcher.call = Some((call, scene.now));
        scene.send(self.id, leader, Message::Fetch { call, request });
    }

    /// The answer to a fetcher's call, if it is still awaited.
    fn awaited(&mut self, leader: BrokerId, call: u64) -> bool {
        let Some(fetcher) = self.fetchers.get_mut(&leader) else { return false };
        let awaited = fetcher.call.is_some_and(|(sent, _)| sent == call);
        if awaited {
            fetcher.call = None;
        }
        awaited
    }

    /// Whether this broker still follows in an epoch: a log is only changed in the epoch of the request.
    fn follows(&self, id: &TopicPartition, epoch: LeaderEpoch) -> bool {
        self.replicas.get(id).is_some_and(|it| it.machine.follows_in(epoch))
    }

    /// Truncates logs by the leader's answer about its epochs.
    pub(super) fn truncate(
        &mut self,
        leader: BrokerId,
        call: u64,
        ends: Vec<(TopicPartition, LeaderEpoch, Result<EpochEnd, ErrorCode>)>,
        scene: &mut Scene,
    ) {
        if !self.awaited(leader, call) {
            return;
        }
        for (id, epoch, end) in ends {
            let follows = self.follows(&id, epoch);
            let (Some(fetcher), Some(log)) = (self.fetchers.get_mut(&leader), self.disks.get_mut(&id)) else {
                continue;
            };
            if !fetcher.plan.is_truncating(&id, epoch) {
                continue;
            }
            match end {
                Ok(end) => {
                    let Some(from) = fetcher.plan.fetch_offset(&id) else { continue };
                    let mut truncation = by_epoch(end, from, log.end(), |epoch| log.end_offset_for(epoch));
                    if scene.flaw == Some(Flaw::KeepsTail) {
                        truncation = Truncation { to: log.end(), complete: true };
                    }
                    if follows {
                        let (me, was) = (self.id, log.end());
                        scene.log_line(|| {
                            format!(
                                "broker {me} truncates {id} from {was} to {truncation:?}, by {end:?} of {leader}"
                            )
                        });
                        log.truncate(truncation.to);
                        fetcher.plan.truncated(&id, epoch, truncation);
                    }
                }
                Err(error) => drop(fetcher.plan.refused(&id, epoch, error, scene.now)),
            }
        }
        self.fetch(scene);
    }

    /// Appends what was fetched.
    pub(super) fn take_in(
        &mut self,
        leader: BrokerId,
        call: u64,
        (error, session_id): (ErrorCode, i32),
        found: Vec<(TopicPartition, Found)>,
        scene: &mut Scene,
    ) {
        if !self.awaited(leader, call) {
            return;
        }
        let Some(fetcher) = self.fetchers.get_mut(&leader) else { return };
        let named: Vec<_> = found.iter().map(|(id, _)| id.clone()).collect();
        if !fetcher.plan.answered(error, session_id, &named) {
            return;
        }
        let found: BTreeMap<_, _> = found.into_iter().collect();
        for (id, found) in found {
            let Some(fetcher) = self.fetchers.get_mut(&leader) else { return };
            let verdict = fetcher.plan.judge(&id, found.error, scene.now);
            if verdict.0 != Verdict::Append {
                let me = self.id;
                scene.log_line(|| {
                    format!("broker {me} fetches {id} from {leader}: {:?}, {:?}", found.error, verdict.0)
                });
            }
            match verdict {
                (Verdict::Append, asked) => self.append(leader, &id, asked, found, scene),
                (Verdict::AskRange, asked) => self.reset(leader, &id, asked, found),
                (Verdict::Later | Verdict::GivenUp | Verdict::Stale, _) => {}
            }
        }
    }

    fn append(
        &mut self,
        leader: BrokerId,
        id: &TopicPartition,
        asked: Want,
        found: Found,
        scene: &mut Scene,
    ) {
        let follows = self.follows(id, asked.leader_epoch);
        let (Some(fetcher), Some(log)) = (self.fetchers.get_mut(&leader), self.disks.get_mut(id)) else {
            return;
        };
        if !follows {
            return fetcher.plan.delay(id, scene.now);
        }
        if asked.offset != log.end() {
            let (me, end) = (self.id, log.end());
            scene.log_line(|| {
                format!("broker {me} gives {id} up: fetched from {}, its log ends at {end}", asked.offset)
            });
            return fetcher.plan.give_up(id);
        }
        found.records.iter().for_each(|(offset, record)| log.append_at(*offset, *record));
        let before = log.high_watermark();
        log.set_high_watermark(found.high_watermark);
        scene.checks.watermark_rose(id, self.id, log, before);
        fetcher.plan.appended(id, log.end(), found.high_watermark);
    }

    fn reset(&mut self, leader: BrokerId, id: &TopicPartition, asked: Want, found: Found) {
        let follows = self.follows(id, asked.leader_epoch);
        let (Some(fetcher), Some(log)) = (self.fetchers.get_mut(&leader), self.disks.get_mut(id)) else {
            return;
        };
        if !follows {
            return;
        }
        let reset = Reset::by_leader_end(log.end(), found.end);
        let reset = reset.unwrap_or_else(|| Reset::by_leader_start(log.end(), 0));
        if let Reset::TruncateTo(to) = reset {
            log.truncate(to);
        }
        fetcher.plan.reset(id, asked.leader_epoch, reset.fetch_offset(), found.end);
    }
}
