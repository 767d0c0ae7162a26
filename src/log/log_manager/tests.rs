//! All logs of a broker: directories good and bad, logs made, deleted, loaded again.

use std::fs;

use super::*;
use crate::base::Clock;
use crate::log::log::tests::append;

fn options(dirs: &[&Path]) -> LogManagerOptions {
    let dirs = dirs.iter().map(|dir| dir.to_path_buf()).collect();
    LogManagerOptions {
        dirs,
        clock: Clock::manual(1_700_000_000_000),
        recovery_threads: 2,
        ..LogManagerOptions::default()
    }
}

fn make(logs: &LogManager, topic: &str, partition: i32) -> Arc<Log> {
    logs.get_or_create(&TopicPartition::new(topic, partition), true, Settings::default).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn logs_are_there_again_after_a_clean_stop_and_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    for clean in [true, false] {
        let logs = LogManager::open(options(&[dir.path()])).unwrap();
        let log = make(&logs, "a", 0);
        let end = log.log_end_offset();
        append(&log, 1_700_000_000_000, &["x", "y"]);
        if clean {
            logs.close();
        }
        assert_eq!(dir.path().join(".kafka_cleanshutdown").exists(), clean);
        drop(logs);
        let logs = LogManager::open(options(&[dir.path()])).unwrap();
        assert!(!dir.path().join(".kafka_cleanshutdown").exists(), "taken away once all is loaded");
        assert_eq!(logs.get(&TopicPartition::new("a", 0)).unwrap().log_end_offset(), end + 2);
    }
}

#[test]
fn a_data_directory_holds_what_kafka_expects() {
    let dir = tempfile::tempdir().unwrap();
    let logs = LogManager::open(options(&[dir.path()])).unwrap();
    append(&make(&logs, "a", 0), 5, &["x", "y"]);
    let log = make(&logs, "b", 1);
    append(&log, 5, &["x", "y", "z"]);
    log.update_high_watermark(3);
    log.increment_log_start_offset(1, "test").unwrap();
    logs.close();
    let expected = [
        ".kafka_cleanshutdown",
        ".lock",
        "a-0",
        "b-1",
        "cleaner-offset-checkpoint",
        "log-start-offset-checkpoint",
        "recovery-point-offset-checkpoint",
        "replication-offset-checkpoint",
    ];
    assert_eq!(names(dir.path()), expected);
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(read("recovery-point-offset-checkpoint"), "0\n2\na 0 2\nb 1 3\n");
    assert_eq!(read("log-start-offset-checkpoint"), "0\n1\nb 1 1\n");
    drop(logs);
    let logs = LogManager::open(options(&[dir.path()])).unwrap();
    assert_eq!(logs.get(&TopicPartition::new("b", 1)).unwrap().log_start_offset(), 1);
}

#[test]
fn a_new_log_lies_where_there_are_fewest() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let logs = LogManager::open(options(&[one.path(), two.path()])).unwrap();
    let places: Vec<_> = (0..4).map(|at| make(&logs, "a", at).data_dir().to_owned()).collect();
    assert_eq!(places, [one.path(), two.path(), one.path(), two.path()]);
}

#[test]
fn a_deleted_log_is_renamed_and_removed_later() {
    let dir = tempfile::tempdir().unwrap();
    let logs = LogManager::open(options(&[dir.path()])).unwrap();
    let log = make(&logs, "a", 0);
    append(&log, 5, &["x"]);
    let partition = TopicPartition::new("a", 0);
    logs.delete(&partition).unwrap().unwrap();
    assert!(logs.delete(&partition).unwrap().is_none());
    let marked = |name: &String| name.starts_with("a-0.") && name.ends_with("-delete");
    assert_eq!(names(dir.path()).iter().filter(|name| marked(name)).count(), 1);
    let anew = make(&logs, "a", 0);
    assert_eq!(anew.log_end_offset(), 0, "the same name may be used at once");
    let clock = logs.shared().clock.clone();
    clock.set(clock.now() + 60_000);
    logs.shared().disks.run_due(clock.now());
    assert!(!names(dir.path()).iter().any(marked));
    assert!(dir.path().join("a-0").exists());
}

#[test]
fn a_log_whose_deletion_was_interrupted_is_removed_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let name = "a-0.0123456789abcdef0123456789abcdef-delete";
    fs::create_dir(dir.path().join(name)).unwrap();
    let logs = LogManager::open(options(&[dir.path()])).unwrap();
    assert!(logs.all().is_empty());
    let clock = logs.shared().clock.clone();
    logs.shared().disks.run_due(clock.now() + 60_000);
    assert!(!dir.path().join(name).exists());
}

