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
