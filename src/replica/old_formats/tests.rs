use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::config::TopicConfig;
use crate::replica::machine::ReadFrom;
use crate::replica::tests::{Room, partition};
use crate::replica::{FetchParams, Isolation, PartitionFetch};
use crate::wire::batch::Batch;

/// A broker whose topics have these overrides, with three records in two batches.
async fn room(overrides: &[(&str, &str)]) -> Room {
    let overrides: BTreeMap<_, _> =
        overrides.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let room = Room::with(&[], TopicConfig::with_overrides(&TopicConfig::default(), &overrides).unwrap());
    room.become_replica(0, 1, 0, &[1]);
    room.produce(0, &["a", "b"]).await;
    room.produce(0, &["c"]).await;
    room
}

/// Fetches partition 0 as a client of this version.
async fn fetch(room: &Room, version: i16, offset: Offset, max_bytes: i32) -> FetchOutcome {
    let params = FetchParams {
        replica_id: -1,
        max_wait: Duration::ZERO,
        min_bytes: 1,
        max_bytes: 1 << 20,
        hard_max_bytes: version <= 2,
        isolation: Isolation::ReadUncommitted,
        read_from: ReadFrom::Leader,
    };
    let wanted = PartitionFetch {
        offset,
        max_bytes,
        current_leader_epoch: None,
        last_fetched_epoch: None,
        log_start_offset: -1,
    };
    let wanted = vec![(partition(0), wanted)];
    let mut outcomes = room.replicas.fetch(params, &wanted).await;
    room.replicas.refuse_zstd(version, &mut outcomes);
    let (id, outcome) = outcomes.remove(0);
    if version >= READS_FORMAT_2 {
        return outcome;
    }
    room.replicas.down_convert(version, &params.reader(), &id, offset, outcome)
}

/// The format and offset of each message or batch.
fn shape(outcome: &FetchOutcome) -> Vec<(i8, Offset)> {
    assert_eq!(outcome.error, ErrorCode::None);
    let batches = Batch::split(outcome.records.read().unwrap());
    batches.map(|batch| batch.unwrap().header().clone()).map(|it| (it.magic, it.base_offset)).collect()
}

#[tokio::test]
async fn every_client_gets_the_newest_format_it_reads() {
    let room = room(&[]).await;
    for (version, format) in [(0, 0), (1, 0), (2, 1), (3, 1)] {
        let expected = [0, 1, 2].map(|offset| (format, offset));
        assert_eq!(shape(&fetch(&room, version, 0, 1 << 20).await), expected);
        assert_eq!(shape(&fetch(&room, version, 1, 1 << 20).await), expected[1..]);
    }
    assert_eq!(shape(&fetch(&room, 4, 0, 1 << 20).await), [(2, 0), (2, 2)]);
}

#[tokio::test]
async fn what_is_no_whole_batch_stays_as_it_is() {
    let room = room(&[]).await;
    assert_eq!(fetch(&room, 2, 0, 10).await.records.len(), 10);
}

#[tokio::test]
async fn a_topic_may_forbid_conversion() {
    let room = room(&[("message.downconversion.enable", "false")]).await;
    assert_eq!(fetch(&room, 3, 0, 1 << 20).await.error, ErrorCode::UnsupportedVersion);
    assert_eq!(fetch(&room, 4, 0, 1 << 20).await.error, ErrorCode::None);
}

#[tokio::test]
async fn zstd_is_sent_only_to_clients_that_read_it() {
    let room = room(&[("compression.type", "zstd")]).await;
    for version in [3, 9] {
        let refused = fetch(&room, version, 0, 1 << 20).await;
        assert_eq!((refused.error, refused.high_watermark), (ErrorCode::UnsupportedCompressionType, -1));
    }
    assert_eq!(fetch(&room, 10, 0, 1 << 20).await.error, ErrorCode::None);
}
