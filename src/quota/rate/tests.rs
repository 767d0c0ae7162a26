use super::*;

#[test]
fn the_first_window_counts_as_a_whole_one() {
    let mut rate = SimpleRate::new(11, 1000);
    rate.record(500.0, 0);
    assert_eq!(rate.per_second(0), 500.0);
    assert_eq!(rate.per_second(500), 500.0);
    assert_eq!(rate.per_second(2000), 250.0);
}

#[test]
fn what_is_older_than_all_windows_is_forgotten() {
    let mut rate = SimpleRate::new(3, 1000);
    rate.record(900.0, 0);
    rate.record(300.0, 1000);
    assert_eq!(rate.per_second(2000), 600.0);
    assert_eq!(rate.per_second(3000), 150.0, "the first window is gone");
    assert_eq!(rate.per_second(9000), 0.0);
}

#[test]
fn there_are_never_more_windows_than_allowed() {
    let mut rate = SimpleRate::new(2, 1000);
    for second in 0..5 {
        rate.record(100.0, second * 1000);
    }
    assert_eq!(rate.per_second(4000), 200.0);
}
