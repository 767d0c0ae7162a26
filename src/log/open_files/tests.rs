//! Slots that are closed in turn, and what has no descriptor.

use super::*;

fn slots() -> Arc<Slots> {
    Arc::new(Slots::default())
}

fn open(files: &OpenFiles, slots: &Arc<Slots>, at: usize) {
    files.admit(slots, at, Arc::new(tempfile::tempfile().unwrap()));
}

/// Which of some slots are open; looking is no use.
fn are_open(all: &[Arc<Slots>]) -> Vec<bool> {
    all.iter().map(|slots| slots[0].file.load().is_some()).collect()
}

#[test]
fn no_more_files_are_open_than_the_limit_allows() {
    let files = OpenFiles::new(|| 20);
    let all: Vec<_> = (0..100).map(|_| slots()).collect();
    for slots in &all {
        open(&files, slots, 0);
        assert!(are_open(&all).into_iter().filter(|open| *open).count() <= 20);
    }
    assert_eq!(are_open(&all).into_iter().filter(|open| *open).count(), 20);
    assert_eq!(files.entries.lock().len(), 20);
}

#[test]
fn what_is_used_again_and_again_stays_open() {
    let files = OpenFiles::new(|| 20);
    let busy = slots();
    open(&files, &busy, 0);
    let idle: Vec<_> = (0..200).map(|_| slots()).collect();
    for slots in &idle {
        open(&files, slots, 1);
        assert!(busy[0].get().is_some());
    }
}

#[test]
fn files_that_are_being_sent_keep_their_descriptors_until_they_are_released() {
    let files = OpenFiles::new(|| 20);
    let sent: Vec<_> = (0..20).map(|_| slots()).collect();
    sent.iter().for_each(|slots| open(&files, slots, 0));
    let held: Vec<_> = sent.iter().map(|slots| slots[0].get().unwrap()).collect();
    assert!(!files.shed(), "nothing is won by closing them");
    assert!(!files.is_crowded());
    let more: Vec<_> = (0..3).map(|_| slots()).collect();
    more.iter().for_each(|slots| open(&files, slots, 0));
    assert!(files.is_crowded());
    assert!(held.iter().all(|file| file.metadata().is_ok()));
    drop(held);
    open(&files, &slots(), 0);
    assert!(!files.is_crowded());
    assert_eq!(files.entries.lock().len(), 20);
    while files.shed() {}
    assert!(are_open(&sent).into_iter().all(|open| !open));
}

#[test]
fn slots_whose_segment_is_gone_take_no_room() {
    let files = OpenFiles::new(|| 20);
    for _ in 0..19 {
        open(&files, &slots(), 0);
    }
    let all: Vec<_> = (0..19).map(|_| slots()).collect();
    for slots in &all {
        open(&files, slots, 0);
    }
    assert!(are_open(&all).into_iter().all(|open| open));
}

#[test]
fn a_missing_descriptor_is_no_failed_disk() {
    let error = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
    assert!(is_exhausted(&error(Errno::MFILE)) && is_exhausted(&error(Errno::NFILE)));
    assert!(!is_exhausted(&error(Errno::IO)) && !is_exhausted(&io::Error::other("x")));
    let refused = retry(|| Err::<(), _>(error(Errno::MFILE))).unwrap_err();
    assert!(is_exhausted(&refused), "an end, also where nothing helps");
}
