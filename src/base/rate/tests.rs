use super::*;

#[test]
fn what_happens_at_once_is_measured_over_the_windows_that_might_have_passed() {
    let mut rate = Rate::new(11, 1000);
    for _ in 0..20 {
        rate.record(1.0, 5_000);
    }
    assert_eq!(rate.measure(5_000), 2.0);
    assert_eq!(rate.throttle(2.0, 5_000), 0);
    // (2 - 1) / 1 of ten seconds.
    assert_eq!(rate.throttle(1.0, 5_000), 10_000);
    assert_eq!(rate.throttle(0.0, 5_000), Millis::MAX);
}

#[test]
fn samples_that_are_too_old_count_no_more() {
    let mut rate = Rate::new(2, 1000);
    rate.record(10.0, 0);
    rate.record(1.0, 1_500);
    assert_eq!(rate.measure(1_500), 11.0 / 1.5);
    assert_eq!(rate.measure(2_000), 1.0 / 1.5);
    assert_eq!(rate.measure(9_000), 0.0);
}
