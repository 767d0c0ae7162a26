//! Consumer groups: their offsets, their members, their end.

use barnabas::client::OffsetAndMetadata;
use barnabas::client::admin::{
    ConsumerGroupDescription, ConsumerGroupState, DescribeConsumerGroupsOptions, ListConsumerGroupsOptions,
    MemberToRemove,
};
use barnabas::client::metadata::{CoordinatorKind, Target};
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use barnabas::wire::message::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};
use bytes::Bytes;

use super::{Stage, code, codes, partition};

/// An assignment of partition 0 of topic `a`, as consumers write it.
const ASSIGNMENT: &[u8] = b"\0\x01\0\0\0\x01\0\x01a\0\0\0\x01\0\0\0\0\xff\xff\xff\xff";
/// A subscription to topic `a`.
const SUBSCRIPTION: &[u8] = b"\0\x01\0\0\0\x01\0\x01a\xff\xff\xff\xff\0\0\0\0";

impl Stage {
    pub async fn groups(&self) {
        self.offsets_of_a_group().await;
        self.members_of_a_group().await;
    }

    async fn group(&self, id: &str) -> ConsumerGroupDescription {
        let asked = DescribeConsumerGroupsOptions::default().include_authorized_operations();
        self.admin.describe_consumer_groups([id], asked).await.all().unwrap().into_values().next().unwrap()
    }

    async fn offsets_of_a_group(&self) {
        let (first, second) = (partition("a", 0), partition("a", 1));
        let offset = OffsetAndMetadata { offset: 3, leader_epoch: Some(0), metadata: "by hand".to_owned() };
        let offsets = [(first.clone(), offset.clone()), (second.clone(), OffsetAndMetadata::new(4))];
        self.admin.alter_consumer_group_offsets("g", offsets).await.all().unwrap();
        let listed = self.admin.list_consumer_group_offsets("g", None).await.unwrap().all().unwrap();
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[&first].as_ref(), Some(&offset));
        let asked = [second.clone(), partition("a", 2)].into();
        let listed = self.admin.list_consumer_group_offsets("g", Some(asked)).await.unwrap().all().unwrap();
        assert_eq!(
            listed.values().map(|it| it.as_ref().map(|it| it.offset)).collect::<Vec<_>>(),
            [Some(4), None]
        );

        let group = self.group("g").await;
        assert_eq!((group.state, group.is_simple_consumer_group), (ConsumerGroupState::Empty, true));
        assert_eq!(group.authorized_operations.map(|it| it.len()), Some(3));
        assert_eq!(self.group("missing").await.state, ConsumerGroupState::Dead);
        let listed = self.admin.list_consumer_groups(ListConsumerGroupsOptions::default()).await.unwrap();
        assert!(listed.errors.is_empty());
        assert_eq!(listed.valid["g"].state, Some(ConsumerGroupState::Empty));
        assert!(listed.valid["g"].is_simple_consumer_group);
        let stable = ListConsumerGroupsOptions::in_states([ConsumerGroupState::Stable]);
        assert!(self.admin.list_consumer_groups(stable).await.unwrap().valid.is_empty());

