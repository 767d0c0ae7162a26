//! Writes whose answers were lost, and what is found afterwards.

use zookeeper_client::Stat;

use super::*;

const SESSION: i64 = 7;

fn stat(version: i32, ephemeral_owner: i64) -> Stat {
    Stat {
        czxid: 1,
        mzxid: 1,
        pzxid: 1,
        ctime: 0,
        mtime: 0,
        version,
        cversion: 0,
        aversion: 0,
        ephemeral_owner,
        data_length: 0,
        num_children: 0,
    }
}

/// A znode that was found: data, version, owner.
type ZnodeFound = Option<(&'static str, i32, i64)>;

fn found(entries: &[(&str, ZnodeFound)]) -> BTreeMap<String, Read> {
    let read = |entry: ZnodeFound| entry.map(|(data, version, owner)| (data.into(), stat(version, owner)));
    entries.iter().map(|(path, entry)| ((*path).to_owned(), read(*entry))).collect()
}

fn create(path: &str, data: &str, mode: CreateMode) -> Op {
    Op::Create { path: path.to_owned(), data: data.into(), mode }
}

fn set(path: &str, data: &str, version: Option<i32>) -> Op {
    Op::Set { path: path.to_owned(), data: data.into(), version }
}

#[test]
fn a_registration_is_recognised_only_in_its_own_session() {
    let ops = [create("/b", "", CreateMode::Ephemeral), set("/b", "x", Some(0))];
    assert_eq!(paths(&ops), ["/b"]);
    let done = Some(vec![OpResult::Done, OpResult::Set { version: 1 }]);
    assert_eq!(results(&ops, &found(&[("/b", Some(("x", 1, SESSION)))]), SESSION), done);
    assert_eq!(results(&ops, &found(&[("/b", Some(("x", 1, 8)))]), SESSION), None);
    assert_eq!(results(&ops, &found(&[("/b", None)]), SESSION), None);
}

#[test]
fn the_same_data_at_another_version_is_not_our_write() {
    let ops = [Op::Check { path: "/epoch".to_owned(), version: 3 }, set("/s", "x", Some(4))];
    assert_eq!(paths(&ops), ["/s"], "a check leaves nothing behind");
    let done = Some(vec![OpResult::Done, OpResult::Set { version: 5 }]);
    assert_eq!(results(&ops, &found(&[("/s", Some(("x", 5, 0)))]), SESSION), done);
    assert_eq!(results(&ops, &found(&[("/s", Some(("x", 4, 0)))]), SESSION), None);
    assert_eq!(results(&ops, &found(&[("/s", Some(("y", 5, 0)))]), SESSION), None);
}

#[test]
fn a_deletion_is_done_where_nothing_is_left() {
    let ops = [set("/a", "x", None), Op::Delete { path: "/a".to_owned(), version: None }];
    assert_eq!(results(&ops[1..], &found(&[("/a", None)]), SESSION), Some(vec![OpResult::Done]));
    assert_eq!(results(&ops[1..], &found(&[("/a", Some(("x", 0, 0)))]), SESSION), None);
}

#[test]
fn a_write_is_sent_again_only_in_its_own_session() {
    let mut attempt = Attempt::default();
    assert_eq!(attempt.admit(2), Ok(()));
    assert!(!attempt.is_doubtful());
    attempt.lose();
    assert_eq!(attempt.admit(2), Ok(()));
    assert!(attempt.is_doubtful());
    assert_eq!(attempt.admit(3), Err(ZkError::SessionExpired));
}
