use super::*;

fn end(epoch: LeaderEpoch, offset: Offset) -> EpochEnd {
    EpochEnd { epoch, offset }
}

fn truncated(to: Offset) -> Truncation {
    Truncation { to, complete: true }
}

#[test]
fn the_same_epoch_on_both_sides_ends_where_it_ends_first() {
    assert_eq!(
        by_epoch(end(3, 20), 5, 30, |epoch| Some(end(epoch, 30))),
        truncated(20),
        "the leader has less of it"
    );
    assert_eq!(
        by_epoch(end(3, 20), 5, 15, |epoch| Some(end(epoch, 15))),
        truncated(15),
        "the leader has more of it"
    );
    assert_eq!(
        by_epoch(end(3, 20), 5, 12, |epoch| Some(end(epoch, 15))),
        truncated(12),
        "never past the end"
    );
}

#[test]
fn an_epoch_unknown_here_asks_for_another_round() {
    let first = by_epoch(end(3, 20), 5, 40, |_| Some(end(2, 18)));
    assert_eq!(first, Truncation { to: 18, complete: false });
    assert_eq!(by_epoch(end(2, 10), 5, 18, |epoch| Some(end(epoch, 18))), truncated(10));
}

#[test]
fn a_log_without_such_old_epochs_is_truncated_to_the_leaders_offset() {
    assert_eq!(by_epoch(end(1, 20), 5, 40, |_| None), truncated(20));
    assert_eq!(by_epoch(end(1, 50), 5, 40, |_| None), truncated(40));
}

#[test]
fn without_the_leaders_epochs_the_high_watermark_decides() {
    assert_eq!(by_epoch(end(-1, -1), 5, 40, |_| Some(end(7, 40))), truncated(5));
}

#[test]
fn a_leader_of_version_0_answers_without_an_epoch() {
    assert_eq!(by_epoch(end(-1, 20), 5, 40, |_| Some(end(7, 40))), truncated(20));
    assert_eq!(by_epoch(end(-1, 60), 5, 40, |_| Some(end(7, 40))), truncated(40));
}

#[test]
fn out_of_range_goes_on_where_the_leader_is() {
    assert_eq!(Reset::by_leader_end(40, 30), Some(Reset::TruncateTo(30)));
    assert_eq!(Reset::by_leader_end(40, 40), None);
    assert_eq!(Reset::by_leader_start(40, 50), Reset::StartAt(50));
    assert_eq!(Reset::by_leader_start(40, 40), Reset::FetchFrom(40));
    assert_eq!(Reset::by_leader_start(40, 10).fetch_offset(), 40);
}
