//! A member's requests as the coordinator's machine takes them, and its responses as they come over the wire.

use std::collections::BTreeSet;
use std::sync::Arc;

use barnabas::base::{Millis, TopicPartition};
use barnabas::client::consumer::machines::{
    CommittedOffsets, FoundOffsets, MemberGeneration, read_committed,
};
use barnabas::coordinator::group::fetch::OffsetsFetch;
use barnabas::coordinator::group::join::GroupJoin;
use barnabas::coordinator::group::leave::{GroupLeave, LeavingMember};
use barnabas::coordinator::group::member::{MemberProfile, SupportedProtocol};
use barnabas::coordinator::group::request::{
    GroupRequest, GroupResponse, MemberClaim, OffsetCommitValue, OffsetsCommit,
};
use barnabas::coordinator::group::session::GroupHeartbeat;
use barnabas::coordinator::group::sync::GroupSync;
use barnabas::wire::message::heartbeat::HeartbeatRequest;
use barnabas::wire::message::join_group::{JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember};
use barnabas::wire::message::offset_commit::{
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use barnabas::wire::message::offset_fetch::{
    OffsetFetchResponse, OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use barnabas::wire::message::sync_group::{SyncGroupRequest, SyncGroupResponse};

use super::read_records::Reply;

const GROUP: &str = "group";

fn claim(member: String, instance: Option<String>, generation: i32) -> MemberClaim {
    MemberClaim { member: member.into(), instance: instance.map(Arc::from), generation }
}

pub fn join(request: JoinGroupRequest, new_member: &str, instance: Option<String>) -> GroupRequest {
    let protocols = request.protocols.into_iter();
    GroupRequest::Join(GroupJoin {
        group: GROUP.into(),
        new_member: new_member.into(),
        requires_member_id: request.member_id.is_empty() && instance.is_none(),
        member: request.member_id.into(),
        profile: MemberProfile {
            instance: instance.map(Arc::from),
            client_id: "client".into(),
            client_host: "/127.0.0.1".into(),
            rebalance_timeout: request.rebalance_timeout_ms.into(),
            session_timeout: request.session_timeout_ms.into(),
        },
        protocol_type: request.protocol_type.into(),
        protocols: protocols
            .map(|it| SupportedProtocol { name: it.name.into(), metadata: it.metadata })
            .collect(),
    })
}

pub fn sync(request: SyncGroupRequest, instance: Option<String>) -> GroupRequest {
    let assignments = request.assignments.into_iter();
    GroupRequest::Sync(GroupSync {
        group: GROUP.into(),
        claim: claim(request.member_id, instance, request.generation_id),
        protocol_type: None,
        protocol_name: None,
        assignments: assignments.map(|it| (it.member_id.into(), it.assignment)).collect(),
    })
}

pub fn heartbeat(request: HeartbeatRequest, instance: Option<String>) -> GroupRequest {
    let claim = claim(request.member_id, instance, request.generation_id);
    GroupRequest::Heartbeat(GroupHeartbeat { group: GROUP.into(), claim })
}

pub fn leave(member: String) -> GroupRequest {
    let members = vec![LeavingMember { member: member.into(), instance: None }];
    GroupRequest::Leave(GroupLeave { group: GROUP.into(), members })
}

pub fn commit(
    offsets: &CommittedOffsets,
    generation: &MemberGeneration,
    instance: Option<String>,
    now: Millis,
) -> GroupRequest {
    let kept = offsets.iter().map(|(id, committed)| {
        let value = OffsetCommitValue {
            offset: committed.offset,
            leader_epoch: committed.leader_epoch,
            metadata: committed.metadata.as_str().into(),
            commit_timestamp: now,
            expire_timestamp: None,
        };
        (id.clone(), value)
    });
    GroupRequest::Commit(OffsetsCommit {
        group: GROUP.into(),
        claim: claim(generation.member_id.clone(), instance, generation.id),
        offsets: kept.collect(),
        producer: None,
    })
}

pub fn fetch(partitions: &BTreeSet<TopicPartition>) -> GroupRequest {
    GroupRequest::Fetch(OffsetsFetch {
        group: GROUP.into(),
        partitions: Some(partitions.iter().cloned().collect()),
        require_stable: true,
    })
}

pub fn joined(reply: Reply) -> Option<JoinGroupResponse> {
    let Reply::Group(GroupResponse::Join(result)) = reply else { return None };
    let members = result.members.into_iter().map(|member| JoinGroupResponseMember {
        member_id: member.id.to_string(),
        group_instance_id: member.instance.map(|it| it.to_string()),
        metadata: member.metadata,
    });
    Some(JoinGroupResponse {
        error_code: result.error.code(),
        generation_id: result.generation,
        protocol_name: result.protocol_name.map(|it| it.to_string()),
        leader: result.leader.to_string(),
        member_id: result.member.to_string(),
        members: members.collect(),
        ..Default::default()
    })
}

pub fn synced(reply: Reply) -> Option<SyncGroupResponse> {
    let Reply::Group(GroupResponse::Sync(result)) = reply else { return None };
    let (error_code, assignment) = (result.error.code(), result.assignment);
    Some(SyncGroupResponse { error_code, assignment, ..Default::default() })
}

/// The answer to a heartbeat.
pub fn beaten(reply: Reply) -> Option<i16> {
    let Reply::Group(GroupResponse::Heartbeat(error)) = reply else { return None };
    Some(error.code())
}

pub fn commit_answer(offsets: &CommittedOffsets, reply: Reply) -> Option<OffsetCommitResponse> {
    let Reply::Group(GroupResponse::Commit(errors)) = reply else { return None };
    let partitions = offsets.keys().zip(errors).map(|(id, error)| OffsetCommitResponsePartition {
        partition_index: id.partition,
        error_code: error.code(),
    });
    let topic = OffsetCommitResponseTopic { name: "t".to_owned(), partitions: partitions.collect() };
    Some(OffsetCommitResponse { topics: vec![topic], ..Default::default() })
}

/// What was committed, unless it is not known.
pub fn committed(asked: &BTreeSet<TopicPartition>, reply: Reply) -> Option<FoundOffsets> {
    let Reply::Group(GroupResponse::Fetch(found)) = reply else { return None };
    let partitions = found.into_iter().map(|(id, found)| OffsetFetchResponsePartition {
        partition_index: id.partition,
        committed_offset: found.offset,
        committed_leader_epoch: found.leader_epoch.unwrap_or(-1),
        metadata: Some(found.metadata.to_string()),
        error_code: found.error.code(),
    });
    let topic = OffsetFetchResponseTopic { name: "t".to_owned(), partitions: partitions.collect() };
    read_committed(GROUP, asked, OffsetFetchResponse { topics: vec![topic], ..Default::default() }).ok()
}
