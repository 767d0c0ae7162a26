//! The transcripts of a replica: broker 1's machine of one partition, the end of its log, its high watermark,
//! and the time.

use barnabas::base::{BrokerId, LeaderAndIsr, Millis, Offset};
use barnabas::log::LogPosition;
use barnabas::replica::machine::{
    FollowerFetch, IsrAnswer, IsrOutcome, IsrProposal, LeadershipState, LocalReplica,
};

use crate::{Player, transcript};

const ME: BrokerId = 1;
/// `replica.lag.time.max.ms`.
const LAG_MAX: Millis = 10_000;

/// The machine, and the state of the log and the clock that it is given.
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

impl Player for Replica {
    /// `log end offset 10 high watermark 8`
    fn given(&mut self, text: &str) {
        let words: Vec<_> = text.split_whitespace().collect();
        let ["log", "end", "offset", end, "high", "watermark", watermark] = words[..] else {
            panic!("given what? {text}")
        };
        (self.end, self.high_watermark) = (end.parse().unwrap(), watermark.parse().unwrap());
    }

    fn when(&mut self, text: &str) -> Vec<String> {
        let words: Vec<_> = text.split_whitespace().collect();
        let mut lines = match words[..] {
            ["LeaderAndIsr", "leader", leader, "epoch", epoch, "isr", isr, "replicas", replicas, version] => {
                self.leader_and_isr(LeadershipState {
                    leadership: LeaderAndIsr {
                        leader: leader.parse().unwrap(),
                        leader_epoch: epoch.parse().unwrap(),
                        isr: transcript::parse_ids(isr),
                        zk_version: version.strip_prefix('v').unwrap().parse().unwrap(),
                    },
                    replicas: transcript::parse_ids(replicas),
                    controller_epoch: 1,
                })
            }
            [count, "records", "are", "appended"] => {
                self.end += count.parse::<Offset>().unwrap();
                Vec::new()
            }
            ["broker", follower, "fetches", "at", "offset", offset] => {
                self.fetched(follower.parse().unwrap(), offset.parse().unwrap())
            }
            [time, "ms", "pass"] => {
                self.now += time.parse::<Millis>().unwrap();
                let proposal = self.machine.on_tick(self.end, self.now, LAG_MAX);
                self.propose(proposal)
            }
            ["AlterIsr", "answers", "isr", isr, version] => {
                let zk_version = version.strip_prefix('v').unwrap().parse().unwrap();
                let leader_epoch = self.machine.leader_epoch();
                self.answered(IsrAnswer::InForce {
                    leader_epoch,
                    isr: transcript::parse_ids(isr),
                    zk_version,
                })
            }
            ["AlterIsr", "fails,", "nothing", "is", "written"] => self.answered(IsrAnswer::NotWritten),
            ["AlterIsr", "answers", "an", "error"] => self.answered(IsrAnswer::Refused),
            _ => panic!("when what? {text}"),
        };
        lines.extend(self.raise_high_watermark());
        lines
    }
}

impl Replica {
    fn leader_and_isr(&mut self, state: LeadershipState) -> Vec<String> {
        if let Err(error) = self.machine.accepts(&state) {
            return vec![format!("  refuse {}", error.name())];
        }
        self.proposed = None;
        if state.leadership.leader == ME {
            self.machine.become_leader(state, self.end, self.now);
            vec![format!("  become leader, the epoch starts at offset {}", self.end)]
        } else {
            let leader = state.leadership.leader;
            self.machine.become_follower(state);
            vec![format!("  become follower of broker {leader}")]
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
        let line = format!("  propose isr {} over v{}", transcript::ids(&proposal.isr), proposal.zk_version);
        self.proposed = Some(proposal);
        vec![line]
    }

    fn answered(&mut self, answer: IsrAnswer) -> Vec<String> {
        let proposal = self.proposed.clone().expect("something was proposed");
        let line = match self.machine.on_isr_answer(&proposal, answer) {
            IsrOutcome::Changed => {
                format!("  isr is {}", transcript::ids(&self.machine.state().leadership.isr))
            }
            IsrOutcome::Unchanged => {
                format!("  isr is unchanged, maximal isr {}", transcript::ids(self.machine.maximal_isr()))
            }
            IsrOutcome::Stale => "  the answer is stale".to_owned(),
        };
        vec![line]
    }

    fn raise_high_watermark(&mut self) -> Option<String> {
        let to = self.machine.high_watermark(at(self.end), self.now, LAG_MAX)?;
        let rises = to.offset > self.high_watermark;
        self.high_watermark = self.high_watermark.max(to.offset);
        rises.then(|| format!("  high watermark {}", self.high_watermark))
    }
}

fn at(offset: Offset) -> LogPosition {
    offset.into()
}
