//! A consumer that reads from a follower: how long after its acknowledgement a record is seen there (KIP-392).

use std::time::Instant;

use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};

use crate::Figures;
use crate::members::Members;
use crate::table::Figure;

const RECORDS: usize = 50;

/// A row of the time from the acknowledgement to the answer of the fetch that waits at the follower.
pub fn measure(figures: &mut Figures<'_>) {
    let members = Members::start(figures);
    members.busy_partition("near");
    let (mut leader, mut follower) = (members.connection(1), members.connection(2));
    let mut took: Vec<_> = (0..RECORDS)
        .map(|at| {
            let offset = leader.produce("near", "value", -1).expect("an answer").expect("an acknowledgement");
            assert_eq!(offset, at as i64);
            let acknowledged = Instant::now();
            loop {
                let answer = follower.call(&fetch(offset), 11).expect("an answer to Fetch");
                let partition = &answer.responses[0].partition_responses[0];
                if partition.record_set.as_ref().is_some_and(|records| !records.is_empty()) {
                    break acknowledged.elapsed().as_secs_f64() * 1e3;
                }
            }
        })
        .collect();
    took.sort_by(f64::total_cmp);
    figures.add(
        "from the acknowledgement to the consumer of the closest replica, p50, ms",
        Figure::Milliseconds(took[RECORDS / 2]),
    );
    figures.add("the same, the longest of 50, ms", Figure::Milliseconds(took[RECORDS - 1]));
}

fn fetch(fetch_offset: i64) -> FetchRequest {
    let partition = FetchPartition {
        fetch_offset,
        partition_max_bytes: 1 << 20,
        current_leader_epoch: -1,
        ..Default::default()
    };
    let topics = vec![FetchTopic { topic: "near".to_owned(), partitions: vec![partition] }];
    FetchRequest {
        replica_id: -1,
        max_wait_ms: 10_000,
        min_bytes: 1,
        max_bytes: 1 << 20,
        session_epoch: -1,
        topics,
        ..Default::default()
    }
}
