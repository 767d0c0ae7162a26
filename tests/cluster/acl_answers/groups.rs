//! The APIs of groups, their offsets, and transactions.

use barnabas::wire::message::add_offsets_to_txn::AddOffsetsToTxnRequest;
use barnabas::wire::message::add_partitions_to_txn::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic};
use barnabas::wire::message::delete_groups::DeleteGroupsRequest;
use barnabas::wire::message::describe_groups::DescribeGroupsRequest;
use barnabas::wire::message::end_txn::EndTxnRequest;
use barnabas::wire::message::find_coordinator::FindCoordinatorRequest;
use barnabas::wire::message::heartbeat::HeartbeatRequest;
use barnabas::wire::message::init_producer_id::InitProducerIdRequest;
use barnabas::wire::message::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use barnabas::wire::message::leave_group::{LeaveGroupRequest, MemberIdentity};
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

use super::Caller;

const GROUP: &str = "g";

impl Caller {
    pub fn joins_groups(&mut self) {
        self.find_coordinators();
        let group_id = || GROUP.to_owned();
        let protocol = JoinGroupRequestProtocol { name: "range".to_owned(), ..Default::default() };
        let join = JoinGroupRequest {
            group_id: group_id(),
            session_timeout_ms: 30_000,
            member_id: "unknown".to_owned(),
            protocol_type: "consumer".to_owned(),
            protocols: vec![protocol],
            ..Default::default()
        };
        self.ask("a group", &join);
        self.ask(
            "a group",
            &SyncGroupRequest { group_id: group_id(), generation_id: 1, ..Default::default() },
        );
        let named = SyncGroupRequest {
            group_id: group_id(),
            protocol_type: Some("consumer".to_owned()),
            protocol_name: Some("range".to_owned()),
            ..Default::default()
        };
        self.ask("a group by its protocol", &named);
        self.ask("a group", &HeartbeatRequest { group_id: group_id(), ..Default::default() });
        let member_id = || "unknown".to_owned();
        self.ask(
            "a group",
            &LeaveGroupRequest { group_id: group_id(), member_id: member_id(), ..Default::default() },
        );
        let members = vec![MemberIdentity { member_id: member_id(), ..Default::default() }];
        self.ask(
            "several of a group",
            &LeaveGroupRequest { group_id: group_id(), members, ..Default::default() },
        );
    }

    pub fn find_coordinators(&mut self) {
        for (key, key_type) in [(GROUP, 0), ("tx", 1)] {
            self.ask("a coordinator", &FindCoordinatorRequest { key: key.to_owned(), key_type });
        }
    }

    pub fn commits_and_fetches_offsets(&mut self) {
        self.commit_offsets();
        self.fetch_offsets();
        self.describe_and_list_groups();
        self.delete_offsets();
        self.delete_groups();
    }

    pub fn commit_offsets(&mut self) {
        let topics = ["yours", "mine", "no-such"].map(|name| OffsetCommitRequestTopic {
            name: name.to_owned(),
            partitions: vec![OffsetCommitRequestPartition {
                committed_offset: 5,
                committed_metadata: Some(String::new()),
                ..Default::default()
            }],
        });
        let request =
            OffsetCommitRequest { group_id: GROUP.to_owned(), topics: topics.to_vec(), ..Default::default() };
        self.ask_sorted("offsets", &request, |it| it.topics.sort_by(|a, b| a.name.cmp(&b.name)));
    }

    pub fn fetch_offsets(&mut self) {
        let topics = ["yours", "mine"]
            .map(|name| OffsetFetchRequestTopic { name: name.to_owned(), partition_indexes: vec![0] });
        let of = |topics| OffsetFetchRequest { group_id: GROUP.to_owned(), topics, ..Default::default() };
        self.ask_sorted("offsets", &of(Some(topics.to_vec())), |it| {
            it.topics.sort_by(|a, b| a.name.cmp(&b.name));
        });
        self.ask_sorted("all offsets", &of(None), |it| it.topics.sort_by(|a, b| a.name.cmp(&b.name)));
    }

