//! What clients of groups should not send, and some of what they should, at every version: answered as by Kafka 2.7.2,
//! whose answers were recorded. `RECORD_FROM=port` records them anew from a broker of Kafka's with the settings below.

mod markers;
mod rebalances;

use std::time::Duration;

use barnabas::wire::message::delete_groups::DeleteGroupsRequest;
use barnabas::wire::message::describe_groups::DescribeGroupsRequest;
use barnabas::wire::message::find_coordinator::FindCoordinatorRequest;
use barnabas::wire::message::heartbeat::HeartbeatRequest;
use barnabas::wire::message::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use barnabas::wire::message::leave_group::{LeaveGroupRequest, MemberIdentity};
use barnabas::wire::message::list_groups::ListGroupsRequest;
use barnabas::wire::message::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use barnabas::wire::message::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use barnabas::wire::message::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestTopic};
use barnabas::wire::message::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};
use barnabas::wire::message::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use bytes::Bytes;

use crate::support::scene::{Scene, compare_with_recorded};
use crate::support::{Connection, eventually};

const SOON: Duration = Duration::from_secs(30);
const SETTINGS: &[(&str, &str)] = &[
    ("group.initial.rebalance.delay.ms", "0"),
    ("group.max.size", "2"),
    ("offsets.topic.num.partitions", "1"),
    ("offset.metadata.max.bytes", "10"),
];
const SUBSCRIPTION: &[u8] = b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff";

impl Scene {
    /// Asks what groups are, and from version 3 on what the client may do with them.
    fn ask_describe(&mut self, note: &str, groups: &[&str]) {
        let include = |include_authorized_operations| DescribeGroupsRequest {
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            include_authorized_operations,
        };
        self.ask_at(0..=2, note, &include(false));
        self.ask_at(3..=5, note, &include(true));
    }
}

fn join(group: &str, member: &str, instance: Option<&str>) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: group.to_owned(),
        session_timeout_ms: 30_000,
        rebalance_timeout_ms: 30_000,
        member_id: member.to_owned(),
        group_instance_id: instance.map(str::to_owned),
        protocol_type: "consumer".to_owned(),
        protocols: vec![protocol("range", SUBSCRIPTION)],
    }
}

fn protocol(name: &str, metadata: &'static [u8]) -> JoinGroupRequestProtocol {
    JoinGroupRequestProtocol { name: name.to_owned(), metadata: Bytes::from_static(metadata) }
}

fn sync(group: &str, member: &str, generation_id: i32) -> SyncGroupRequest {
    SyncGroupRequest {
        group_id: group.to_owned(),
        generation_id,
        member_id: member.to_owned(),
        protocol_type: Some("consumer".to_owned()),
        protocol_name: Some("range".to_owned()),
        ..Default::default()
    }
}

fn heartbeat(group: &str, member: &str, generation_id: i32) -> HeartbeatRequest {
    HeartbeatRequest {
        group_id: group.to_owned(),
        generation_id,
        member_id: member.to_owned(),
        group_instance_id: None,
    }
}

fn leave(group: &str, members: &[(&str, Option<&str>)]) -> LeaveGroupRequest {
    let members = members.iter().map(|(member, instance)| MemberIdentity {
        member_id: (*member).to_owned(),
        group_instance_id: instance.map(str::to_owned),
    });
    LeaveGroupRequest { group_id: group.to_owned(), members: members.collect(), ..Default::default() }
}

fn commit(group: &str, member: &str, generation_id: i32, topic: &str, metadata: &str) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition {
        committed_offset: 5,
        committed_leader_epoch: 3,
        committed_metadata: Some(metadata.to_owned()),
        ..Default::default()
    };
    OffsetCommitRequest {
        group_id: group.to_owned(),
        generation_id,
        member_id: member.to_owned(),
        topics: vec![OffsetCommitRequestTopic { name: topic.to_owned(), partitions: vec![partition] }],
        ..Default::default()
    }
}

