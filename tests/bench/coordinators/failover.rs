//! The coordinator of a million offsets fails, and another broker takes its place.

use std::time::Instant;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestTopic};

use crate::Figures;
use crate::group::{Key, commit, coordinator, is_loading};
use crate::members::{LIMIT, Members, assigned, spread};
use crate::support::eventually;
use crate::table::Figure;

const PARTITIONS: i32 = 1000;
const GROUPS: usize = 1000;
/// The partitions of `__consumer_offsets`.
const COORDINATED: i32 = 50;

/// A row of the time from the end of the session of the broker that fails to the first answer of the next.
pub fn measure(figures: &mut Figures<'_>) {
    let mut members = Members::start(figures);
    let replicas: Vec<_> = (0..PARTITIONS as usize).map(|at| spread(at, 1)).collect();
    members.create(vec![assigned("consumed", &replicas, &[])]);
    members.await_partitions(&members.alive(), "consumed", PARTITIONS as usize, |it| it.leader_id >= 0);
    let (leader, mut connection) = coordinator(&members, &same_partition().next().unwrap(), Key::Group);
    for group in same_partition().take(GROUPS) {
        loop {
            let request = commit(&group, "consumed", PARTITIONS, 7);
            let answer = connection.call(&request, 5).expect("an answer to OffsetCommit");
            let error = answer.topics[0].partitions[0].error_code;
            if !is_loading(error) {
                assert_eq!(error, 0, "{group}");
                break;
            }
        }
    }
    let group = same_partition().nth(GROUPS - 1).unwrap();
    let ended = members.session_end(leader);
    members.kill(leader);
    let ended = ended();
    let next = members.alive();
    let request = fetch(&group);
    eventually("the next coordinator answers", LIMIT, || {
        next.iter().find_map(|id| {
            let answer = members.connection(*id).call(&request, 5)?;
            let error = ErrorCode::from_code(answer.error_code);
            let offset = answer.topics.first()?.partitions.first()?.committed_offset;
            (error == ErrorCode::None && offset == 7).then_some(())
        })
    });
    let took = Instant::now().duration_since(ended).as_secs_f64();
    let count = GROUPS * PARTITIONS as usize;
    let row =
        format!("from the end of a coordinator's session to the answer of the next with {count} offsets, s");
    figures.add(&row, Figure::Seconds(took));
}

/// Groups of one partition of `__consumer_offsets`.
fn same_partition() -> impl Iterator<Item = String> {
    let of = |group: &String| {
        let hash =
            group.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
        hash.checked_abs().unwrap_or(0) % COORDINATED == 7
    };
    (0..).map(|at| format!("group-{at}")).filter(of)
}

fn fetch(group: &str) -> OffsetFetchRequest {
    let topic = OffsetFetchRequestTopic { name: "consumed".to_owned(), partition_indexes: vec![0] };
    OffsetFetchRequest { group_id: group.to_owned(), topics: Some(vec![topic]), ..Default::default() }
}
