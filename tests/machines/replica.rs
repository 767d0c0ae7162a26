//! A replica on the stage: broker 1's machine of one partition, the ends of its log, and the time.

use barnabas::base::{BrokerId, LeaderAndIsr, Millis, Offset};
use barnabas::log::LogPosition;
use barnabas::replica::machine::{
    FollowerFetch, IsrAnswer, IsrOutcome, IsrProposal, LeadershipState, LocalReplica,
};

use crate::{Stage, words};

const ME: BrokerId = 1;
/// `replica.lag.time.max.ms`.
const LAG_MAX: Millis = 10_000;

/// The machine, and what it is told of.
pub struct Replica {
    machine: LocalReplica,
    end: Offset,
    high_watermark: Offset,
    now: Millis,
    proposed: Option<IsrProposal>,
}

impl Default for Replica {
    fn default() -> Self {
        Self { machine: LocalReplica::new(ME), end: 0, high_watermark: 0, now: 1_000_000, proposed: None }
    }
}

impl Stage for Replica {
    /// `log end 10 watermark 8`
    fn given(&mut self, text: &str) {
        let said: Vec<_> = text.split_whitespace().collect();
        let ["log", "end", end, "watermark", watermark] = said[..] else { panic!("given what? {text}") };
        (self.end, self.high_watermark) = (end.parse().unwrap(), watermark.parse().unwrap());
    }

    fn when(&mut self, text: &str) -> Vec<String> {
        let said: Vec<_> = text.split_whitespace().collect();
        let mut lines = match said[..] {
            ["told", "leader", leader, "epoch", epoch, "isr", isr, "replicas", replicas, version] => self
                .told(LeadershipState {
                    leadership: LeaderAndIsr {
                        leader: leader.parse().unwrap(),
                        leader_epoch: epoch.parse().unwrap(),
                        isr: words::parse_ids(isr),
                        zk_version: version.strip_prefix('v').unwrap().parse().unwrap(),
                    },
                    replicas: words::parse_ids(replicas),
                    controller_epoch: 1,
                }),
            ["appends", count] => {
                self.end += count.parse::<Offset>().unwrap();
                Vec::new()
            }
            [follower, "fetches", "at", offset] => {
                self.fetched(follower.parse().unwrap(), offset.parse().unwrap())
            }
            [time, "ms", "pass"] => {
                self.now += time.parse::<Millis>().unwrap();
                let proposal = self.machine.on_tick(self.end, self.now, LAG_MAX);
                self.propose(proposal)
            }
            ["isr", "holds", isr, version] => {
                let zk_version = version.strip_prefix('v').unwrap().parse().unwrap();
                let leader_epoch = self.machine.leader_epoch();
                self.answered(IsrAnswer::InForce { leader_epoch, isr: words::parse_ids(isr), zk_version })
            }
            ["isr", "not", "written"] => self.answered(IsrAnswer::NotWritten),
            ["isr", "refused"] => self.answered(IsrAnswer::Refused),
            _ => panic!("when what? {text}"),
        };
        lines.extend(self.raise_watermark());
        lines
    }
}

impl Replica {
    fn told(&mut self, told: LeadershipState) -> Vec<String> {
        if let Err(error) = self.machine.accepts(&told) {
            return vec![format!("ignores {}", error.name())];
        }
        self.proposed = None;
        if told.leadership.leader == ME {
            self.machine.become_leader(told, self.end, self.now);
            vec![format!("leads  from {}", self.end)]
        } else {
            let leader = told.leadership.leader;
            self.machine.become_follower(told);
            vec![format!("follows {leader}")]
        }
    }

    fn fetched(&mut self, from: BrokerId, offset: Offset) -> Vec<String> {
        let fetch = FollowerFetch { from, at: at(offset), log_start: 0, leader_end: self.end };
        let step =
            self.machine.on_follower_fetch(fetch, at(self.end), self.high_watermark, self.now, LAG_MAX);
        self.propose(step.proposal)
    }

    fn propose(&mut self, proposal: Option<IsrProposal>) -> Vec<String> {
        let Some(proposal) = proposal else { return Vec::new() };
        let line = format!("propose isr {} over v{}", words::ids(&proposal.isr), proposal.zk_version);
        self.proposed = Some(proposal);
        vec![line]
    }

    fn answered(&mut self, answer: IsrAnswer) -> Vec<String> {
        let proposal = self.proposed.clone().expect("something was proposed");
        let line = match self.machine.on_isr_answer(&proposal, answer) {
            IsrOutcome::Changed => format!("isr    {}", words::ids(&self.machine.state().leadership.isr)),
            IsrOutcome::Unchanged => format!("stays  with {}", words::ids(self.machine.maximal_isr())),
            IsrOutcome::Stale => "stale".to_owned(),
        };
        vec![line]
    }

    fn raise_watermark(&mut self) -> Option<String> {
        let to = self.machine.high_watermark(at(self.end), self.now, LAG_MAX)?;
        let rises = to.offset > self.high_watermark;
        self.high_watermark = self.high_watermark.max(to.offset);
        rises.then(|| format!("watermark {}", self.high_watermark))
    }
}

fn at(offset: Offset) -> LogPosition {
    offset.into()
}
