//! The messages between brokers, and how they arrive: late, out of order, twice, or not at all.

use std::collections::{BTreeMap, BTreeSet};

use barnabas::base::{BrokerId, LeaderAndIsr, LeaderEpoch, Millis, Offset, TopicPartition};
use barnabas::controller::decide::Leaderships;
use barnabas::controller::event::ControlResponse;
use barnabas::controller::outbox::ControlRequest;
use barnabas::log::epochs::EpochEnd;
use barnabas::replica::fetcher::session::FetcherRequest;
use barnabas::wire::error_code::ErrorCode;
use fastrand::Rng;

use crate::disk::Record;

/// A message; `call` is the correlation id.
#[derive(Clone, Debug)]
pub enum Message {
    /// A controller's request.
    Control { call: u64, request: ControlRequest },
    /// The broker's answer to it, where the request asks for one.
    Controlled { call: u64, epoch: i32, response: Option<ControlResponse> },
    /// A leader sends AlterIsr.
    AlterIsr { call: u64, broker_epoch: i64, wanted: BTreeMap<TopicPartition, LeaderAndIsr> },
    /// A broker sends ControlledShutdown.
    ControlledShutdown { call: u64, broker_epoch: i64 },
    /// The controller's answer to AlterIsr.
    IsrAltered { call: u64, outcome: Result<Leaderships, ErrorCode> },
    /// The controller's answer to ControlledShutdown: the partitions that the broker still leads.
    StillLed { call: u64, outcome: Result<Vec<TopicPartition>, ErrorCode> },
    /// A follower sends OffsetForLeaderEpoch: its own leader epoch, and the epoch asked for.
    EpochEnds { call: u64, asked: Vec<(TopicPartition, LeaderEpoch, LeaderEpoch)> },
    /// The ends of the epochs.
    EpochsEnd { call: u64, ends: Vec<(TopicPartition, LeaderEpoch, Result<EpochEnd, ErrorCode>)> },
    /// A follower fetches.
    Fetch { call: u64, request: FetcherRequest },
    /// The answer to it: the session, or an error.
    Fetched { call: u64, error: ErrorCode, session_id: i32, found: Vec<(TopicPartition, Found)> },
}

/// A leader's answer to a fetch of one partition.
#[derive(Clone, Debug)]
pub struct Found {
    /// The error.
    pub error: ErrorCode,
    /// The records, each with its offset.
    pub records: Vec<(Offset, Record)>,
    /// The leader's high watermark.
    pub high_watermark: Offset,
    /// Where the leader's log ends.
    pub end: Offset,
}

/// The network between brokers.
#[derive(Debug, Default)]
pub struct Network {
    cut: BTreeSet<(BrokerId, BrokerId)>,
}

impl Network {
    /// Separates two brokers.
    pub fn cut(&mut self, one: BrokerId, other: BrokerId) {
        self.cut.insert((one.min(other), one.max(other)));
    }

    /// All messages get through again.
    pub fn heal(&mut self) {
        self.cut.clear();
    }

    /// When a message sent now arrives: not at all, once or twice.
    pub fn arrivals(
        &self,
        rng: &mut Rng,
        from: BrokerId,
        to: BrokerId,
        now: Millis,
        rough: bool,
    ) -> Vec<Millis> {
        if self.cut.contains(&(from.min(to), from.max(to))) {
            return Vec::new();
        }
        let (fate, mut arrivals) = (rng.u8(..), vec![now + delay(rng, rough)]);
        match fate {
            0..6 if rough => arrivals.clear(),
            6..10 if rough => arrivals.push(now + delay(rng, rough)),
            _ => {}
        }
        arrivals
    }
}

fn delay(rng: &mut Rng, rough: bool) -> Millis {
    let late = rough && rng.u8(..) < 20;
    if late { rng.i64(100..3000) } else { rng.i64(1..20) }
}
