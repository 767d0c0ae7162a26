//! A follower on the stage: the plan of one partition's fetcher, and the epochs and the end of its log.

use barnabas::base::{LeaderEpoch, Millis, Offset, TopicPartition};
use barnabas::log::epochs::Epochs;
use barnabas::replica::fetcher::plan::{Plan, Start, Verdict};
use barnabas::replica::fetcher::truncation::{EpochEnd, Reset, Truncation, by_epoch};
use barnabas::wire::error_code::ErrorCode;

use crate::Stage;

/// `replica.fetch.backoff.ms`.
const BACKOFF: Millis = 1000;

/// The plan, and the log it is for.
pub struct Follower {
    plan: Plan,
    epochs: Epochs,
    end: Offset,
    high_watermark: Offset,
    leader_epoch: LeaderEpoch,
    now: Millis,
}

impl Default for Follower {
    fn default() -> Self {
        let (plan, epochs) = (Plan::new(BACKOFF), Epochs::default());
        Self { plan, epochs, end: 0, high_watermark: 0, leader_epoch: -1, now: 1_000_000 }
    }
}

fn partition() -> TopicPartition {
    TopicPartition::new("t", 0)
}

impl Stage for Follower {
    /// `epoch 2 from 10`, `log end 15 watermark 8`
    fn given(&mut self, text: &str) {
        let said: Vec<_> = text.split_whitespace().collect();
        match said[..] {
            ["epoch", epoch, "from", start] => {
                self.epochs.assign(epoch.parse().unwrap(), start.parse().unwrap());
            }
            ["log", "end", end, "watermark", watermark] => {
                (self.end, self.high_watermark) = (end.parse().unwrap(), watermark.parse().unwrap());
            }
            _ => panic!("given what? {text}"),
        }
    }

    fn when(&mut self, text: &str) -> Vec<String> {
        let said: Vec<_> = text.split_whitespace().collect();
        let line = match said[..] {
            ["told", "to", "follow", "in", "epoch", epoch] => {
                self.leader_epoch = epoch.parse().unwrap();
                let start = Start { offset: self.high_watermark, leader_epoch: self.leader_epoch };
                self.plan.add(partition(), start);
                self.goes_on()
            }
            ["told", "to", "leave"] => {
                self.plan.remove(&partition());
                self.goes_on()
            }
            ["the", "leader's", "epoch", epoch, "ends", "at", end] => {
                self.cut(EpochEnd { epoch: epoch.parse().unwrap(), offset: end.parse().unwrap() })
            }
            ["the", "leader", "knows", "no", "such", "epoch"] => self.cut(EpochEnd { epoch: -1, offset: -1 }),
            ["it", "gets", count, "watermark", watermark] => {
                self.append(count.parse().unwrap(), watermark.parse().unwrap())
            }
            ["it", "is", "refused", error] => self.refused(error),
            ["out", "of", "range", "of", start, "to", end] => {
                self.reset(start.parse().unwrap(), end.parse().unwrap())
            }
            ["nobody", "answers"] => {
                self.plan.unanswered(self.now);
                self.goes_on()
            }
            [time, "ms", "pass"] => {
                self.now += time.parse::<Millis>().unwrap();
                self.goes_on()
            }
            _ => panic!("when what? {text}"),
        };
        vec![line]
    }
}

impl Follower {
    /// What the fetcher does next.
    fn goes_on(&mut self) -> String {
        if let Some(due) = self.plan.truncating(self.now).into_iter().next() {
            return match self.epochs.latest() {
                Some(latest) => {
                    format!("ask    where epoch {} ends, in epoch {}", latest.epoch, due.leader_epoch)
                }
                None => {
                    let cut = Truncation { to: due.fetch_offset, complete: true };
                    self.truncate(cut);
                    format!("cut    to its high watermark {}; {}", cut.to, self.goes_on())
                }
            };
        }
        match self
            .plan
            .request(self.now, |_| Some(0), |_| false)
            .and_then(|request| request.send.into_iter().next())
        {
            Some((_, want)) => format!("fetch  from {} in epoch {}", want.offset, want.leader_epoch),
            None if self.plan.given_up().contains(&partition()) => {
                "gives  up until it is told again".to_owned()
            }
            None => "wait".to_owned(),
        }
    }

    fn truncate(&mut self, cut: Truncation) {
        self.end = self.end.min(cut.to);
        self.epochs.truncate_from_end(self.end);
        self.plan.truncated(&partition(), self.leader_epoch, cut);
    }

    fn cut(&mut self, end: EpochEnd) -> String {
        let from = self.plan.fetch_offset(&partition()).expect("it follows");
        let cut = by_epoch(end, from, self.end, |epoch| self.epochs.end_offset_for(epoch, self.end));
        self.truncate(cut);
        format!("cut    to {}; {}", cut.to, self.goes_on())
    }

    /// Whether the answer is taken as one to the present request.
    fn answered(&mut self, error: ErrorCode) -> Verdict {
        self.plan.answered(ErrorCode::None, 0, &[partition()]);
        self.plan.judge(&partition(), error, self.now).0
    }

    fn append(&mut self, count: Offset, watermark: Offset) -> String {
        match self.answered(ErrorCode::None) {
            Verdict::Append => {
                self.end += count;
                self.epochs.assign(self.leader_epoch, self.end - count);
                self.high_watermark = watermark.min(self.end);
                self.plan.appended(&partition(), self.end, watermark);
                let appended = format!("append up to {}, watermark {}", self.end, self.high_watermark);
                format!("{appended}; {}", self.goes_on())
            }
            other => format!("{other:?}"),
        }
    }

    fn refused(&mut self, error: &str) -> String {
        let code = match error {
            "FENCED_LEADER_EPOCH" => ErrorCode::FencedLeaderEpoch,
            "UNKNOWN_LEADER_EPOCH" => ErrorCode::UnknownLeaderEpoch,
            "NOT_LEADER_OR_FOLLOWER" => ErrorCode::NotLeaderOrFollower,
            _ => panic!("refused with what? {error}"),
        };
        self.answered(code);
        self.goes_on()
    }

    fn reset(&mut self, start: Offset, end: Offset) -> String {
        let verdict = self.answered(ErrorCode::OffsetOutOfRange);
        assert_eq!(verdict, Verdict::AskRange);
        let reset = Reset::by_leader_end(self.end, end);
        let reset = reset.unwrap_or_else(|| Reset::by_leader_start(self.end, start));
        let what = match reset {
            Reset::TruncateTo(to) => {
                self.end = to;
                format!("cut    to {to}")
            }
            Reset::StartAt(at) => {
                self.end = at;
                format!("begins anew at {at}")
            }
            Reset::FetchFrom(at) => format!("stays  at {at}"),
        };
        self.plan.reset(&partition(), self.leader_epoch, reset.fetch_offset(), end);
        format!("{what}; {}", self.goes_on())
    }
}
