//! Groups on real brokers: members join, share, leave and die; offsets outlive brokers and coordinators.

use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::delete_groups::DeleteGroupsRequest;
use barnabas::wire::message::delete_topics::DeleteTopicsRequest;
use barnabas::wire::message::describe_groups::{DescribeGroupsRequest, DescribedGroup};
use barnabas::wire::message::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use barnabas::wire::message::heartbeat::HeartbeatRequest;
use barnabas::wire::message::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use barnabas::wire::message::leave_group::{LeaveGroupRequest, LeaveGroupResponse, MemberIdentity};
use barnabas::wire::message::list_groups::ListGroupsRequest;
use barnabas::wire::message::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use barnabas::wire::message::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestTopic};
use barnabas::wire::message::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse};
use bytes::Bytes;

use crate::support::cluster::Brokers;
use crate::support::{Broker, Chroot, Connection, eventually};

const SOON: Duration = Duration::from_secs(60);
/// A subscription of version 0 to topic `t`, as clients write it.
const SUBSCRIPTION: &[u8] = b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff";
const QUICK: &[(&str, &str)] =
    &[("group.initial.rebalance.delay.ms", "0"), ("offsets.topic.num.partitions", "3")];

fn code(error: ErrorCode) -> i16 {
    error.code()
}

/// A client that is, or wants to be, a member of group `g`.
pub struct Member {
    /// To the coordinator.
    pub connection: Connection,
    id: String,
    instance: Option<String>,
    generation: i32,
}

impl Member {
    fn at(port: u16) -> Self {
        let connection = Connection::to(port).unwrap().with_patience(SOON);
        Self { connection, id: String::new(), instance: None, generation: -1 }
    }

    fn named(port: u16, instance: &str) -> Self {
        Self { instance: Some(instance.to_owned()), ..Self::at(port) }
    }

    /// Joins once, with what it knows.
    pub fn join_once(&mut self) -> JoinGroupResponse {
        let protocol =
            JoinGroupRequestProtocol { name: "range".to_owned(), metadata: Bytes::from_static(SUBSCRIPTION) };
        let request = JoinGroupRequest {
            group_id: "g".to_owned(),
            session_timeout_ms: 10_000,
            rebalance_timeout_ms: 10_000,
            member_id: self.id.clone(),
            group_instance_id: self.instance.clone(),
            protocol_type: "consumer".to_owned(),
            protocols: vec![protocol],
        };
        self.connection.call(&request, 7).expect("an answer to JoinGroup")
    }

    /// Joins with the id that it is given.
    fn join(&mut self) -> JoinGroupResponse {
        let mut joined = self.join_once();
        if joined.error_code == code(ErrorCode::MemberIdRequired) {
            self.id = joined.member_id;
            joined = self.join_once();
        }
        assert_eq!(joined.error_code, 0, "{joined:?}");
        self.id = joined.member_id.clone();
        self.generation = joined.generation_id;
        joined
    }

    /// Brings an assignment where it leads, and takes its own.
    pub fn sync(&mut self, assignments: &[(&str, &str)]) -> SyncGroupResponse {
        let assignments = assignments.iter().map(|(member, assignment)| SyncGroupRequestAssignment {
            member_id: (*member).to_owned(),
            assignment: Bytes::copy_from_slice(assignment.as_bytes()),
        });
        let request = SyncGroupRequest {
            group_id: "g".to_owned(),
            generation_id: self.generation,
            member_id: self.id.clone(),
            group_instance_id: self.instance.clone(),
            protocol_type: Some("consumer".to_owned()),
            protocol_name: Some("range".to_owned()),
            assignments: assignments.collect(),
        };
        self.connection.call(&request, 5).expect("an answer to SyncGroup")
    }

    /// Sends a heartbeat; the error.
    pub fn heartbeat(&mut self) -> i16 {
        let request = HeartbeatRequest {
            group_id: "g".to_owned(),
            generation_id: self.generation,
            member_id: self.id.clone(),
            group_instance_id: self.instance.clone(),
        };
        self.connection.call(&request, 4).expect("an answer to Heartbeat").error_code
    }

