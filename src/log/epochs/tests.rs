//! The rules of the epoch cache, as examples.

use super::*;

fn epochs(entries: &[(LeaderEpoch, Offset)]) -> Epochs {
    Epochs {
        entries: entries.iter().map(|&(epoch, start_offset)| EpochEntry { epoch, start_offset }).collect(),
    }
}

#[test]
fn an_epoch_is_noted_once() {
    let mut cache = Epochs::default();
    assert!(cache.assign(2, 11));
    assert!(!cache.assign(2, 15), "a later offset of the same epoch says nothing new");
    assert!(cache.assign(3, 20));
    assert_eq!(cache, epochs(&[(2, 11), (3, 20)]));
    assert!(!cache.assign(-1, 30) && !cache.assign(4, -1));
}

#[test]
fn entries_that_contradict_a_new_one_go() {
    let mut cache = epochs(&[(1, 5), (3, 10), (4, 20)]);
    assert!(cache.assign(3, 7));
    assert_eq!(cache, epochs(&[(1, 5), (3, 7)]));
    assert!(cache.assign(5, 4));
    assert_eq!(cache, epochs(&[(5, 4)]));
    assert!(cache.assign(2, 9), "an older epoch at a later offset replaces what contradicts it");
    assert_eq!(cache, epochs(&[(2, 9)]));
}

#[test]
fn an_epoch_ends_where_the_next_begins() {
    let cache = epochs(&[(2, 11), (4, 20), (7, 30)]);
    assert_eq!(cache.end_offset_for(7, 42), Some(EpochEnd { epoch: 7, offset: 42 }));
    assert_eq!(cache.end_offset_for(4, 42), Some(EpochEnd { epoch: 4, offset: 30 }));
    assert_eq!(
        cache.end_offset_for(5, 42),
        Some(EpochEnd { epoch: 4, offset: 30 }),
        "the largest known one below an unknown one"
    );
    assert_eq!(
        cache.end_offset_for(1, 42),
        Some(EpochEnd { epoch: 1, offset: 11 }),
        "older than all: where the first begins"
    );
    assert_eq!(cache.end_offset_for(8, 42), None);
    assert_eq!(cache.end_offset_for(-1, 42), None);
    assert_eq!(
        cache.end_offset_for(-5, 42),
        Some(EpochEnd { epoch: -5, offset: 11 }),
        "only -1 stands for none"
    );
    assert_eq!(Epochs::default().end_offset_for(0, 42), None);
}

#[test]
fn truncation_keeps_what_lies_within() {
    let mut cache = epochs(&[(2, 6), (3, 8), (4, 11)]);
    assert!(!cache.truncate_from_end(12));
    assert!(cache.truncate_from_end(11));
    assert_eq!(cache, epochs(&[(2, 6), (3, 8)]));
    assert!(cache.truncate_from_start(9));
    assert_eq!(cache, epochs(&[(3, 9)]), "the epoch in progress moves to the start");
    assert!(!cache.truncate_from_start(5));
}

#[test]
fn truncation_at_the_start_of_the_first_epoch_changes_nothing() {
    let mut cache = epochs(&[(2, 6), (3, 8)]);
    assert!(!cache.truncate_from_start(6), "as when a log is opened");
    assert!(cache.truncate_from_start(8), "an epoch goes, the other begins where it began");
    assert_eq!(cache, epochs(&[(3, 8)]));
}

#[test]
fn recovery_notes_later_epochs_than_it_knows() {
    let mut cache = epochs(&[(1, 0), (4, 20)]);
    assert!(!cache.note_recovered(1, 5) && !cache.note_recovered(4, 20));
    assert!(cache.note_recovered(7, 20));
    assert!(!cache.note_recovered(6, 30));
    assert_eq!(cache, epochs(&[(1, 0), (7, 20)]));
    assert!(cache.note_recovered(8, 31));
    assert_eq!(cache.first_missing_in(&epochs(&[(1, 0), (4, 20)])), Some(20));
    assert_eq!(epochs(&[(1, 0)]).first_missing_in(&cache), None);
}

/// What recovery makes of an older file and of batches, one an offset, each of the epoch that it was written in.
fn recovered(written: &Epochs, of_batches: &[(LeaderEpoch, Offset)]) -> Epochs {
    let mut found = written.clone();
    for &(epoch, offset) in of_batches {
        found.note_recovered(epoch, offset);
    }
    found
}

#[test]
fn what_recovery_finds_again_need_not_be_written() {
    let written = epochs(&[(1, 0), (4, 20)]);
    for (now, batches, is_found) in [
        (epochs(&[(1, 0), (4, 20)]), vec![(4, 20)], true),
        (epochs(&[(1, 0), (4, 20), (7, 30), (8, 31)]), vec![(4, 20), (7, 30), (8, 31)], true),
        (epochs(&[(1, 0), (7, 20)]), vec![(1, 19), (7, 20), (7, 21)], true),
        (epochs(&[(1, 0), (7, 25)]), vec![(1, 19), (7, 25)], false),
        (epochs(&[(1, 0), (3, 20), (7, 25)]), vec![(3, 20), (7, 25)], false),
        (epochs(&[(1, 0), (7, 25)]), vec![(1, 20), (7, 25)], false),
        (epochs(&[(1, 0)]), vec![(1, 20)], false),
        (epochs(&[(3, 0)]), vec![(3, 0)], false),
    ] {
        assert_eq!(now.are_found_again_from(&written), is_found, "{now:?}");
        assert_eq!(recovered(&written, &batches) == now, is_found, "{now:?} of {batches:?}");
    }
    let first = epochs(&[(1, 0)]);
    assert!(first.are_found_again_from(&Epochs::default()));
    assert_eq!(recovered(&Epochs::default(), &[(1, 0), (1, 1)]), first);
    assert!(Epochs::default().are_found_again_from(&Epochs::default()));
}
