use super::*;

fn follower(broker: BrokerId, rack: &str, end: Offset, behind: Millis) -> ReplicaView {
    ReplicaView { broker, rack: Some(rack.to_owned()), log_start: 5, log_end: end, behind }
}

fn choose(offset: Offset, replicas: &[ReplicaView]) -> Option<BrokerId> {
    select("a", Some("b"), offset, replicas)
}

#[test]
fn a_leader_in_the_rack_serves_itself() {
    let near = [follower(2, "a", 10, 0)];
    assert_eq!(select("b", Some("b"), 7, &near), None);
    assert_eq!(select("a", Some("b"), 7, &near), Some(2));
    assert_eq!(select("", Some("b"), 7, &near), None, "a client without a rack");
}

#[test]
fn only_a_follower_in_the_rack_that_has_the_offset_is_named() {
    assert_eq!(choose(7, &[follower(2, "c", 10, 0)]), None);
    assert_eq!(choose(11, &[follower(2, "a", 10, 0)]), None, "it is not there yet");
    assert_eq!(choose(10, &[follower(2, "a", 10, 0)]), Some(2));
    assert_eq!(choose(4, &[follower(2, "a", 10, 0)]), None, "it has deleted that");
}

#[test]
fn of_several_the_one_that_has_most_is_named() {
    let near = [follower(2, "a", 10, 0), follower(3, "a", 12, 500), follower(4, "a", 12, 100)];
    assert_eq!(choose(7, &near), Some(4));
    let even = [follower(2, "a", 10, 0), follower(3, "a", 10, 0)];
    assert_eq!(choose(7, &even), Some(3));
}