    /// Commits an offset of `t-0`; the error.
    pub fn commit(&mut self, offset: i64) -> i16 {
        let partition = OffsetCommitRequestPartition {
            committed_offset: offset,
            committed_leader_epoch: 0,
            committed_metadata: Some("note".to_owned()),
            ..Default::default()
        };
        let topic = OffsetCommitRequestTopic { name: "t".to_owned(), partitions: vec![partition] };
        let request = OffsetCommitRequest {
            group_id: "g".to_owned(),
            generation_id: self.generation,
            member_id: self.id.clone(),
            group_instance_id: self.instance.clone(),
            topics: vec![topic],
            ..Default::default()
        };
        self.connection.call(&request, 8).expect("an answer to OffsetCommit").topics[0].partitions[0]
            .error_code
    }

    /// Leaves; the whole answer.
    pub fn leave_group(&mut self) -> LeaveGroupResponse {
        let member = MemberIdentity { member_id: self.id.clone(), group_instance_id: self.instance.clone() };
        let request =
            LeaveGroupRequest { group_id: "g".to_owned(), members: vec![member], ..Default::default() };
        self.connection.call(&request, 4).expect("an answer to LeaveGroup")
    }

    fn leave(&mut self) -> i16 {
        self.leave_group().members[0].error_code
    }
}

/// The coordinator of the group, where it is known.
pub fn find(connection: &mut Connection) -> Option<FindCoordinatorResponse> {
    let request = FindCoordinatorRequest { key: "g".to_owned(), key_type: 0 };
    connection.call(&request, 3).filter(|found| found.error_code == 0)
}

/// The offset of `t-0`, with the error of the group or of the partition.
pub fn fetch(connection: &mut Connection) -> (i64, i16) {
    let topic = OffsetFetchRequestTopic { name: "t".to_owned(), partition_indexes: vec![0] };
    let request =
        OffsetFetchRequest { group_id: "g".to_owned(), topics: Some(vec![topic]), require_stable: true };
    let response = connection.call(&request, 7).expect("an answer to OffsetFetch");
    match response.topics.first() {
        Some(topic) => (topic.partitions[0].committed_offset, topic.partitions[0].error_code),
        None => (-1, response.error_code),
    }
}

/// The group, as its coordinator describes it.
pub fn describe(connection: &mut Connection) -> DescribedGroup {
    let request =
        DescribeGroupsRequest { groups: vec!["g".to_owned()], include_authorized_operations: false };
    connection.call(&request, 5).expect("an answer to DescribeGroups").groups.remove(0)
}

fn listed(connection: &mut Connection, states: &[&str]) -> Vec<(String, String)> {
    let states_filter = states.iter().map(|state| (*state).to_owned()).collect();
    let response = connection.call(&ListGroupsRequest { states_filter }, 4).expect("an answer to ListGroups");
    assert_eq!(response.error_code, 0);
    response.groups.into_iter().map(|group| (group.group_id, group.group_state)).collect()
}

/// A broker that coordinates `g`, with topic `t`.
fn coordinator(chroot: &Chroot) -> Broker {
    let broker = Broker::start_with(1, &chroot.connect(), QUICK);
    let mut connection = Connection::to(broker.port).unwrap();
    eventually("the topic has a leader", SOON, || connection.has_leader("t").filter(|led| *led));
    eventually("the group has a coordinator", SOON, || find(&mut connection));
    eventually("it has loaded", SOON, || (fetch(&mut connection) == (-1, 0)).then_some(()));
    broker
}

