use super::*;
use crate::base::Assignment;

const STAT: Stat = Stat {
    czxid: 0,
    mzxid: 0,
    pzxid: 0,
    ctime: 0,
    mtime: 0,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeral_owner: 0,
    data_length: 0,
    num_children: 0,
};

fn data(path: &str, data: Option<(&[u8], Stat)>) -> ZnodeChange {
    let data = data.map(|(bytes, stat)| (Bytes::copy_from_slice(bytes), stat));
    ZnodeChange::Data { path: path.to_owned(), data, generation: 1 }
}

#[test]
fn the_path_of_what_is_watched_leads_back_to_its_event() {
    let partition = TopicPartition::new("a.b-c", 12);
    let (mut watching, state) = (Watching::new(1, 1), ClusterState::default());
    let mut event = |watched: Watched| {
        let change = data(&path(&watched), Some((b"", STAT)));
        format!("{:?}", watching.event(change, 7, &state).unwrap().unwrap())
    };
    assert_eq!(event(Watched::Broker(3)), "BrokerChanged(3)");
    assert_eq!(event(Watched::Topic("t".into())), "TopicChanged(\"t\")");
    assert_eq!(event(Watched::State(partition.clone())), format!("IsrChanged({partition:?})"));
}

#[test]
fn a_topic_at_the_version_that_is_known_has_not_changed() {
    let (mut watching, mut state) = (Watching::new(1, 1), ClusterState::default());
    state.topic_mut(&"t".into()).znode_version = 4;
    let mut changed = |version| {
        let change = data("/brokers/topics/t", Some((b"", Stat { version, ..STAT })));
        watching.event(change, 7, &state).unwrap().is_some()
    };
    assert!(!changed(4));
    assert!(changed(5));
}

#[test]
fn a_controller_resigns_when_the_znode_is_not_its_own() {
    let (mut watching, state) = (Watching::new(1, 1), ClusterState::default());
    let own = controller::encode(1, 0);
    let stat = Stat { ephemeral_owner: 7, ..STAT };
    assert!(matches!(watching.event(data(controller::PATH, Some((&own, stat))), 7, &state), Ok(None)));
    let others = controller::encode(2, 0);
    for found in [None, Some((&own[..], STAT)), Some((&others[..], stat))] {
        let over = watching.event(data(controller::PATH, found), 7, &state);
        assert!(matches!(over, Err(TermOver::Replaced)), "{found:?}");
    }
}

#[test]
fn a_removal_by_the_controller_is_no_reassignment_request() {
    let (mut watching, mut state) = (Watching::new(1, 1), ClusterState::default());
    let partition = TopicPartition::new("t", 0);
    state.set_assignment(&partition, Assignment::new(vec![1]).reassign_to(&[2]));
    state.reassigning.insert(partition.clone());
    let listed = reassign_partitions::encode(&[(partition, vec![2])]);
    let mut requested = |found: Option<i64>| {
        let found = found.map(|czxid| (&listed[..], Stat { czxid, ..STAT }));
        watching.event(data(reassign_partitions::PATH, found), 7, &state).unwrap().is_some()
    };
    // It was handled at the election, then rewritten, deleted, and created anew.
    assert!(!requested(Some(5)));
    assert!(!requested(Some(5)));
    assert!(!requested(None));
    assert!(requested(Some(8)));
}
