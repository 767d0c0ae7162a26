//! A member of a group: generations, members and assignments that no coordinator would answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use barnabas::base::TopicPartition;
use barnabas::client::consumer::machines::{
    GroupRebalanceConfig, Membership, MembershipAction, MembershipAnswer, RebalanceEvent, check_commit,
    read_committed,
};
use barnabas::client::consumer::{
    ConsumerPartitionAssignor, CooperativeStickyAssignor, RangeAssignor, StickyAssignor,
};
use barnabas::client::error::{ClientError, ConnectionError};
use barnabas::wire::message::join_group::{JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember};
use barnabas::wire::message::offset_commit::{
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use barnabas::wire::message::offset_fetch::{
    OffsetFetchResponse, OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use barnabas::wire::message::sync_group::{SyncGroupRequest, SyncGroupResponse};
use bytes::Bytes;
use fastrand::Rng;

use super::super::damaged;
use super::through_the_wire;

/// How many times the member acts.
const TURNS: i64 = 40;

fn lost() -> ClientError {
    ClientError::Connection(ConnectionError::TimedOut(std::time::Duration::ZERO))
}

fn error_code(rng: &mut Rng) -> i16 {
    if rng.u8(..4) == 0 { rng.i16(-2..100) } else { 0 }
}

fn join_answer(request: &JoinGroupRequest, rng: &mut Rng) -> Option<JoinGroupResponse> {
    let metadata = request.protocols.first().map(|it| it.metadata.clone()).unwrap_or_default();
    let member = |at| JoinGroupResponseMember {
        member_id: format!("m{at}"),
        group_instance_id: None,
        metadata: if rng.bool() { metadata.clone() } else { damaged(&metadata, rng).into() },
    };
    let members = (0..3).map(member).collect();
    let right = JoinGroupResponse {
        error_code: error_code(rng),
        generation_id: if rng.u8(..10) == 0 { rng.i32(..) } else { 3 },
        protocol_type: Some("consumer".to_owned()),
        protocol_name: request.protocols.first().map(|it| it.name.clone()),
        leader: if rng.bool() { "m0" } else { "m1" }.to_owned(),
        member_id: "m0".to_owned(),
        members,
        ..Default::default()
    };
    through_the_wire(&right, 7, rng)
}

fn sync_answer(request: &SyncGroupRequest, rng: &mut Rng) -> Option<SyncGroupResponse> {
    let known = request.assignments.first().map(|it| it.assignment.clone());
    let assignment = known
        .unwrap_or_else(|| Bytes::from_static(b"\0\x01\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\0\xff\xff\xff\xff"));
    let assignment = if rng.bool() { assignment } else { damaged(&assignment, rng).into() };
    let right = SyncGroupResponse { error_code: error_code(rng), assignment, ..Default::default() };
    through_the_wire(&right, 5, rng)
}

fn offsets(rng: &mut Rng) {
    let asked = BTreeSet::from([TopicPartition::new("t", 0)]);
    let partition = OffsetFetchResponsePartition {
        partition_index: rng.i32(-1..2),
        committed_offset: rng.i64(..),
        error_code: error_code(rng),
        ..Default::default()
    };
    let topic = OffsetFetchResponseTopic { name: "t".to_owned(), partitions: vec![partition] };
    let right =
        OffsetFetchResponse { topics: vec![topic], error_code: error_code(rng), ..Default::default() };
    if let Some(answer) = through_the_wire(&right, 7, rng)
        && let Ok(found) = read_committed("g", &asked, answer)
    {
        assert!(found.keys().eq(&asked), "only what was asked for is found");
        assert!(found.values().flatten().all(|it| it.offset >= 0), "an offset is not negative");
    }
    let partition = OffsetCommitResponsePartition { partition_index: 0, error_code: error_code(rng) };
    let topic = OffsetCommitResponseTopic { name: "t".to_owned(), partitions: vec![partition] };
    let right = OffsetCommitResponse { topics: vec![topic], ..Default::default() };
    if let Some(answer) = through_the_wire(&right, 8, rng) {
        let _ = check_commit("g", &answer);
    }
}

pub fn play(rng: &mut Rng) {
    let assignors: [Arc<dyn ConsumerPartitionAssignor>; 3] =
        [Arc::new(RangeAssignor), Arc::new(StickyAssignor), Arc::new(CooperativeStickyAssignor)];
    let assignor = assignors[rng.usize(..3)].clone();
    let config = Arc::new(GroupRebalanceConfig::new("g"));
    let mut member = Membership::new(config, 50, vec![assignor]).expect("the settings are right");
    member.subscribe(0, BTreeSet::from(["t".into()]));
    let mut owned = BTreeSet::new();
    for turn in 0..TURNS {
        let now = turn * rng.i64(1..2_000);
        member.poll(now);
        member.advance(now);
        for action in member.take_actions() {
            let answer = answer(action, rng);
            member.answered(now, answer);
        }
        let _ = member.take_failure();
        match member.next_event() {
            Some(RebalanceEvent::Assign { all, .. }) => owned = all,
            Some(RebalanceEvent::Revoke(gone) | RebalanceEvent::Lost(gone)) => {
                owned.retain(|it| !gone.contains(it));
            }
            None => continue,
        }
        member.event_done(now, owned.clone());
        offsets(rng);
    }
}

fn answer(action: MembershipAction, rng: &mut Rng) -> MembershipAnswer {
    match action {
        MembershipAction::FindCoordinator | MembershipAction::ForgetCoordinator => {
            MembershipAnswer::Coordinator(if rng.u8(..8) == 0 { Err(lost()) } else { Ok(()) })
        }
        MembershipAction::Join(attempt, request) => {
            MembershipAnswer::Joined(attempt, join_answer(&request, rng).ok_or_else(lost))
        }
        MembershipAction::Assign(attempt, assignment) => {
            let counts = BTreeMap::from([("t".into(), rng.i32(0..5))]);
            MembershipAnswer::Assigned(attempt, assignment.perform(counts).map_err(ClientError::Group))
        }
        MembershipAction::Sync(attempt, request) => {
            MembershipAnswer::Synced(attempt, sync_answer(&request, rng).ok_or_else(lost))
        }
        MembershipAction::Heartbeat(sent, _) => MembershipAnswer::Heartbeat(sent, Ok(error_code(rng))),
        MembershipAction::Leave(_) => MembershipAnswer::Left,
    }
}
