//! Names and locks.

use super::*;
use crate::log::recovery::LastStop;

fn parsed(name: &str) -> Option<(String, i32, Purpose)> {
    parse_dir_name(name).map(|(it, purpose)| (it.topic.to_string(), it.partition, purpose))
}

#[test]
fn directories_are_known_by_their_names() {
    assert_eq!(parsed("a-0"), Some(("a".into(), 0, Purpose::Current)));
    assert_eq!(parsed("a-b.c-12"), Some(("a-b.c".into(), 12, Purpose::Current)));
    assert_eq!(parsed("a.b-1.0123abc-delete"), Some(("a.b".into(), 1, Purpose::Deleted)));
    assert_eq!(parsed("a-1.0123abc-future"), Some(("a".into(), 1, Purpose::Future)));
    for strange in ["nodash", "-0", "a-", "a-x", "a-1-delete", "a-1.-delete", "lost+found", "a-1-future"] {
        assert_eq!(parsed(strange), None, "{strange}");
    }
}

#[test]
fn a_strange_directory_is_refused_in_kafkas_words() {
    let text = parse_dir(Path::new("/no/such/nodash")).unwrap_err().to_string();
    assert_eq!(
        text,
        "Found directory /no/such/nodash, 'nodash' is not in the form of topic-partition or \
         topic-partition.uniqueId-delete (if marked for deletion).\nKafka's log directories (and children) should \
         only contain Kafka topic data."
    );
}

#[test]
fn a_deleted_directory_keeps_its_partition() {
    let partition = TopicPartition::new("a-b", 3);
    let name = deleted_dir(&partition);
    assert_eq!(parsed(&name), Some(("a-b".into(), 3, Purpose::Deleted)));
    assert_eq!(name.len(), "a-b-3.-delete".len() + 32);
    let long = deleted_dir(&TopicPartition::new("x".repeat(249), 1000));
    assert_eq!(long.len(), 255);
}

#[test]
fn files_are_named_by_twenty_digits() {
    assert_eq!(file_name(42, OFFSET_INDEX), "00000000000000000042.index");
    assert_eq!(offset_of("00000000000000000042.timeindex.swap"), Some(42));
    assert_eq!(offset_of("leader-epoch-checkpoint"), None);
}

#[test]
fn a_directory_is_locked_once() {
    let dir = tempfile::tempdir().unwrap();
    let lock = DirLock::acquire(dir.path()).unwrap();
    assert_eq!(DirLock::acquire(dir.path()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    drop(lock);
    DirLock::acquire(dir.path()).unwrap();
}

#[test]
fn the_mark_of_a_clean_stop_comes_and_goes() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(last_stop(dir.path()), LastStop::Unclean);
    unmark_clean(dir.path()).unwrap();
    mark_clean(dir.path()).unwrap();
    assert_eq!(last_stop(dir.path()), LastStop::Clean);
    unmark_clean(dir.path()).unwrap();
    assert_eq!(last_stop(dir.path()), LastStop::Unclean);
}