#[test]
fn a_failed_directory_takes_only_its_own_logs_with_it() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let logs = LogManager::open(options(&[one.path(), two.path()])).unwrap();
    let (lost, kept) = (make(&logs, "a", 0), make(&logs, "a", 1));
    assert_eq!(logs.take_offline(one.path()), [TopicPartition::new("a", 0)]);
    assert!(lost.flush().is_ok(), "nothing to flush");
    assert!(logs.get(lost.partition()).is_none());
    append(&kept, 5, &["x"]);
    assert_eq!(logs.live_dirs(), [two.path()]);
    let unknown = TopicPartition::new("b", 0);
    let refused = logs.get_or_create(&unknown, false, Settings::default).unwrap_err();
    let offline = one.path().display();
    assert_eq!(
        refused.to_string(),
        format!("Can not create log for b-0 because log directories {offline} are offline")
    );
    assert!(logs.delete(&unknown).is_err());
    logs.get_or_create(&unknown, true, Settings::default).unwrap();
    logs.close();
    assert!(!one.path().join(".kafka_cleanshutdown").exists());
    assert!(two.path().join(".kafka_cleanshutdown").exists());
}

#[test]
fn an_unusable_directory_stays_offline_unless_it_is_the_only_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = LogManager::open(options(&[&file])).unwrap_err();
    let text = format!(
        "Shutdown broker because none of the specified log dirs from {} can be created or validated",
        file.display()
    );
    assert_eq!(refused.to_string(), text);
    let good = dir.path().join("new/good");
    let logs = LogManager::open(options(&[&file, &good])).unwrap();
    assert_eq!(logs.live_dirs(), [good]);
    assert!(logs.shared().failures.is_offline(&file));
}

#[test]
fn settings_that_prevent_a_start_are_refused_in_kafkas_words() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().display();
    let refusal = |dirs: &[&Path]| LogManager::open(options(dirs)).unwrap_err().to_string();
    assert_eq!(refusal(&[dir.path(), dir.path()]), format!("Duplicate log directory found: {at}, {at}"));
    let logs = LogManager::open(options(&[dir.path()])).unwrap();
    assert_eq!(
        refusal(&[dir.path()]),
        format!(
            "Failed to acquire lock on file .lock in {at}. A Kafka instance in another process or thread is using \
             this directory."
        )
    );
    drop(logs);
    fs::create_dir(dir.path().join("nodash")).unwrap();
    assert_eq!(
        refusal(&[dir.path()]),
        format!(
            "Found directory {at}/nodash, 'nodash' is not in the form of topic-partition or \
             topic-partition.uniqueId-delete (if marked for deletion).\nKafka's log directories (and children) \
             should only contain Kafka topic data."
        )
    );
    let other = tempfile::tempdir().unwrap();
    fs::remove_dir(dir.path().join("nodash")).unwrap();
    for dir in [dir.path(), other.path()] {
        fs::create_dir(dir.join("a-0")).unwrap();
    }
    assert!(matches!(
        LogManager::open(options(&[dir.path(), other.path()])),
        Err(OpenError::DuplicateLog { partition, .. }) if partition == TopicPartition::new("a", 0)
    ));
}

/// A directory with a log of ten records, the first five of which were deleted, stopped cleanly.
fn with_deleted_records() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let logs = LogManager::open(options(&[dir.path()])).unwrap();
    let log = make(&logs, "a", 0);
    append(&log, 5, &["x"; 10]);
    log.update_high_watermark(10);
    log.increment_log_start_offset(5, "test").unwrap();
    logs.close();
    dir
}