/// Two members of one generation, the leader first, each with its assignment.
pub fn two_members(port: u16) -> [Member; 2] {
    let mut one = Member::at(port);
    assert_eq!(one.join().leader, one.id);
    one.sync(&[(&one.id.clone(), "all")]);
    let mut other = Member::at(port);
    let joining = std::thread::spawn(move || {
        other.join();
        other
    });
    eventually("the group rebalances", SOON, || {
        (one.heartbeat() == code(ErrorCode::RebalanceInProgress)).then_some(())
    });
    let joined = one.join();
    let mut other = joining.join().unwrap();
    let members: Vec<_> = joined.members.iter().map(|it| (&*it.member_id, &*it.metadata)).collect();
    let mut expected = [(&*one.id, SUBSCRIPTION), (&*other.id, SUBSCRIPTION)];
    expected.sort_unstable();
    assert_eq!(members, expected, "the leader knows all");
    assert_eq!((one.generation, other.generation), (2, 2));
    let (of_one, of_other) = (one.id.clone(), other.id.clone());
    let syncing = std::thread::spawn(move || (other.sync(&[]), other));
    assert_eq!(&*one.sync(&[(&of_one, "first"), (&of_other, "second")]).assignment, b"first");
    let (synced, other) = syncing.join().unwrap();
    assert_eq!((synced.error_code, &*synced.assignment), (0, &b"second"[..]));
    [one, other]
}

#[test]
fn members_share_a_generation_and_leave_it() {
    let chroot = Chroot::new();
    let broker = coordinator(&chroot);
    let [mut one, mut other] = two_members(broker.port);
    assert_eq!((one.heartbeat(), other.heartbeat()), (0, 0));
    assert_eq!(one.commit(5), 0);
    let mut connection = Connection::to(broker.port).unwrap();
    assert_eq!(fetch(&mut connection), (5, 0));
    let group = describe(&mut connection);
    assert_eq!(
        (&*group.group_state, &*group.protocol_type, &*group.protocol_data),
        ("Stable", "consumer", "range")
    );
    let described = group.members.iter().find(|member| member.member_id == one.id).unwrap();
    assert_eq!((&*described.client_id, &*described.client_host), ("test", "/127.0.0.1"));
    assert_eq!((&*described.member_metadata, &*described.member_assignment), (SUBSCRIPTION, &b"first"[..]));
    assert_eq!(listed(&mut connection, &["Stable"]), [("g".to_owned(), "Stable".to_owned())]);
    assert_eq!(listed(&mut connection, &["Empty"]), []);
    let delete = DeleteGroupsRequest { groups_names: vec!["g".to_owned()] };
    let delete = |connection: &mut Connection| connection.call(&delete, 2).unwrap().results[0].error_code;
    assert_eq!(delete(&mut connection), code(ErrorCode::NonEmptyGroup));

    assert_eq!(other.leave(), 0);
    assert_eq!(one.heartbeat(), code(ErrorCode::RebalanceInProgress));
    assert_eq!(one.commit(6), 0, "before it joins anew");
    assert_eq!(one.join().generation_id, 3);
    assert_eq!(one.commit(7), code(ErrorCode::RebalanceInProgress), "it has no assignment yet");
    assert_eq!((one.leave(), other.leave()), (0, code(ErrorCode::UnknownMemberId)));
    assert_eq!(describe(&mut connection).group_state, "Empty");
    assert_eq!(delete(&mut connection), 0);
    assert_eq!((describe(&mut connection).group_state, fetch(&mut connection)), ("Dead".to_owned(), (-1, 0)));
}

#[test]
fn offsets_and_members_outlive_a_restart() {
    let chroot = Chroot::new();
    let mut broker = coordinator(&chroot);
    let [mut one, other] = two_members(broker.port);
    assert_eq!(one.commit(5), 0);
    broker.kill();
    broker.restart();
    let mut connection = Connection::to(broker.port).unwrap();
    eventually("the coordinator has loaded", SOON, || (fetch(&mut connection) == (5, 0)).then_some(()));
    let group = describe(&mut connection);
    let assignment = |id: &str| {
        let member = group.members.iter().find(|member| member.member_id == id);
        member.map(|member| String::from_utf8_lossy(&member.member_assignment).into_owned())
    };
    assert_eq!(assignment(&one.id).as_deref(), Some("first"));
    assert_eq!(assignment(&other.id).as_deref(), Some("second"));
    one.connection = Connection::to(broker.port).unwrap();
    assert_eq!((one.heartbeat(), one.commit(6)), (0, 0), "the generation goes on");
}

