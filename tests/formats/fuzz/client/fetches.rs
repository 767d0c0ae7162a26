//! Fetches of a consumer: batches with wrong headers, codecs, offsets and transactions, and wrong sessions.

use std::collections::BTreeMap;
use std::sync::Arc;

use barnabas::base::{Offset, Records, TopicPartition};
use barnabas::client::consumer::machines::{
    ConsumerFetcher, ConsumerPosition, SubscriptionState, TakenRecords,
};
use barnabas::client::metadata::PartitionLeader;
use barnabas::client::settings::{ConsumerSettings, OffsetReset};
use barnabas::wire::batch::BatchBuilder;
use barnabas::wire::compression::Compression;
use barnabas::wire::control::EndTransactionMarker;
use barnabas::wire::message::fetch::{
    AbortedTransaction, FetchResponse, FetchablePartitionResponse, FetchableTopicResponse,
};
use fastrand::Rng;

use super::super::damaged;
use super::through_the_wire;

/// Far more turns than the records of an answer need.
const MOST_TURNS: usize = 100_000;

fn ids() -> [TopicPartition; 2] {
    [0, 1].map(|it| TopicPartition::new("t", it))
}

/// Batches of a log, in any codec, some of transactions.
fn batches(rng: &mut Rng) -> Vec<u8> {
    let (mut bytes, mut next) = (Vec::new(), 0);
    for _ in 0..rng.usize(1..5) {
        let codec = *rng
            .choice(&[
                Compression::None,
                Compression::Gzip,
                Compression::Snappy,
                Compression::Lz4,
                Compression::Zstd,
            ])
            .unwrap_or(&Compression::None);
        let mut builder =
            BatchBuilder::new().base_offset(next).leader_epoch(rng.i32(0..3)).compression(codec);
        if rng.bool() {
            builder = builder.producer(rng.i64(0..3), 0, 0).transactional(true);
        }
        for _ in 0..rng.usize(1..20) {
            let value = vec![rng.u8(..); rng.usize(..60)];
            builder.push(next, Some(b"key"), Some(&value), &[("h".to_owned(), None)]);
            next += 1;
        }
        bytes.extend(builder.build().expect("every codec is there"));
    }
    if rng.bool() {
        let marker = EndTransactionMarker { committed: rng.bool(), coordinator_epoch: 0 };
        bytes.extend(marker.batch(0, rng.i64(0..3), 0).expect("a marker is a batch"));
    }
    // The checksum of what is damaged behind it is not checked in half of the plays.
    if rng.u8(..4) == 0 { damaged(&bytes, rng) } else { bytes }
}

fn part(partition: i32, rng: &mut Rng) -> FetchablePartitionResponse {
    let error_code = if rng.u8(..8) == 0 { rng.i16(-2..100) } else { 0 };
    let aborted = (0..rng.usize(..3)).map(|_| AbortedTransaction {
        producer_id: rng.i64(0..3),
        first_offset: if rng.u8(..5) == 0 { rng.i64(..) } else { rng.i64(0..40) },
    });
    FetchablePartitionResponse {
        partition,
        error_code,
        aborted_transactions: Some(aborted.collect()),
        high_watermark: if rng.u8(..5) == 0 { rng.i64(..) } else { 100 },
        last_stable_offset: if rng.u8(..5) == 0 { rng.i64(..) } else { 100 },
        preferred_read_replica: if rng.u8(..5) == 0 { rng.i32(..) } else { -1 },
        record_set: Some(Records::Memory(batches(rng).into())),
        ..Default::default()
    }
}

fn answer(rng: &mut Rng) -> Option<FetchResponse> {
    let parts = [0, 1].map(|partition| part(partition, rng)).to_vec();
    let right = FetchResponse {
        session_id: rng.i32(0..3),
        error_code: if rng.u8(..10) == 0 { rng.i16(-2..100) } else { 0 },
        responses: vec![FetchableTopicResponse { topic: "t".to_owned(), partition_responses: parts }],
        ..Default::default()
    };
    through_the_wire(&right, 11, rng)
}

pub fn play(rng: &mut Rng) {
    let settings = Arc::new(ConsumerSettings {
        check_crcs: rng.bool(),
        read_committed: rng.bool(),
        ..ConsumerSettings::new("localhost:9092")
    });
    let mut fetcher = ConsumerFetcher::new(settings);
    let mut state = SubscriptionState::new(OffsetReset::Earliest);
    state.assign_from_user(ids()).expect("nothing was assigned before");
    for id in ids() {
        let leader = Some(PartitionLeader { broker: 1, epoch: 2 });
        let position = ConsumerPosition { offset: rng.i64(0..3), offset_epoch: None, leader };
        state.seek(&id, position).expect("it is assigned");
    }
    for now in 0..4 {
        let now = now * 1_000;
        for (broker, _) in fetcher.requests(&state, now) {
            match answer(rng) {
                Some(answer) => drop(fetcher.answered(broker, answer, now)),
                None => fetcher.failed(broker, &mut state, now),
            }
        }
        take(&mut fetcher, &mut state, now);
    }
}

/// Takes all that there is.
fn take(fetcher: &mut ConsumerFetcher, state: &mut SubscriptionState, now: i64) {
    let mut last: BTreeMap<TopicPartition, Offset> =
        ids().into_iter().filter_map(|id| Some((id.clone(), state.position(&id)?.offset - 1))).collect();
    let mut errors = 0;
    for turn in 0.. {
        assert!(turn < MOST_TURNS, "the records of an answer have no end");
        match fetcher.take(state, 7, now) {
            Ok(TakenRecords::Records(records)) if records.is_empty() => return,
            Ok(TakenRecords::Records(records)) => {
                for record in &records {
                    let before = last.insert(record.partition.clone(), record.offset);
                    assert!(
                        before.is_some_and(|before| before < record.offset),
                        "{before:?}, {}",
                        record.offset
                    );
                }
                for id in records.partitions() {
                    let position = state.position(id).map(|it| it.offset);
                    assert!(position > last.get(id).copied(), "the position is behind the records");
                }
            }
            Ok(TakenRecords::Unpack(task)) => fetcher.unpacked(task.run()),
            // An error stays until the position is another one, or is over once it was returned.
            Err(_) => errors += 1,
        }
        if errors > 10 {
            for id in ids() {
                let offset = state.position(&id).map_or(0, |it| it.offset).saturating_add(1);
                let to = ConsumerPosition { offset, offset_epoch: None, leader: None };
                state.seek(&id, to).expect("it is assigned, and the offset is not negative");
            }
            return;
        }
    }
}