fn commit_in_transaction(
    group: &str,
    member: &str,
    generation_id: i32,
    topic: &str,
) -> TxnOffsetCommitRequest {
    let partition = TxnOffsetCommitRequestPartition {
        committed_offset: 7,
        committed_leader_epoch: 3,
        committed_metadata: Some(String::new()),
        ..Default::default()
    };
    TxnOffsetCommitRequest {
        transactional_id: "transactions".to_owned(),
        group_id: group.to_owned(),
        producer_id: 77,
        producer_epoch: 1,
        generation_id,
        member_id: member.to_owned(),
        topics: vec![TxnOffsetCommitRequestTopic { name: topic.to_owned(), partitions: vec![partition] }],
        ..Default::default()
    }
}

fn fetch(group: &str, topics: Option<&[(&str, &[i32])]>) -> OffsetFetchRequest {
    let topics = topics.map(|topics| {
        let topics = topics.iter().map(|(name, partitions)| OffsetFetchRequestTopic {
            name: (*name).to_owned(),
            partition_indexes: partitions.to_vec(),
        });
        topics.collect()
    });
    OffsetFetchRequest { group_id: group.to_owned(), topics, require_stable: false }
}

fn delete_offset(group: &str, topic: &str, partition_index: i32) -> OffsetDeleteRequest {
    let partitions = vec![OffsetDeleteRequestPartition { partition_index }];
    OffsetDeleteRequest {
        group_id: group.to_owned(),
        topics: vec![OffsetDeleteRequestTopic { name: topic.to_owned(), partitions }],
    }
}

fn describe(groups: &[&str]) -> DescribeGroupsRequest {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    DescribeGroupsRequest { groups, include_authorized_operations: true }
}

fn delete(groups: &[&str]) -> DeleteGroupsRequest {
    DeleteGroupsRequest { groups_names: groups.iter().map(|group| (*group).to_owned()).collect() }
}

impl Scene {
    fn find_coordinators(&mut self) {
        let find = |key_type| FindCoordinatorRequest { key: "g".to_owned(), key_type };
        self.ask_each("of a group", &find(0));
        for version in 1..=3 {
            self.ask("of an unknown kind", version, &find(2));
        }
    }

    fn ask_unknown_groups(&mut self) {
        for group in ["", "unknown"] {
            let note = |what: &str| format!("{what}, group {group:?}");
            self.ask_each(&note("member"), &join(group, "m", None));
            self.ask_each(&note("member"), &sync(group, "m", 1));
            self.ask_each(&note("member"), &heartbeat(group, "m", 1));
            for version in 0..=2 {
                let leave = LeaveGroupRequest { member_id: "m".to_owned(), ..leave(group, &[]) };
                self.ask(&note("member"), version, &leave);
            }
            for version in 3..=4 {
                self.ask(&note("no member"), version, &leave(group, &[]));
                self.ask(&note("members"), version, &leave(group, &[("m", None), ("", Some("i"))]));
            }
            for version in 1..=8 {
                self.ask(&note("generation 1"), version, &commit(group, "m", 1, "t", ""));
            }
            self.ask_each(&note("generation 1"), &commit_in_transaction(group, "", -1, "no-such"));
            self.ask_each(&note("partitions"), &fetch(group, Some(&[("t", &[0, 9]), ("no-such", &[0])])));
            self.ask_each(&note("no topics"), &fetch(group, Some(&[])));
            for version in 2..=7 {
                self.ask(&note("all"), version, &fetch(group, None));
            }
            self.ask_each(&note("partition"), &delete_offset(group, "t", 0));
            self.ask_each(&note("partition of no topic"), &delete_offset(group, "no-such", 0));
            self.ask_describe(&note("one"), &[group]);
            self.ask_each(&note("twice"), &delete(&[group, group]));
        }
        self.ask_describe("none", &[]);
        self.ask_each("none", &delete(&[]));
    }