        self.admin.delete_consumer_group_offsets("g", [first.clone()]).await.all().unwrap();
        let listed = self.admin.list_consumer_group_offsets("g", None).await.unwrap();
        assert_eq!(listed.keys().collect::<Vec<_>>(), [&second]);
        let results = self.admin.delete_consumer_group_offsets("missing", [first]).await;
        assert_eq!(codes(&results), [ErrorCode::GroupIdNotFound]);
        let results = self.admin.delete_consumer_groups(["g", "missing"]).await;
        assert_eq!(codes(&results), [ErrorCode::None, ErrorCode::GroupIdNotFound]);
        assert_eq!(self.group("g").await.state, ConsumerGroupState::Dead);
    }

    async fn join(&self, group: &str, member_id: &str, instance: Option<&str>) -> JoinGroupResponse {
        let request = JoinGroupRequest {
            group_id: group.to_owned(),
            session_timeout_ms: 30_000,
            rebalance_timeout_ms: 30_000,
            member_id: member_id.to_owned(),
            group_instance_id: instance.map(str::to_owned),
            protocol_type: "consumer".to_owned(),
            protocols: vec![JoinGroupRequestProtocol {
                name: "range".to_owned(),
                metadata: Bytes::from_static(SUBSCRIPTION),
            }],
        };
        let target = Target::Coordinator(CoordinatorKind::Group, group.into());
        self.admin.cluster().call(&target, &request).await.unwrap()
    }

    /// Joins a group as its only member, takes partition 0 of topic `a`, and gives the member's id.
    async fn join_alone(&self, group: &str, instance: Option<&str>) -> String {
        let mut joined = self.join(group, "", instance).await;
        if ErrorCode::from_code(joined.error_code) == ErrorCode::MemberIdRequired {
            joined = self.join(group, &joined.member_id, instance).await;
        }
        assert_eq!(joined.error_code, 0);
        let member_id = joined.member_id;
        let assignment = Bytes::from_static(ASSIGNMENT);
        let request = SyncGroupRequest {
            group_id: group.to_owned(),
            generation_id: joined.generation_id,
            member_id: member_id.clone(),
            group_instance_id: instance.map(str::to_owned),
            protocol_type: Some("consumer".to_owned()),
            protocol_name: Some("range".to_owned()),
            assignments: vec![SyncGroupRequestAssignment { member_id: member_id.clone(), assignment }],
        };
        let target = Target::Coordinator(CoordinatorKind::Group, group.into());
        assert_eq!(self.admin.cluster().call(&target, &request).await.unwrap().error_code, 0);
        member_id
    }

    async fn members_of_a_group(&self) {
        let member_id = self.join_alone("members", None).await;
        let group = self.group("members").await;
        assert_eq!((group.state, group.partition_assignor.as_str()), (ConsumerGroupState::Stable, "range"));
        let member = &group.members[0];
        assert_eq!((&member.member_id, member.client_id.as_str()), (&member_id, "administration"));
        assert_eq!((member.host.as_str(), &member.group_instance_id), ("/127.0.0.1", &None));
        assert_eq!(member.assignment, [partition("a", 0)].into());
        let offsets = [(partition("a", 0), OffsetAndMetadata::new(1))];
        let results = self.admin.alter_consumer_group_offsets("members", offsets).await;
        assert_eq!(codes(&results), [ErrorCode::UnknownMemberId], "it has members");
        assert_eq!(codes(&self.admin.delete_consumer_groups(["members"]).await), [ErrorCode::NonEmptyGroup]);
        let stable = ListConsumerGroupsOptions::in_states([ConsumerGroupState::Stable]);
        let listed = self.admin.list_consumer_groups(stable).await.unwrap().valid;
        assert!(listed.len() == 1 && !listed["members"].is_simple_consumer_group);

        let (gone, stranger) =
            (MemberToRemove::Dynamic(member_id), MemberToRemove::Static("stranger".to_owned()));
        let results =
            self.admin.remove_members_from_consumer_group("members", [gone.clone(), stranger.clone()]).await;
        assert_eq!(code(&results[&gone]), ErrorCode::None);
        assert_eq!(code(&results[&stranger]), ErrorCode::UnknownMemberId);
        assert_eq!(self.group("members").await.state, ConsumerGroupState::Empty);

        self.join_alone("members", Some("instance")).await;
        assert_eq!(self.group("members").await.members[0].group_instance_id.as_deref(), Some("instance"));
        let removed =
            self.admin.remove_all_members_from_consumer_group("members").await.unwrap().all().unwrap();
        assert_eq!(removed.into_keys().collect::<Vec<_>>(), [MemberToRemove::Static("instance".to_owned())]);
        assert_eq!(self.group("members").await.state, ConsumerGroupState::Empty);
    }
}
