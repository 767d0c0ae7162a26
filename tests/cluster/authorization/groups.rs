//! What the APIs of groups ask for.

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::delete_groups::DeleteGroupsRequest;
use barnabas::wire::message::describe_groups::DescribeGroupsRequest;
use barnabas::wire::message::find_coordinator::FindCoordinatorRequest;
use barnabas::wire::message::heartbeat::HeartbeatRequest;
use barnabas::wire::message::join_group::JoinGroupRequest;
use barnabas::wire::message::leave_group::LeaveGroupRequest;
use barnabas::wire::message::list_groups::ListGroupsRequest;
use barnabas::wire::message::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use barnabas::wire::message::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use barnabas::wire::message::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestTopic};
use barnabas::wire::message::sync_group::SyncGroupRequest;
use barnabas::wire::message::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};

use super::{
    DESCRIBE_CLUSTER, LIMIT, Policy, Scene, TOPIC_DENIED, TRANSACTIONAL_ID_DENIED, expected, names, pairs,
};
use crate::support::eventually;

const GROUP_DENIED: i16 = ErrorCode::GroupAuthorizationFailed.code();

impl Scene {
    pub fn coordinates_groups_by_their_ids(&mut self) {
        let find = |key: &str, key_type| FindCoordinatorRequest { key: key.to_owned(), key_type };
        let response = self.denied(&find("g", 0), 3, &["Describe Group g"]);
        assert_eq!((response.error_code, response.node_id), (GROUP_DENIED, -1));
        let response = self.denied(&find("payments", 1), 3, &["Describe TransactionalId payments"]);
        assert_eq!(response.error_code, TRANSACTIONAL_ID_DENIED);
        eventually("the group has a coordinator", LIMIT, || {
            let response = self.allowed(&find("g", 0), 3, &["Describe Group g"]);
            (response.error_code == 0).then_some(())
        });
        let read = ["Read Group g"];
        let group_id = || "g".to_owned();
        let join = JoinGroupRequest { group_id: group_id(), ..Default::default() };
        assert_eq!(self.denied(&join, 7, &read).error_code, GROUP_DENIED);
        let sync = SyncGroupRequest {
            group_id: group_id(),
            protocol_type: Some("consumer".to_owned()),
            protocol_name: Some("range".to_owned()),
            ..Default::default()
        };
        assert_eq!(self.denied(&sync, 5, &read).error_code, GROUP_DENIED);
        let heartbeat = HeartbeatRequest { group_id: group_id(), ..Default::default() };
        assert_eq!(self.denied(&heartbeat, 4, &read).error_code, GROUP_DENIED);
        let leave = LeaveGroupRequest { group_id: group_id(), ..Default::default() };
        assert_eq!(self.denied(&leave, 4, &read).error_code, GROUP_DENIED);
    }