    fn join_oddly(&mut self) {
        for (note, session_timeout_ms) in [("short session", 5_999), ("long session", 1_800_001)] {
            self.ask_each(note, &JoinGroupRequest { session_timeout_ms, ..join("sessions", "", None) });
        }
        self.ask_each("no protocol", &JoinGroupRequest { protocols: Vec::new(), ..join("none", "", None) });
        let no_type = JoinGroupRequest { protocol_type: String::new(), ..join("none", "", None) };
        self.ask_each("no protocol type", &no_type);
        self.ask("a group that nobody joined", 5, &describe(&["none"]));
        self.ask_each("which nobody joined", &delete(&["none"]));
    }

    /// A group of one member; its id.
    fn stable(&mut self, group: &str, version: i16, instance: Option<&str>) -> (String, i32) {
        let mut joined = self.ask("first", version, &join(group, "", instance)).unwrap();
        if joined.error_code == 79 {
            joined = self.ask("again", version, &join(group, &joined.member_id, instance)).unwrap();
        }
        let JoinGroupResponse { member_id, generation_id, .. } = joined;
        let assignment = SyncGroupRequestAssignment {
            member_id: member_id.clone(),
            assignment: Bytes::from_static(b"all of it"),
        };
        let stranger = SyncGroupRequestAssignment { member_id: "stranger".to_owned(), ..Default::default() };
        let brought = SyncGroupRequest {
            assignments: vec![assignment, stranger],
            group_instance_id: instance.map(str::to_owned),
            ..sync(group, &member_id, generation_id)
        };
        self.ask("leader", 5, &brought);
        (member_id, generation_id)
    }

    fn ask_a_stable_group(&mut self) {
        for version in 0..=7 {
            let group = format!("joined-at-{version}");
            let (member, _) = self.stable(&group, version, None);
            self.ask("member that leads", version, &join(&group, &member, None));
        }
        let (member, generation) = self.stable("g", 7, None);
        let member = member.as_str();
        let other_protocol =
            JoinGroupRequest { protocols: vec![protocol("sticky", SUBSCRIPTION)], ..join("g", "", None) };
        self.ask_each("protocol that no other member has", &other_protocol);
        let other_type = JoinGroupRequest { protocol_type: "connect".to_owned(), ..join("g", "", None) };
        self.ask_each("other protocol type", &other_type);
        self.ask_each("unknown member", &join("g", "m", None));
        self.ask_each("unknown member", &sync("g", "m", generation));
        self.ask_each("old generation", &sync("g", member, generation - 1));
        self.ask_each("member", &sync("g", member, generation));
        let no_protocol = SyncGroupRequest { protocol_name: None, ..sync("g", member, generation) };
        self.ask_each("no protocol", &no_protocol);
        let other = |text: &str| Some(text.to_owned());
        let other_type =
            SyncGroupRequest { protocol_type: other("connect"), ..sync("g", member, generation) };
        self.ask_each("other protocol type", &other_type);
        let other_name = SyncGroupRequest { protocol_name: other("sticky"), ..sync("g", member, generation) };
        self.ask_each("other protocol", &other_name);
        self.ask_each("unknown member", &heartbeat("g", "m", generation));
        self.ask_each("old generation", &heartbeat("g", member, generation - 1));
        self.ask_each("member", &heartbeat("g", member, generation));
        for version in 0..=8 {
            for (note, commit) in [
                ("member", commit("g", member, generation, "t", "note")),
                ("unknown topic", commit("g", member, generation, "no-such", "")),
                ("long note", commit("g", member, generation, "t", "more than ten")),
                ("ten signs", commit("g", member, generation, "t", "ääääääääää")),
                ("unknown member", commit("g", "m", generation, "t", "")),
                ("old generation", commit("g", member, generation - 1, "t", "")),
                ("no generation", commit("g", "", -1, "t", "")),
                ("no topics", OffsetCommitRequest { topics: Vec::new(), ..commit("g", "", -1, "t", "") }),
            ] {
                self.ask(note, version, &commit);
            }
            self.ask("other group", version, &commit("only-offsets", "", -1, "t", ""));
            self.ask("other group with a member", version, &commit("only-offsets", "m", -1, "t", ""));
            self.ask("other group, generation 0", version, &commit("only-offsets", "m", 0, "t", ""));
        }
        self.ask_each("partitions", &fetch("g", Some(&[("t", &[0, 9])])));
        self.ask_each("partitions, twice", &fetch("g", Some(&[("t", &[0, 0])])));
        self.ask_each("partition that is consumed", &delete_offset("g", "t", 0));
        self.ask_each("partition that is not there", &delete_offset("g", "t", 9));
        self.ask_describe("stable", &["g"]);
        self.ask_each("stable", &delete(&["g"]));
        for states in [&["Stable"][..], &["Empty"], &["stable"], &["NoSuchState", "Dead"]] {
            let states_filter = states.iter().map(|state| (*state).to_owned()).collect();
            let listed = self.connection.call(&ListGroupsRequest { states_filter }, 4).unwrap();
            let mut ids: Vec<_> =
                listed.groups.iter().map(|it| format!("{} {}", it.group_id, it.group_state)).collect();
            ids.sort();
            self.answers.push(format!("LIST_GROUPS {states:?}: {ids:?}"));
        }
        for version in 3..=4 {
            self.ask("a stranger", version, &leave("g", &[("m", None)]));
            self.ask("a stranger's name", version, &leave("g", &[("", Some("m"))]));
        }
        self.ask("a member", 1, &LeaveGroupRequest { member_id: member.to_owned(), ..leave("g", &[]) });
        self.ask(
            "a member that is gone",
            1,
            &LeaveGroupRequest { member_id: member.to_owned(), ..leave("g", &[]) },
        );
        self.ask_each("member that is gone", &heartbeat("g", member, generation));
        self.ask_describe("empty", &["g"]);
        self.ask_each("partition", &delete_offset("only-offsets", "t", 0));
        self.ask_each("empty", &delete(&["g"]));
    }