#[test]
fn a_static_member_comes_back_to_its_assignment_and_fences_its_double() {
    let chroot = Chroot::new();
    let broker = coordinator(&chroot);
    let mut double = Member::named(broker.port, "worker");
    double.join();
    assert!(double.id.starts_with("worker-"), "{}", double.id);
    assert_eq!(&*double.sync(&[(&double.id.clone(), "mine")]).assignment, b"mine");
    let mut back = Member::named(broker.port, "worker");
    let joined = back.join();
    assert_eq!((joined.generation_id, back.id == double.id), (double.generation, false));
    assert_eq!(joined.leader, double.id, "the id of before, so that it does not assign");
    assert_eq!(&*back.sync(&[]).assignment, b"mine");
    let fenced = code(ErrorCode::FencedInstanceId);
    assert_eq!((double.heartbeat(), double.commit(1), double.leave()), (fenced, fenced, fenced));
    assert_eq!((double.sync(&[]).error_code, double.join_once().error_code), (fenced, fenced));
    assert_eq!((back.heartbeat(), back.commit(1)), (0, 0));
}

#[test]
fn offsets_go_with_their_topic() {
    let chroot = Chroot::new();
    let broker = coordinator(&chroot);
    assert_eq!(Member::at(broker.port).commit(5), 0, "by a consumer that assigns itself its partitions");
    let mut connection = Connection::to(broker.port).unwrap();
    assert_eq!(fetch(&mut connection), (5, 0));
    let request = DeleteTopicsRequest { topic_names: vec!["t".to_owned()], timeout_ms: 30_000 };
    assert_eq!(connection.call(&request, 4).unwrap().responses[0].error_code, 0);
    eventually("the offset is gone", SOON, || (fetch(&mut connection) == (-1, 0)).then_some(()));
    assert_eq!(listed(&mut connection, &[]), [], "and with its last offset the group");
}

#[test]
fn a_group_goes_on_where_its_coordinator_dies() {
    let settings = [QUICK, &[("offsets.topic.replication.factor", "3")]].concat();
    let mut brokers = Brokers::start(3, &settings);
    brokers.create_topic("t", "1:2:3", &[]);
    let mut connection = brokers.connection(1);
    let found = eventually("the group has a coordinator", SOON, || find(&mut connection));
    let port = u16::try_from(found.port).unwrap();
    eventually("it has loaded", SOON, || (fetch(&mut Connection::to(port)?) == (-1, 0)).then_some(()));
    let [mut one, mut other] = two_members(port);
    assert_eq!(one.commit(5), 0, "all replicas have it");
    let elsewhere = (1..=3).find(|id| *id != found.node_id).unwrap();
    let mut connection = brokers.connection(elsewhere);
    assert_eq!(fetch(&mut connection), (-1, code(ErrorCode::NotCoordinator)));
    brokers.broker(found.node_id).kill();
    let next = eventually("another broker coordinates", SOON, || {
        find(&mut connection).filter(|next| next.node_id != found.node_id)
    });
    let port = u16::try_from(next.port).unwrap();
    one.connection = Connection::to(port).unwrap().with_patience(SOON);
    other.connection = Connection::to(port).unwrap().with_patience(SOON);
    eventually("it has loaded", SOON, || (fetch(&mut one.connection) == (5, 0)).then_some(()));
    assert_eq!((one.heartbeat(), other.heartbeat()), (0, 0), "the generation goes on");
    assert_eq!(one.commit(6), 0);
    assert_eq!(fetch(&mut other.connection), (6, 0));
}
