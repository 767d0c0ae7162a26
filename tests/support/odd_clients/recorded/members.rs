//! The requests of the members of groups.

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use barnabas::wire::message::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use barnabas::wire::message::join_group::{JoinGroupRequest, JoinGroupResponse};
use barnabas::wire::message::leave_group::{LeaveGroupRequest, LeaveGroupResponse};
use barnabas::wire::message::offset_commit::*;
use barnabas::wire::message::offset_fetch::*;
use barnabas::wire::message::sync_group::{SyncGroupRequest, SyncGroupResponse};

use super::{MadeUp, Recorded, errors, member};

impl Recorded for FindCoordinatorRequest {
    fn asked(&self) -> String {
        let kind = if self.key_type == 0 { "group" } else { "transaction" };
        format!("{kind} {}", self.key)
    }

    fn answered(answer: &FindCoordinatorResponse) -> String {
        match answer.error_code {
            0 => format!("broker {}", answer.node_id),
            code => errors([code].into_iter()),
        }
    }

    fn make_up(&self, made_up: &MadeUp) -> FindCoordinatorResponse {
        FindCoordinatorResponse {
            error_code: made_up.error.code(),
            node_id: -1,
            port: -1,
            ..Default::default()
        }
    }
}

impl Recorded for JoinGroupRequest {
    fn asked(&self) -> String {
        let instance = self.group_instance_id.as_deref().map(|it| format!(" instance={it}"));
        format!("{} member={:?}{}", self.group_id, self.member_id, instance.unwrap_or_default())
    }

    fn answered(answer: &JoinGroupResponse) -> String {
        match answer.error_code {
            0 => {
                let leads = if answer.leader == answer.member_id { " leader" } else { "" };
                format!("{}{leads}", member(answer.generation_id, &answer.member_id, None))
            }
            code => errors([code].into_iter()),
        }
    }

    fn make_up(&self, made_up: &MadeUp) -> JoinGroupResponse {
        JoinGroupResponse { error_code: made_up.error.code(), ..Default::default() }
    }
}

impl Recorded for SyncGroupRequest {
    fn asked(&self) -> String {
        let instance = self.group_instance_id.as_deref();
        format!("{} {}", self.group_id, member(self.generation_id, &self.member_id, instance))
    }

    fn answered(answer: &SyncGroupResponse) -> String {
        errors([answer.error_code].into_iter())
    }

    fn make_up(&self, made_up: &MadeUp) -> SyncGroupResponse {
        SyncGroupResponse { error_code: made_up.error.code(), ..Default::default() }
    }
}

impl Recorded for HeartbeatRequest {
    fn asked(&self) -> String {
        let instance = self.group_instance_id.as_deref();
        format!("{} {}", self.group_id, member(self.generation_id, &self.member_id, instance))
    }

    fn answered(answer: &HeartbeatResponse) -> String {
        errors([answer.error_code].into_iter())
    }

    fn make_up(&self, made_up: &MadeUp) -> HeartbeatResponse {
        HeartbeatResponse { error_code: made_up.error.code(), ..Default::default() }
    }
}

impl Recorded for LeaveGroupRequest {
    fn asked(&self) -> String {
        let members = self.members.iter().map(|it| format!(" member={:?}", it.member_id));
        format!("{}{}", self.group_id, members.collect::<String>())
    }

    fn answered(answer: &LeaveGroupResponse) -> String {
        errors([answer.error_code].into_iter())
    }

    fn make_up(&self, made_up: &MadeUp) -> LeaveGroupResponse {
        LeaveGroupResponse { error_code: made_up.error.code(), ..Default::default() }
    }
}

impl Recorded for OffsetCommitRequest {
    fn asked(&self) -> String {
        let all = self.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |it| (topic, it)));
        let offsets = all.map(|(topic, it)| {
            let (partition, offset, epoch) =
                (it.partition_index, it.committed_offset, it.committed_leader_epoch);
            format!("{}-{partition}@{offset} of epoch {epoch}", topic.name)
        });
        let instance = self.group_instance_id.as_deref();
        let member = member(self.generation_id, &self.member_id, instance);
        format!("{} {member} {}", self.group_id, offsets.collect::<Vec<_>>().join(", "))
    }

    fn answered(answer: &OffsetCommitResponse) -> String {
        errors(answer.topics.iter().flat_map(|it| &it.partitions).map(|it| it.error_code))
    }

    fn make_up(&self, made_up: &MadeUp) -> OffsetCommitResponse {
        let partition = |it: &OffsetCommitRequestPartition| OffsetCommitResponsePartition {
            partition_index: it.partition_index,
            error_code: made_up.error.code(),
        };
        let topic = |it: &OffsetCommitRequestTopic| OffsetCommitResponseTopic {
            name: it.name.clone(),
            partitions: it.partitions.iter().map(partition).collect(),
        };
        OffsetCommitResponse { topics: self.topics.iter().map(topic).collect(), ..Default::default() }
    }
}

impl Recorded for OffsetFetchRequest {
    fn asked(&self) -> String {
        let all = self.topics.iter().flatten();
        let all = all.flat_map(|topic| topic.partition_indexes.iter().map(move |it| (topic, it)));
        let partitions = all.map(|(topic, it)| format!("{}-{it}", topic.name)).collect::<Vec<_>>();
        format!("{} {}", self.group_id, partitions.join(","))
    }

    fn answered(answer: &OffsetFetchResponse) -> String {
        if answer.error_code != 0 {
            return errors([answer.error_code].into_iter());
        }
        let all = answer.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |it| (topic, it)));
        let offsets = all.map(|(topic, it)| match it.error_code {
            0 => {
                let (offset, epoch) = (it.committed_offset, it.committed_leader_epoch);
                format!("{}-{}@{offset} of epoch {epoch}", topic.name, it.partition_index)
            }
            code => errors([code].into_iter()),
        });
        offsets.collect::<Vec<_>>().join(", ")
    }

    fn make_up(&self, made_up: &MadeUp) -> OffsetFetchResponse {
        if made_up.error != ErrorCode::UnstableOffsetCommit {
            return OffsetFetchResponse { error_code: made_up.error.code(), ..Default::default() };
        }
        // An error of each partition.
        let partition = |partition_index: &i32| OffsetFetchResponsePartition {
            partition_index: *partition_index,
            committed_offset: -1,
            error_code: made_up.error.code(),
            ..Default::default()
        };
        let topic = |it: &OffsetFetchRequestTopic| OffsetFetchResponseTopic {
            name: it.name.clone(),
            partitions: it.partition_indexes.iter().map(partition).collect(),
        };
        let topics = self.topics.iter().flatten().map(topic).collect();
        OffsetFetchResponse { topics, ..Default::default() }
    }
}
