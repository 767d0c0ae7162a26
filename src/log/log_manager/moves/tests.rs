use std::fs;

use super::*;
use crate::base::Clock;
use crate::log::LogManagerOptions;
use crate::log::log::tests::append;

fn open(dirs: [&Path; 2]) -> Arc<LogManager> {
    let dirs = dirs.map(Path::to_path_buf).to_vec();
    LogManager::open(LogManagerOptions {
        dirs,
        clock: Clock::manual(5),
        recovery_threads: 1,
        ..LogManagerOptions::default()
    })
    .unwrap()
}

fn id() -> TopicPartition {
    TopicPartition::new("t", 0)
}

/// A log of two records in one directory, and one on its way to the other.
fn moving(one: &Path, other: &Path) -> (Arc<LogManager>, Arc<Log>, Arc<Log>) {
    let logs = open([one, other]);
    logs.prefer(&id(), one);
    let current = logs.get_or_create(&id(), true, Settings::default).unwrap();
    append(&current, 5, &["a", "b"]);
    current.update_high_watermark(2);
    logs.prefer(&id(), other);
    let future = logs.create_future(&id(), Settings::default()).unwrap();
    (logs, current, future)
}

fn names(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("t-0")).collect()
}

#[test]
fn a_future_log_is_created_beside_the_current_one_and_replaces_it() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (logs, current, future) = moving(one.path(), other.path());
    assert_eq!((current.data_dir(), future.data_dir()), (one.path(), other.path()));
    let named = names(other.path()).remove(0);
    assert!(named.starts_with("t-0.") && named.ends_with("-future"), "{named}");
    append(&future, 5, &["a", "b"]);
    let mut held = current.append_lock();
    logs.replace_with_future(&id(), &mut held).unwrap();
    drop(held);
    let now = logs.get(&id()).unwrap();
    assert_eq!((names(other.path()), now.high_watermark()), (vec!["t-0".to_owned()], 2));
    assert!(names(one.path())[0].ends_with("-delete"));
    assert!(logs.future(&id()).is_none());
    assert_eq!(logs.get(&id()).unwrap().data_dir(), other.path());
    append(&now, 5, &["c"]);
    assert_eq!(now.log_end_offset(), 3);
}

#[test]
fn a_log_on_its_way_is_there_after_a_restart_and_can_be_given_up() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (logs, ..) = moving(one.path(), other.path());
    logs.close();
    drop(logs);
    let logs = open([one.path(), other.path()]);
    assert_eq!(logs.future(&id()).unwrap().data_dir(), other.path());
    logs.delete_future(&id()).unwrap();
    assert!(logs.future(&id()).is_none());
    assert!(names(other.path())[0].ends_with("-delete"));
    assert_eq!(logs.get(&id()).unwrap().log_end_offset(), 2);
}

#[test]
fn a_failed_directory_takes_along_what_lies_there_and_not_what_was_on_its_way_there() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (logs, ..) = moving(one.path(), other.path());
    assert_eq!(logs.take_offline(other.path()), []);
    assert!(logs.future(&id()).is_none());
    logs.prefer(&id(), other.path());
    assert!(logs.create_future(&id(), Settings::default()).is_err(), "it might lie there already");
    assert_eq!(logs.take_offline(one.path()), [id()]);
}