    pub fn keeps_offsets_by_group_and_topic(&mut self) {
        let topics = ["yours", "mine"].map(|name| OffsetCommitRequestTopic {
            name: name.to_owned(),
            partitions: vec![OffsetCommitRequestPartition { committed_offset: 5, ..Default::default() }],
        });
        let commit =
            OffsetCommitRequest { group_id: "g".to_owned(), topics: topics.to_vec(), ..Default::default() };
        let results = |response: &barnabas::wire::message::offset_commit::OffsetCommitResponse| {
            pairs(&response.topics, |topic| (&topic.name, topic.partitions[0].error_code))
        };
        let response = self.denied(&commit, 8, &["Read Group g"]);
        assert_eq!(results(&response), expected(&[("yours", GROUP_DENIED), ("mine", GROUP_DENIED)]));
        let by_topic = ["Read Group g", "Read Topic mine", "Read Topic yours"];
        eventually("the coordinator has loaded", LIMIT, || {
            let response = self.in_part(&commit, 8, &by_topic);
            let wanted = expected(&[("mine", 0), ("yours", TOPIC_DENIED)]);
            (results(&response) == wanted).then_some(())
        });

        let topics = ["yours", "mine"]
            .map(|name| OffsetFetchRequestTopic { name: name.to_owned(), partition_indexes: vec![0] });
        let fetch = OffsetFetchRequest {
            group_id: "g".to_owned(),
            topics: Some(topics.to_vec()),
            ..Default::default()
        };
        let asked = ["Describe Group g", "Describe Topic mine", "Describe Topic yours"];
        for version in [1, 7] {
            let response = self.in_part(&fetch, version, &asked);
            let results = pairs(&response.topics, |topic| (&topic.name, topic.partitions[0].error_code));
            assert_eq!(results, expected(&[("mine", 0), ("yours", TOPIC_DENIED)]));
        }
        assert_eq!(self.denied(&fetch, 7, &["Describe Group g"]).error_code, GROUP_DENIED);
        let response = self.denied(&fetch, 1, &["Describe Group g"]);
        assert_eq!(response.topics[0].partitions[0].error_code, GROUP_DENIED, "no room for it but here");
        let all = OffsetFetchRequest { topics: None, ..fetch };
        let response = self.allowed(&all, 7, &["Describe Group g", "Describe Topic mine"]);
        assert_eq!(response.topics[0].partitions[0].committed_offset, 5);
        let (response, _) = self.ask(Policy::Ending(&["mine"]), &all, 7);
        assert!(response.topics.is_empty() && response.error_code == 0, "left out without a word");

        let topics = ["yours", "mine"].map(|name| TxnOffsetCommitRequestTopic {
            name: name.to_owned(),
            partitions: vec![TxnOffsetCommitRequestPartition::default()],
        });
        let commit = TxnOffsetCommitRequest {
            transactional_id: "payments".to_owned(),
            group_id: "g".to_owned(),
            topics: topics.to_vec(),
            ..Default::default()
        };
        let results = |response: barnabas::wire::message::txn_offset_commit::TxnOffsetCommitResponse| {
            pairs(&response.topics, |topic| (&topic.name, topic.partitions[0].error_code))
        };
        let response = self.denied(&commit, 3, &["Write TransactionalId payments"]);
        let all = |error| expected(&[("yours", error), ("mine", error)]);
        assert_eq!(results(response), all(TRANSACTIONAL_ID_DENIED));
        let both = ["Read Group g", "Write TransactionalId payments"];
        let (response, asked) = self.ask(Policy::Ending(&["Group g"]), &commit, 3);
        assert_eq!((results(response), asked), (all(GROUP_DENIED), names(&both)));
    }

    pub fn shows_and_deletes_groups_by_their_ids(&mut self) {
        let describe =
            DescribeGroupsRequest { groups: names(&["yours", "g"]), include_authorized_operations: false };
        let response = self.in_part(&describe, 5, &["Describe Group g", "Describe Group yours"]);
        let results = pairs(&response.groups, |group| (&group.group_id, group.error_code));
        assert_eq!(results, expected(&[("yours", GROUP_DENIED), ("g", 0)]));
        assert_eq!((&*response.groups[0].group_state, &*response.groups[1].group_state), ("", "Empty"));
        let operations = DescribeGroupsRequest { groups: names(&["g"]), include_authorized_operations: true };
        let (response, _) = self.ask(Policy::Ending(&["Delete Group g"]), &operations, 5);
        assert_eq!(response.groups[0].authorized_operations, 1 << 3 | 1 << 8, "Read and Describe");

        let list = ListGroupsRequest::default();
        let listed =
            |response: barnabas::wire::message::list_groups::ListGroupsResponse| response.groups.len();
        assert_eq!(listed(self.allowed(&list, 4, &[DESCRIBE_CLUSTER])), 1);
        assert_eq!(listed(self.denied(&list, 4, &[DESCRIBE_CLUSTER, "Describe Group g"])), 0);

        let topics = ["yours", "mine"].map(|name| OffsetDeleteRequestTopic {
            name: name.to_owned(),
            partitions: vec![OffsetDeleteRequestPartition::default()],
        });
        let delete = OffsetDeleteRequest { group_id: "g".to_owned(), topics: topics.to_vec() };
        assert_eq!(self.denied(&delete, 0, &["Delete Group g"]).error_code, GROUP_DENIED);
        let response = self.in_part(&delete, 0, &["Delete Group g", "Read Topic mine", "Read Topic yours"]);
        let mut results = pairs(&response.topics, |topic| (&topic.name, topic.partitions[0].error_code));
        results.sort();
        assert_eq!(results, expected(&[("mine", 0), ("yours", TOPIC_DENIED)]));

        let delete = DeleteGroupsRequest { groups_names: names(&["yours", "g"]) };
        let response = self.in_part(&delete, 2, &["Delete Group g", "Delete Group yours"]);
        let results = pairs(&response.results, |result| (&result.group_id, result.error_code));
        let gone = ErrorCode::GroupIdNotFound.code();
        assert_eq!(
            results,
            expected(&[("g", gone), ("yours", GROUP_DENIED)]),
            "it went with its last offset"
        );
    }
}