    fn ask_of_transactions(&mut self) {
        let (member, generation) = self.stable("txn", 7, None);
        self.ask_each("no member, any generation", &commit_in_transaction("txn", "", -1, "t"));
        self.ask("member", 3, &commit_in_transaction("txn", &member, generation, "t"));
        self.ask("unknown member", 3, &commit_in_transaction("txn", "m", generation, "t"));
        self.ask("no member", 3, &commit_in_transaction("txn", "", -1, "t"));
        self.ask("old generation", 3, &commit_in_transaction("txn", &member, generation - 1, "t"));
        self.ask("unknown topic", 3, &commit_in_transaction("txn", "", -1, "no-such"));
        self.ask("any", 7, &fetch("txn", Some(&[("t", &[0])])));
        let stable = OffsetFetchRequest { require_stable: true, ..fetch("txn", Some(&[("t", &[0])])) };
        self.ask("stable", 7, &stable);
        self.ask("all stable", 7, &OffsetFetchRequest { topics: None, ..stable });
    }

    fn ask_static_members(&mut self) {
        let (old, generation) = self.stable("static", 7, Some("i"));
        let back = self.ask("comes back", 7, &join("static", "", Some("i"))).unwrap();
        let new = back.member_id.as_str();
        for (note, member) in [("fenced", old.as_str()), ("static", new)] {
            let instance = || Some("i".to_owned());
            for version in 3..=4 {
                let beat = heartbeat("static", member, generation);
                self.ask(note, version, &HeartbeatRequest { group_instance_id: instance(), ..beat });
            }
            for version in 3..=5 {
                let sync = sync("static", member, generation);
                self.ask(note, version, &SyncGroupRequest { group_instance_id: instance(), ..sync });
            }
            for version in 7..=8 {
                let commit = commit("static", member, generation, "t", "");
                self.ask(note, version, &OffsetCommitRequest { group_instance_id: instance(), ..commit });
            }
            let commit = commit_in_transaction("static", member, generation, "t");
            self.ask(note, 3, &TxnOffsetCommitRequest { group_instance_id: instance(), ..commit });
        }
        self.ask_at(5..=7, "fenced", &join("static", &old, Some("i")));
        self.ask_at(5..=7, "unknown id and name", &join("static", "m", Some("n")));
        let unknown = Some("n".to_owned());
        let beat = heartbeat("static", new, generation);
        self.ask_at(3..=4, "unknown name", &HeartbeatRequest { group_instance_id: unknown.clone(), ..beat });
        let sync = sync("static", new, generation);
        self.ask_at(3..=5, "unknown name", &SyncGroupRequest { group_instance_id: unknown.clone(), ..sync });
        let commit = commit("static", new, generation, "t", "");
        self.ask_at(7..=8, "unknown name", &OffsetCommitRequest { group_instance_id: unknown, ..commit });
        self.ask("other name", 7, &join("static", new, Some("other")));
        self.ask("static", 5, &describe(&["static"]));
        self.ask("fenced", 4, &leave("static", &[(&old, Some("i"))]));
        self.ask("by name", 4, &leave("static", &[("", Some("i"))]));
    }

