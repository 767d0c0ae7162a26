//! Crowds of groups and of members: what they cost is bounded, they are forgotten, and other clients are served
//! meanwhile.

use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::frame::read_response;
use barnabas::wire::message::Request;
use barnabas::wire::message::describe_groups::DescribeGroupsRequest;
use barnabas::wire::message::find_coordinator::FindCoordinatorRequest;
use barnabas::wire::message::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use barnabas::wire::message::list_groups::ListGroupsRequest;
use barnabas::wire::message::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use bytes::Bytes;

use crate::connections::{Client, make_topic, request};
use crate::groups::{describe, fetch, find};
use crate::misbehaviour::resident;
use crate::support::{Broker, Chroot, Connection, eventually};

const SOON: Duration = Duration::from_secs(60);
/// How long the members of the crowds may be silent, in milliseconds.
const SESSION: i32 = 6_000;
const SETTINGS: &[(&str, &str)] = &[
    ("group.max.size", "400"),
    ("offsets.topic.num.partitions", "1"),
    // A group without members and offsets is forgotten at the next check.
    ("offsets.retention.check.interval.ms", "4000"),
];

/// A broker with topic `t` whose groups are loaded, and a connection to it.
fn start(chroot: &Chroot) -> (Broker, Connection) {
    let broker = Broker::start_with(1, &chroot.connect(), SETTINGS);
    make_topic(&broker, "t");
    let mut connection = Connection::to(broker.port).unwrap().with_patience(SOON);
    eventually("the groups have a coordinator", SOON, || find(&mut connection));
    eventually("it has loaded", SOON, || (fetch(&mut connection) == (-1, 0)).then_some(()));
    (broker, connection)
}

fn is_served(connection: &mut Connection) {
    connection.produce("t", "value", 1).expect("an answer").expect("it is taken");
}

fn join(group: &str, metadata: usize) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol { name: "range".to_owned(), metadata: vec![0; metadata].into() };
    JoinGroupRequest {
        group_id: group.to_owned(),
        session_timeout_ms: SESSION,
        rebalance_timeout_ms: 60_000,
        protocol_type: "consumer".to_owned(),
        protocols: vec![protocol],
        ..Default::default()
    }
}

/// The next answer, to a request of this type.
fn answer<R: Request>(client: &mut Client, version: i16) -> R::Response {
    read_response::<R>(Bytes::from(client.answer_frame()), version).expect("a valid answer").1
}

/// A coordinator that many groups ask: how many, and what each may cost it in bytes.
struct ManyGroups<'a> {
    broker: &'a Broker,
    connection: &'a mut Connection,
}

impl ManyGroups<'_> {
    const GROUPS: usize = 10_000;

    /// Sends a request for each group, many at once, and checks each answer; what the broker's memory grew by for each
    /// group, in bytes.
    fn ask<R: Request>(
        &mut self,
        version: i16,
        ask: impl Fn(&str) -> R,
        check: impl Fn(R::Response),
    ) -> usize {
        const AT_ONCE: usize = 500;
        let before = resident(self.broker);
        let mut client = Client::to(self.broker.port);
        for first in (0..Self::GROUPS).step_by(AT_ONCE) {
            let requests = (first..first + AT_ONCE).map(|number| ask(&format!("a-group-{number}")));
            client.send(&requests.flat_map(|asked| request(version, 1, &asked)).collect::<Vec<_>>());
            is_served(self.connection);
            (0..AT_ONCE).for_each(|_| check(answer::<R>(&mut client, version)));
        }
        let grown = usize::try_from(resident(self.broker).saturating_sub(before)).unwrap();
        println!("{}: {} bytes a group", R::KEY.name(), grown / Self::GROUPS);
        grown / Self::GROUPS
    }
}

#[test]
fn many_group_ids_cost_little_and_are_forgotten_at_the_next_check() {
    let chroot = Chroot::new();
    let (broker, mut connection) = start(&chroot);
    let mut groups = ManyGroups { broker: &broker, connection: &mut connection };
    let find = |group: &str| FindCoordinatorRequest { key: group.to_owned(), key_type: 0 };
    let found = groups.ask(3, find, |answer| assert_eq!(answer.error_code, 0));
    assert!(found < 256, "who asks for a coordinator is not kept: {found} bytes");
    let required = ErrorCode::MemberIdRequired.code();
    let joined = groups.ask(7, |group| join(group, 10), |answer| assert_eq!(answer.error_code, required));
    assert!(joined < 4096, "a group that waits for its first member takes {joined} bytes");
    let listed =
        |connection: &mut Connection| connection.call(&ListGroupsRequest::default(), 4).unwrap().groups.len();
    eventually("the groups without members are gone", SOON, || (listed(&mut connection) == 0).then_some(()));

    let commit = |group: &str| {
        let partition = OffsetCommitRequestPartition {
            committed_offset: 1,
            committed_leader_epoch: -1,
            ..Default::default()
        };
        OffsetCommitRequest {
            group_id: group.to_owned(),
            generation_id: -1,
            topics: vec![OffsetCommitRequestTopic { name: "t".to_owned(), partitions: vec![partition] }],
            ..Default::default()
        }
    };
    let mut groups = ManyGroups { broker: &broker, connection: &mut connection };
    let kept = groups.ask(8, commit, |answer| assert_eq!(answer.topics[0].partitions[0].error_code, 0));
    assert!(kept < 4096, "a group with an offset takes {kept} bytes");
    assert_eq!(listed(&mut connection), ManyGroups::GROUPS);
}

#[test]
fn a_crowd_that_joins_at_once_is_one_generation_as_large_as_a_group_may_be() {
    const MEMBERS: usize = 500;
    let chroot = Chroot::new();
    let (broker, mut connection) = start(&chroot);
    let mut members: Vec<_> = (0..MEMBERS).map(|_| Client::to(broker.port)).collect();
    let join = request(3, 1, &join("g", 2048));
    members.iter_mut().for_each(|member| member.send(&join));
    is_served(&mut connection);
    let answers: Vec<_> = members.iter_mut().map(|it| answer::<JoinGroupRequest>(it, 3)).collect();
    let full = ErrorCode::GroupMaxSizeReached.code();
    assert_eq!(answers.iter().filter(|answer| answer.error_code == full).count(), MEMBERS - 400);
    let joined: Vec<_> = answers.iter().filter(|answer| answer.error_code == 0).collect();
    assert!(joined.len() == 400 && joined.iter().all(|answer| answer.generation_id == 1));
    let leaders: Vec<_> = joined.iter().filter(|answer| answer.member_id == answer.leader).collect();
    assert_eq!((leaders.len(), leaders[0].members.len()), (1, 400));

    // Each answer has the subscriptions of all members, 800 KiB; these ask for fifty and read none.
    let before = resident(&broker);
    let asked = DescribeGroupsRequest { groups: vec!["g".to_owned()], ..Default::default() };
    let asked: Vec<u8> = (0..50).flat_map(|number| request(5, number, &asked)).collect();
    let mut deaf: Vec<_> = (0..20).map(|_| Client::to(broker.port)).collect();
    deaf.iter_mut().for_each(|client| client.send(&asked));
    for _ in 0..20 {
        is_served(&mut connection);
        describe(&mut connection);
    }
    let grown = resident(&broker).saturating_sub(before);
    assert!(grown < 100 << 20, "20 deaf clients hold {grown} bytes");
    drop(deaf);
    eventually("the silent members are given up", SOON, || {
        (describe(&mut connection).group_state == "Empty").then_some(())
    });
}
