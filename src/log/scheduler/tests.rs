//! Scheduler are done when they are due, in order.

use super::*;

#[test]
fn files_go_when_they_are_due() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, "").unwrap();
        path
    };
    let (early, late, twin) = (file("early"), file("late"), file("twin"));
    let scheduler = Scheduler::default();
    assert_eq!(scheduler.run_due(0), None);
    scheduler.schedule(20, ScheduledTask::Unlink(vec![late.clone()]));
    scheduler.schedule(10, ScheduledTask::Unlink(vec![early.clone(), dir.path().join("missing")]));
    scheduler.schedule(20, ScheduledTask::Unlink(vec![twin.clone()]));
    assert_eq!(scheduler.run_due(9), Some(10));
    assert!(early.exists());
    assert_eq!(scheduler.run_due(10), Some(20));
    assert!(!early.exists() && late.exists());
    assert_eq!(scheduler.run_due(30), None);
    assert!(!late.exists() && !twin.exists());
}

#[test]
fn a_directory_goes_with_all_that_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("a-0.1-delete");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(inner.join("00000000000000000000.log"), "x").unwrap();
    let scheduler = Scheduler::default();
    scheduler.schedule(0, ScheduledTask::RemoveDir(inner.clone()));
    scheduler.run_due(0);
    assert!(!inner.exists());
}
