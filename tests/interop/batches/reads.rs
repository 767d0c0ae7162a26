//! What is read after a case: batches from an offset on, offsets by time, where epochs end.

use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};
use barnabas::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};
use barnabas::wire::message::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};

use super::generate::framed;
use super::maker::Maker;

/// Stands for the first offset of all.
const START: i64 = i64::MIN;
/// What reads everything of a case, in bytes.
const ALL: i32 = 8 << 20;
/// ListOffsets' time for the end.
const LATEST: i64 = -1;

/// A request about the partition that a case went to; `mentions` are asked of it one after the other.
#[derive(Clone, Debug)]
pub enum Read {
    /// A fetch; each mention is of so many records behind where the case began, or [`START`], and of so many bytes.
    Fetch { version: i16, mentions: Vec<(i64, i32)>, max_bytes: i32, isolation: i8 },
    /// Offsets by time.
    Offsets { version: i16, mentions: Vec<i64>, isolation: i8, most: i32 },
    /// Where leader epochs end, for a reader that knows the current one as this.
    Epochs { version: i16, mentions: Vec<i32>, current: i32 },
}

impl Read {
    /// Reads all of a case.
    pub fn all() -> Self {
        Self::Fetch { version: 11, mentions: vec![(0, ALL)], max_bytes: ALL, isolation: 0 }
    }

    /// Asks where the partition ends.
    pub fn end() -> Self {
        Self::Offsets { version: 1, mentions: vec![LATEST], isolation: 0, most: 1 }
    }

    /// A request for a case whose first record is of this time.
    pub fn new(time: i64, maker: &mut Maker) -> Self {
        let is_odd = maker.once_in(60);
        let mentions = if maker.once_in(40) { 2 } else { 1 };
        let isolations: &[i8] = if is_odd { &[2, -1, 0] } else { &[0, 0, 1] };
        let isolation = *maker.one(isolations);
        match maker.rng.u8(..20) {
            0..12 => {
                let limits = [1, 60, 100, 200, 400, 700, 1500, 4000, 20_000, ALL, ALL, ALL];
                let limits = if is_odd { &[0, -1, i32::MIN][..] } else { &limits[..] };
                let from = [START, START, -2, -1, 0, 0, 0, 0, 0, 0, 1, 2, 3];
                Self::Fetch {
                    version: *maker.one(&[0, 1, 1, 2, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
                    mentions: (0..mentions).map(|_| (*maker.one(&from), *maker.one(limits))).collect(),
                    max_bytes: *maker.one(limits),
                    isolation,
                }
            }
            12..19 => {
                let around = [-1, 0, 1, 10, 25, 1_000].map(|by| time + by);
                let times = [&[0, 1, LATEST, -2, -3, i64::MAX], &around[..]].concat();
                let most: &[i32] = if is_odd { &[-1, 0, i32::MIN] } else { &[1, 1, 2, 100] };
                Self::Offsets {
                    version: *maker.one(&[0, 1, 1, 2, 3, 4, 5]),
                    mentions: (0..mentions).map(|_| *maker.one(&times)).collect(),
                    isolation,
                    most: *maker.one(most),
                }
            }
            _ => Self::Epochs {
                version: maker.rng.i16(0..=3),
                mentions: (0..mentions).map(|_| *maker.one(&[0, 0, 0, 1, -1, i32::MAX])).collect(),
                current: *maker.one(&[-1, 0, 0, 1, -2]),
            },
        }
    }

    /// The request as it stands behind its length; `end` is where the partition ended before the case.
    pub fn frame(&self, id: i32, topic: &str, partition: i32, end: i64) -> Vec<u8> {
        let topic = topic.to_owned();
        match self {
            Self::Fetch { version, mentions, max_bytes, isolation } => {
                let partitions = mentions.iter().map(|(from, partition_max_bytes)| FetchPartition {
                    partition,
                    fetch_offset: if *from == START { 0 } else { end + from },
                    partition_max_bytes: *partition_max_bytes,
                    ..FetchPartition::default()
                });
                let request = FetchRequest {
                    replica_id: -1,
                    max_bytes: *max_bytes,
                    isolation_level: *isolation,
                    session_epoch: -1,
                    topics: vec![FetchTopic { topic, partitions: partitions.collect() }],
                    ..FetchRequest::default()
                };
                framed(*version, id, &request)
            }
            Self::Offsets { version, mentions, isolation, most } => {
                let partitions = mentions.iter().map(|timestamp| ListOffsetPartition {
                    partition_index: partition,
                    timestamp: *timestamp,
                    max_num_offsets: if *version == 0 { *most } else { 1 },
                    ..ListOffsetPartition::default()
                });
                let topics = vec![ListOffsetTopic { name: topic, partitions: partitions.collect() }];
                let isolation_level = if *version < 2 { 0 } else { *isolation };
                framed(*version, id, &ListOffsetRequest { replica_id: -1, isolation_level, topics })
            }
            Self::Epochs { version, mentions, current } => {
                let partitions = mentions.iter().map(|leader_epoch| OffsetForLeaderPartition {
                    partition_index: partition,
                    current_leader_epoch: *current,
                    leader_epoch: *leader_epoch,
                });
                let topics = vec![OffsetForLeaderTopic { name: topic, partitions: partitions.collect() }];
                framed(*version, id, &OffsetForLeaderEpochRequest { replica_id: -1, topics })
            }
        }
    }
}
