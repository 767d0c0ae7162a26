use super::*;

#[test]
fn enough_is_more_than_allowed_a_second() {
    let mut throttle = ReplicationThrottle::new(11, 1000);
    throttle.record(1 << 30, 0);
    assert!(!throttle.is_exceeded(0), "nothing was bounded");
    throttle.allow(1000);
    assert!(throttle.is_exceeded(0));
    assert!(!throttle.is_exceeded(11_000), "that is long ago");
    throttle.record(1000, 11_000);
    assert!(!throttle.is_exceeded(11_000), "no more than allowed");
    throttle.record(1, 11_000);
    assert!(throttle.is_exceeded(11_000));
    assert!(!throttle.is_exceeded(12_100));
}

#[test]
fn nothing_allowed_holds_back_what_follows() {
    let mut throttle = ReplicationThrottle::new(11, 1000);
    throttle.allow(0);
    assert!(!throttle.is_exceeded(0));
    throttle.record(1, 0);
    assert!(throttle.is_exceeded(0));
}

#[test]
fn replicas_are_named_one_by_one_or_all() {
    let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    assert!(is_throttled(&list("*"), 3, 1));
    assert!(is_throttled(&list("0:1,3:2"), 3, 2));
    assert!(!is_throttled(&list("0:1,3:2"), 3, 1));
    assert!(!is_throttled(&list("0:1,3:2"), 0, 2));
    assert!(!is_throttled(&[], 0, 1));
}
