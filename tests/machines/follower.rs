//! The transcripts of a follower: the plan of one partition's fetcher, and the leader epochs and the end of its log.

use barnabas::base::{LeaderEpoch, Millis, Offset, TopicPartition};
use barnabas::log::epochs::{EpochEnd, Epochs};
use barnabas::replica::fetcher::plan::{Plan, Start, Verdict};
use barnabas::replica::fetcher::truncation::{Reset, Truncation, by_epoch};
use barnabas::wire::error_code::ErrorCode;

use crate::Player;

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

impl Player for Follower {
    /// `leader epoch 2 starts at 10`, `log end offset 15 high watermark 8`
    fn given(&mut self, text: &str) {
        let words: Vec<_> = text.split_whitespace().collect();
        match words[..] {
            ["leader", "epoch", epoch, "starts", "at", start] => {
                self.epochs.assign(epoch.parse().unwrap(), start.parse().unwrap());
            }
            ["log", "end", "offset", end, "high", "watermark", watermark] => {
                (self.end, self.high_watermark) = (end.parse().unwrap(), watermark.parse().unwrap());
            }
            _ => panic!("given what? {text}"),
        }
    }

    fn when(&mut self, text: &str) -> Vec<String> {
        let words: Vec<_> = text.split_whitespace().collect();
        let line = match words[..] {
            ["LeaderAndIsr", "follow", "in", "leader", "epoch", epoch] => {
                self.leader_epoch = epoch.parse().unwrap();
                let start = Start { offset: self.high_watermark, leader_epoch: self.leader_epoch };
                self.plan.add(partition(), start);
                self.next()
            }
            ["StopReplica"] => {
                self.plan.remove(&partition());
                self.next()
            }
            ["OffsetForLeaderEpoch", "answers", "epoch", epoch, "end", "offset", end] => {
                self.epoch_end(EpochEnd { epoch: epoch.parse().unwrap(), offset: end.parse().unwrap() })
            }
            ["OffsetForLeaderEpoch", "answers", "unknown", "epoch"] => {
                self.epoch_end(EpochEnd { epoch: -1, offset: -1 })
            }
            ["Fetch", "answers", count, "records", "high", "watermark", watermark] => {
                self.append(count.parse().unwrap(), watermark.parse().unwrap())
            }
            [
                "Fetch",
                "answers",
                "OFFSET_OUT_OF_RANGE,",
                ..,
                "starts",
                "at",
                start,
                "and",
                "ends",
                "at",
                end,
            ] => self.reset(start.parse().unwrap(), end.parse().unwrap()),
            ["Fetch", "answers", error] => self.refused(error),
            ["there", "is", "no", "answer"] => {
                self.plan.unanswered(self.now);
                self.next()
            }
            [time, "ms", "pass"] => {
                self.now += time.parse::<Millis>().unwrap();
                self.next()
            }
            _ => panic!("when what? {text}"),
        };
        vec![format!("  {line}")]
    }
}

impl Follower {
    /// What the fetcher does next.
    fn next(&mut self) -> String {
        if let Some(due) = self.plan.truncating(self.now).into_iter().next() {
            return match self.epochs.latest() {
                Some(latest) => {
                    format!(
                        "OffsetForLeaderEpoch for epoch {} in leader epoch {}",
                        latest.epoch, due.leader_epoch
                    )
                }
                None => {
                    let truncation = Truncation { to: due.fetch_offset, complete: true };
                    self.truncate(truncation);
                    format!("truncate to the high watermark {}; {}", truncation.to, self.next())
                }
            };
        }
        match self
            .plan
            .request(self.now, |_| Some(0), |_| false)
            .and_then(|request| request.to_send.into_iter().next())
        {
            Some((_, want)) => format!("Fetch from {} in leader epoch {}", want.offset, want.leader_epoch),
            None if self.plan.given_up().contains(&partition()) => {
                "give up until the next LeaderAndIsr".to_owned()
            }
            None => "wait".to_owned(),
        }
    }

    fn truncate(&mut self, truncation: Truncation) {
        self.end = self.end.min(truncation.to);
        self.epochs.truncate_from_end(self.end);
        self.plan.truncated(&partition(), self.leader_epoch, truncation);
    }

    fn epoch_end(&mut self, end: EpochEnd) -> String {
        let from = self.plan.fetch_offset(&partition()).expect("the partition is followed");
        let truncation = by_epoch(end, from, self.end, |epoch| self.epochs.end_offset_for(epoch, self.end));
        self.truncate(truncation);
        format!("truncate to {}; {}", truncation.to, self.next())
    }

    /// What the plan does about an answer to the present request.
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
                let appended = format!("append up to {}, high watermark {}", self.end, self.high_watermark);
                format!("{appended}; {}", self.next())
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
        self.next()
    }

    fn reset(&mut self, start: Offset, end: Offset) -> String {
        let verdict = self.answered(ErrorCode::OffsetOutOfRange);
        assert_eq!(verdict, Verdict::AskRange);
        let reset = Reset::by_leader_end(self.end, end);
        let reset = reset.unwrap_or_else(|| Reset::by_leader_start(self.end, start));
        let what = match reset {
            Reset::TruncateTo(to) => {
                self.end = to;
                format!("truncate to {to}")
            }
            Reset::StartAt(at) => {
                self.end = at;
                format!("truncate fully and start at {at}")
            }
            Reset::FetchFrom(at) => format!("continue at {at}"),
        };
        self.plan.reset(&partition(), self.leader_epoch, reset.fetch_offset(), end);
        format!("{what}; {}", self.next())
    }
}