    pub fn describe_and_list_groups(&mut self) {
        let groups = vec![GROUP.to_owned(), "other".to_owned()];
        for include_authorized_operations in [false, true] {
            let request = DescribeGroupsRequest { groups: groups.clone(), include_authorized_operations };
            self.ask(if include_authorized_operations { "and operations" } else { "groups" }, &request);
        }
        self.ask("groups", &ListGroupsRequest::default());
    }

    pub fn delete_offsets(&mut self) {
        let topics = ["yours", "mine", "no-such"].map(|name| OffsetDeleteRequestTopic {
            name: name.to_owned(),
            partitions: vec![OffsetDeleteRequestPartition::default()],
        });
        let request = OffsetDeleteRequest { group_id: GROUP.to_owned(), topics: topics.to_vec() };
        self.ask_sorted("offsets", &request, |it| it.topics.sort_by(|a, b| a.name.cmp(&b.name)));
    }

    pub fn delete_groups(&mut self) {
        let groups_names = ["other", GROUP, "other"].map(str::to_owned).to_vec();
        self.ask_sorted("groups", &DeleteGroupsRequest { groups_names }, |it| {
            it.results.sort_by(|a, b| a.group_id.cmp(&b.group_id));
        });
    }

    pub fn takes_part_in_transactions(&mut self) {
        self.init_producer_ids();
        self.add_partitions();
        self.add_offsets();
        self.commit_offsets_in_a_transaction();
        let transactional_id = "tx".to_owned();
        self.ask("a transaction", &EndTxnRequest { transactional_id, producer_id: 99, ..Default::default() });
    }

    pub fn init_producer_ids(&mut self) {
        let plain = InitProducerIdRequest {
            transactional_id: None,
            transaction_timeout_ms: 1000,
            ..Default::default()
        };
        self.ask_sorted("of no transactions", &plain, |it| it.producer_id = it.producer_id.min(0));
        let of_id = InitProducerIdRequest { transactional_id: Some("tx".to_owned()), ..plain };
        self.ask_sorted("of transactions", &of_id, |it| {
            it.producer_id = it.producer_id.min(0);
        });
    }

    pub fn add_partitions(&mut self) {
        let topics = ["mine", "yours", "no-such"]
            .map(|name| AddPartitionsToTxnTopic { name: name.to_owned(), partitions: vec![0, 1] });
        for topics in [&topics[..], &topics[..1]] {
            let request = AddPartitionsToTxnRequest {
                transactional_id: "tx".to_owned(),
                producer_id: 99,
                producer_epoch: 0,
                topics: topics.to_vec(),
            };
            self.ask_sorted("partitions", &request, |it| {
                it.results.sort_by(|a, b| a.name.cmp(&b.name));
                it.results.iter_mut().for_each(|it| it.results.sort_by_key(|it| it.partition_index));
            });
        }
    }

    pub fn add_offsets(&mut self) {
        let request = AddOffsetsToTxnRequest {
            transactional_id: "tx".to_owned(),
            group_id: GROUP.to_owned(),
            producer_id: 99,
            producer_epoch: 0,
        };
        self.ask("offsets", &request);
    }

    pub fn commit_offsets_in_a_transaction(&mut self) {
        let topics = ["yours", "mine"].map(|name| TxnOffsetCommitRequestTopic {
            name: name.to_owned(),
            partitions: vec![TxnOffsetCommitRequestPartition {
                committed_metadata: Some(String::new()),
                ..Default::default()
            }],
        });
        let request = TxnOffsetCommitRequest {
            transactional_id: "tx".to_owned(),
            group_id: GROUP.to_owned(),
            producer_id: 99,
            topics: topics.to_vec(),
            ..Default::default()
        };
        self.ask_sorted("offsets", &request, |it| it.topics.sort_by(|a, b| a.name.cmp(&b.name)));
    }
}
