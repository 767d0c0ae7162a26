//! What a member of a group sends.

use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::find_coordinator::FindCoordinatorRequest;
use barnabas::wire::message::heartbeat::HeartbeatRequest;
use barnabas::wire::message::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use barnabas::wire::message::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use barnabas::wire::message::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};
use bytes::Bytes;

use crate::members::{LIMIT, Members};
use crate::support::{Connection, eventually};

/// Before members had to ask for their id first.
const JOIN: i16 = 3;
const SYNC: i16 = 2;
const HEARTBEAT: i16 = 2;
/// The subscription of a member, and its assignment: bytes of a consumer of a few topics.
const METADATA: usize = 200;
/// Between two heartbeats of a member that waits for the others.
const PAUSE: Duration = Duration::from_millis(2);

/// The kinds of keys that FindCoordinator knows.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    Group,
    TransactionalId,
}

/// A connection to the broker that coordinates, once there is one.
pub fn coordinator(members: &Members, key: &str, kind: Key) -> (i32, Connection) {
    let request = FindCoordinatorRequest { key: key.to_owned(), key_type: kind as i8 };
    let alive = members.alive();
    eventually("there is a coordinator", LIMIT, || {
        let answer = members.connection(*alive.last()?).call(&request, 2)?;
        let is_known = answer.error_code == 0 && alive.contains(&answer.node_id);
        is_known.then(|| (answer.node_id, members.connection(answer.node_id)))
    })
}

/// A member of a group.
pub struct Member {
    pub group: String,
    pub id: String,
    pub generation: i32,
    /// What fills its subscription. A coordinator in whose stable group a member joins with another one rebalances.
    pub subscription: u8,
}

impl Member {
    pub fn new(group: &str) -> Self {
        Self { group: group.to_owned(), id: String::new(), generation: -1, subscription: 0 }
    }

    fn join(&mut self, connection: &mut Connection, session: Duration) -> JoinGroupResponse {
        let session_timeout_ms = session.as_millis() as i32;
        let mut request = JoinGroupRequest {
            group_id: self.group.clone(),
            session_timeout_ms,
            rebalance_timeout_ms: session_timeout_ms,
            member_id: self.id.clone(),
            group_instance_id: None,
            protocol_type: "consumer".to_owned(),
            protocols: vec![JoinGroupRequestProtocol {
                name: "range".to_owned(),
                metadata: Bytes::from(vec![self.subscription; METADATA]),
            }],
        };
        loop {
            let answer = connection.call(&request, JOIN).expect("an answer to JoinGroup");
            if ErrorCode::from_code(answer.error_code) == ErrorCode::UnknownMemberId {
                // The coordinator has given it up; a consumer begins anew.
                request.member_id.clear();
            } else if !is_loading(answer.error_code) {
                assert_eq!(answer.error_code, 0, "{answer:?}");
                (self.id, self.generation) = (answer.member_id.clone(), answer.generation_id);
                return answer;
            }
        }
    }

    /// Asks for its assignment, and brings those of all where it leads: whether the generation still stands.
    fn sync(&mut self, connection: &mut Connection, joined: &JoinGroupResponse) -> bool {
        let assigned = |member_id: &String| SyncGroupRequestAssignment {
            member_id: member_id.clone(),
            assignment: Bytes::from(vec![2; METADATA]),
        };
        let request = SyncGroupRequest {
            group_id: self.group.clone(),
            generation_id: self.generation,
            member_id: self.id.clone(),
            assignments: joined.members.iter().map(|it| assigned(&it.member_id)).collect(),
            ..Default::default()
        };
        let answer = connection.call(&request, SYNC).expect("an answer to SyncGroup");
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => true,
            ErrorCode::RebalanceInProgress | ErrorCode::UnknownMemberId => false,
            error => panic!("SyncGroup: {error:?}"),
        }
    }
}

impl Member {
    /// Joins, and takes its assignment.
    pub fn join_and_sync(&mut self, connection: &mut Connection, session: Duration) -> JoinGroupResponse {
        loop {
            let joined = self.join(connection, session);
            if self.sync(connection, &joined) {
                return joined;
            }
        }
    }

    /// Joins until all of so many members are in one generation, which the leader of the group notes in `whole`.
    pub fn gather(&mut self, connection: &mut Connection, whole: &AtomicI32, size: usize, session: Duration) {
        loop {
            let joined = self.join_and_sync(connection, session);
            if joined.members.len() == size {
                whole.store(joined.generation_id, Ordering::SeqCst);
            }
            while self.is_in_generation(connection) {
                if whole.load(Ordering::SeqCst) == self.generation {
                    return;
                }
                thread::sleep(PAUSE);
            }
        }
    }

    /// Whether its generation still stands, by a heartbeat.
    pub fn is_in_generation(&self, connection: &mut Connection) -> bool {
        let request = HeartbeatRequest {
            group_id: self.group.clone(),
            generation_id: self.generation,
            member_id: self.id.clone(),
            group_instance_id: None,
        };
        let answer = connection.call(&request, HEARTBEAT).expect("an answer to Heartbeat");
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => true,
            ErrorCode::RebalanceInProgress => false,
            error => panic!("Heartbeat: {error:?}"),
        }
    }
}

/// Whether a coordinator has to be asked again, as it is still loading.
pub fn is_loading(code: i16) -> bool {
    matches!(
        ErrorCode::from_code(code),
        ErrorCode::CoordinatorLoadInProgress | ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable
    )
}

/// A commit of an offset in so many partitions, by a consumer that assigns them to itself.
pub fn commit(group: &str, topic: &str, partitions: i32, offset: i64) -> OffsetCommitRequest {
    let partition = |partition_index| OffsetCommitRequestPartition {
        partition_index,
        committed_offset: offset,
        committed_metadata: Some(String::new()),
        ..Default::default()
    };
    let topics = vec![OffsetCommitRequestTopic {
        name: topic.to_owned(),
        partitions: (0..partitions).map(partition).collect(),
    }];
    OffsetCommitRequest { group_id: group.to_owned(), generation_id: -1, topics, ..Default::default() }
}