#[test]
fn deleted_records_stay_deleted_without_a_checkpoint_entry() {
    let dir = with_deleted_records();
    let path = dir.path().join(LOG_START_OFFSETS);
    let before = fs::read_to_string(&path).unwrap();
    for damaged in ["nonsense", "0\n1\na 0\n", "0\n2\na 0 5\n", "0\n1\na 0 5x\n"] {
        fs::write(&path, damaged).unwrap();
        // With another directory the broker starts, and serves what lies there.
        let other = tempfile::tempdir().unwrap();
        let logs = LogManager::open(options(&[dir.path(), other.path()])).unwrap();
        assert!(logs.shared().failures.is_offline(dir.path()));
        assert_eq!(logs.live_dirs(), [other.path()]);
        assert!(logs.all().is_empty());
        logs.close();
        // Else it does not start, and leaves all as it was.
        assert!(matches!(LogManager::open(options(&[dir.path()])), Err(OpenError::NoDirs(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        assert!(dir.path().join(".kafka_cleanshutdown").exists());
    }
    fs::write(&path, before).unwrap();
    let logs = LogManager::open(options(&[dir.path()])).unwrap();
    assert_eq!(logs.get(&TopicPartition::new("a", 0)).unwrap().log_start_offset(), 5);
}

#[test]
fn a_topic_whose_name_no_checkpoint_can_hold_gets_no_log_and_costs_no_other() {
    let dir = with_deleted_records();
    // As Kafka leaves it: it writes such lines, and cannot read them.
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write(LOG_START_OFFSETS, "0\n2\nb c 0 3\na 0 5\n");
    write(RECOVERY_POINTS, "0\n2\nb c 0 3\na 0 10\n");
    write(HIGH_WATERMARKS, "0\n2\nb c 0 3\na 0 7\n");
    fs::create_dir(dir.path().join("b c-0")).unwrap();
    let logs = LogManager::open(options(&[dir.path()])).unwrap();
    let kept = TopicPartition::new("a", 0);
    assert_eq!(logs.get(&kept).unwrap().log_start_offset(), 5);
    assert_eq!(logs.read_high_watermarks(dir.path()).unwrap(), BTreeMap::from([(kept.clone(), 7)]));
    let refused = TopicPartition::new("b c", 0);
    assert!(logs.get(&refused).is_none());
    for topic in ["b c", "d\n", "../e", ""] {
        let refusal = logs.get_or_create(&TopicPartition::new(topic, 0), true, Default::default);
        assert!(refusal.unwrap_err().message.contains("is illegal"), "{topic:?}");
    }
    logs.write_high_watermarks(dir.path(), &BTreeMap::from([(kept.clone(), 8), (refused, 3)])).unwrap();
    assert_eq!(logs.read_high_watermarks(dir.path()).unwrap(), BTreeMap::from([(kept, 8)]));
    logs.close();
    assert_eq!(fs::read_to_string(dir.path().join(RECOVERY_POINTS)).unwrap(), "0\n1\na 0 10\n");
    assert!(dir.path().join("b c-0").exists(), "what is not served is left alone");
}

#[test]
fn an_unreadable_high_watermark_costs_no_others() {
    let dir = with_deleted_records();
    let damaged = "0\n3\na 0 7\nrubbish\nb 0 9\n";
    fs::write(dir.path().join(HIGH_WATERMARKS), damaged).unwrap();
    let logs = LogManager::open(options(&[dir.path()])).unwrap();
    let marks = BTreeMap::from([(TopicPartition::new("a", 0), 7), (TopicPartition::new("b", 0), 9)]);
    assert_eq!(logs.read_high_watermarks(dir.path()).unwrap(), marks);
    // Without leader epochs a follower would truncate to the start of its log.
    let log = logs.get(&TopicPartition::new("a", 0)).unwrap();
    fs::write(dir.path().join(HIGH_WATERMARKS), "0\n3\nrubbish\nb 0 9\n").unwrap();
    assert_eq!(logs.read_high_watermarks(dir.path()).unwrap().len(), 1);
    assert!(log.set_settings(crate::log::settings::Settings { magic: 1, ..Default::default() }));
    assert!(logs.read_high_watermarks(dir.path()).is_err());
    assert!(logs.shared().failures.is_offline(dir.path()));
}

#[test]
fn a_checkpoint_that_cannot_be_read_costs_only_a_longer_recovery() {
    let dir = tempfile::tempdir().unwrap();
    let logs = LogManager::open(options(&[dir.path()])).unwrap();
    append(&make(&logs, "a", 0), 5, &["x"]);
    drop(logs);
    fs::write(dir.path().join(RECOVERY_POINTS), "nonsense").unwrap();
    let logs = LogManager::open(options(&[dir.path()])).unwrap();
    assert_eq!(logs.get(&TopicPartition::new("a", 0)).unwrap().log_end_offset(), 1);
}

#[test]
fn high_watermarks_are_kept_for_the_replicas() {
    let dir = tempfile::tempdir().unwrap();
    let logs = LogManager::open(options(&[dir.path()])).unwrap();
    assert!(logs.read_high_watermarks(dir.path()).unwrap().is_empty());
    let marks = BTreeMap::from([(TopicPartition::new("a", 0), 7)]);
    logs.write_high_watermarks(dir.path(), &marks).unwrap();
    assert_eq!(logs.read_high_watermarks(dir.path()).unwrap(), marks);
}