    fn ask_full_groups(&mut self) {
        let (_, _) = self.stable("full", 3, None);
        let mut other = Connection::to(self.port).unwrap().with_patience(SOON);
        let joining = std::thread::spawn(move || other.call(&join("full", "", None), 3).unwrap());
        let states_filter = || vec!["PreparingRebalance".to_owned()];
        eventually("the group rebalances", SOON, || {
            let request = ListGroupsRequest { states_filter: states_filter() };
            (!self.connection.call(&request, 4)?.groups.is_empty()).then_some(())
        });
        let leader = self.connection.call(&describe(&["full"]), 5).unwrap();
        let members: Vec<_> = leader.groups[0].members.iter().map(|it| it.member_id.clone()).collect();
        self.answers.push(format!("DESCRIBE_GROUPS that rebalances: {} members", members.len()));
        self.ask("member during a rebalance", 4, &heartbeat("full", "m", 1));
        for member in &members {
            self.connection.call(&leave("full", &[(member, None)]), 4).unwrap();
        }
        joining.join().unwrap();
        for at in 0..2 {
            self.ask("gets an id", 5, &join("more", "", None));
            self.answers.push(format!("{at} wait"));
        }
        let mut all = Vec::new();
        let joined = self.ask("third", 3, &join("three", "", None)).unwrap();
        all.push(joined.member_id);
        self.ask("alone", 4, &heartbeat("three", &all[0], 1));
    }
}

/// The answers of the broker at this port, on which topic `t` exists.
fn answers(port: u16) -> Vec<String> {
    prepare(port);
    let mut scene = Scene::at(port);
    scene.find_coordinators();
    scene.ask_unknown_groups();
    scene.join_oddly();
    scene.ask_a_stable_group();
    scene.ask_of_transactions();
    scene.ask_of_markers();
    scene.ask_of_rebalances();
    scene.ask_static_members();
    scene.ask_full_groups();
    scene.answers
}

/// Waits until the broker has topic `t` and has loaded its groups.
fn prepare(port: u16) {
    let mut connection = Connection::to(port).unwrap();
    eventually("the topic has a leader", SOON, || connection.has_leader("t").filter(|led| *led));
    let find = FindCoordinatorRequest { key: "g".to_owned(), key_type: 0 };
    eventually("groups have a coordinator", SOON, || {
        connection.call(&find, 3).filter(|found| found.error_code == 0)
    });
    eventually("it has loaded", SOON, || {
        connection.call(&fetch("g", None), 7).filter(|fetched| fetched.error_code == 0)
    });
}

#[test]
fn odd_requests_of_groups_are_answered_as_kafka_answered_them() {
    compare_with_recorded("tests/cluster/data/odd_group_requests.txt", 600, SETTINGS, answers);
}
