use super::*;

#[test]
fn a_log_is_cleaned_by_one_cleaner_at_a_time() {
    let cleaning = Arc::new(Cleaning::default());
    let turn = cleaning.begin().unwrap();
    assert!(cleaning.begin().is_none());
    assert!(cleaning.try_pause().is_none(), "retention leaves it alone meanwhile");
    drop(turn);
    assert!(cleaning.begin().is_some());
}

#[test]
fn pauses_add_up() {
    let cleaning = Arc::new(Cleaning::default());
    let (first, second) = (cleaning.abort_and_pause(), cleaning.abort_and_pause());
    drop(first);
    assert!(cleaning.begin().is_none());
    drop(second);
    assert!(cleaning.begin().is_some());
}

#[test]
fn a_pause_aborts_the_turn_and_waits_for_its_end() {
    let cleaning = Arc::new(Cleaning::default());
    let turn = cleaning.begin().unwrap();
    assert!(!cleaning.is_aborted());
    let pausing = std::thread::spawn({
        let cleaning = cleaning.clone();
        move || {
            let _pause = cleaning.abort_and_pause();
            assert!(cleaning.begin().is_none());
        }
    });
    // A cleaner that is throttled wakes up for it.
    cleaning.sleep(Duration::from_secs(3600));
    assert!(cleaning.is_aborted());
    drop(turn);
    pausing.join().unwrap();
    assert!(cleaning.begin().is_some());
}

#[test]
fn a_deleted_or_uncleanable_log_gets_no_turn() {
    let cleaning = Arc::new(Cleaning::default());
    cleaning.end();
    assert!(cleaning.begin().is_none());
    let cleaning = Arc::new(Cleaning::default());
    cleaning.mark_uncleanable();
    assert!(cleaning.begin().is_none());
    assert!(cleaning.try_pause().is_some(), "its old segments may be deleted");
}

#[test]
fn a_truncated_log_is_clean_up_to_there_at_most() {
    let cleaning = Cleaning::default();
    cleaning.truncated_to(3);
    assert_eq!(cleaning.clean_offset(), None);
    cleaning.set_clean_offset(10);
    cleaning.truncated_to(12);
    assert_eq!(cleaning.clean_offset(), Some(10));
    cleaning.truncated_to(3);
    assert_eq!(cleaning.clean_offset(), Some(3));
    let copy = Cleaning::default();
    cleaning.mark_uncleanable();
    copy.take_over(&cleaning);
    assert_eq!((copy.clean_offset(), copy.is_uncleanable()), (Some(3), true));
}
