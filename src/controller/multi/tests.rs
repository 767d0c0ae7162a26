use super::*;
use crate::base::{LeaderAndIsr, TopicPartition};
use crate::controller::state::Leadership;

/// The version of `/controller_epoch`.
const VERSION: i32 = 4;

fn state() -> Write {
    let leader_and_isr = LeaderAndIsr { zk_version: 6, ..LeaderAndIsr::initial(1, vec![1, 2]) };
    Write::SetState(TopicPartition::new("t", 0), Leadership { leader_and_isr, controller_epoch: 3 })
}

fn failed(index: Option<usize>, source: ZkError) -> Result<Vec<OpResult>, MultiError> {
    Err(MultiError { index, source })
}

#[test]
fn every_write_but_those_of_features_checks_the_epoch_first() {
    let ops = operations(&state(), VERSION, Map::new());
    assert_eq!(ops[0], Op::Check { path: "/controller_epoch".to_owned(), version: VERSION });
    let Op::Set { path, version, .. } = &ops[1] else { panic!("{ops:?}") };
    assert_eq!((&**path, *version, ops.len()), ("/brokers/topics/t/partitions/0/state", Some(6), 2));
    assert_eq!(operations(&Write::CreateFeature { enabled: true }, VERSION, Map::new()).len(), 1);
}

#[test]
fn fields_of_newer_versions_are_written_back() {
    let others = Map::from_iter([("leader_recovery_state".to_owned(), Value::from(1))]);
    let ops = operations(&state(), VERSION, others);
    let Op::Set { data, .. } = &ops[1] else { panic!("{ops:?}") };
    assert!(String::from_utf8_lossy(data).contains("\"leader_recovery_state\":1"));
}

#[test]
fn a_refused_check_is_the_end_of_the_term_and_a_refused_write_is_an_outcome() {
    let done = Ok(vec![OpResult::Done, OpResult::Set { version: 7 }]);
    assert_eq!(outcome(done, &state()), Ok(Outcome::Ok(7)));
    assert_eq!(outcome(failed(Some(0), ZkError::BadVersion), &state()), Err(Stopped::Moved));
    assert_eq!(outcome(failed(Some(1), ZkError::BadVersion), &state()), Ok(Outcome::BadVersion));
    let expired = failed(None, ZkError::SessionExpired);
    assert_eq!(outcome(expired, &state()), Err(Stopped::Failed(ZkError::SessionExpired)));
    let feature = Write::CreateFeature { enabled: true };
    assert_eq!(outcome(failed(Some(0), ZkError::NodeExists), &feature), Ok(Outcome::NodeExists));
}
