//! Checkpoint files: written, read, refused.

use super::*;

#[test]
fn offsets_are_read_as_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(RECOVERY_POINTS);
    let read = || {
        let read = read_offsets(&path).unwrap();
        assert_eq!(read.damage, None);
        read.offsets
    };
    assert_eq!(read(), BTreeMap::new(), "no file, no offsets");
    create(&path).unwrap();
    assert_eq!(read(), BTreeMap::new(), "nor in an empty one");
    let offsets = BTreeMap::from([
        (TopicPartition::new("a", 0), 5),
        (TopicPartition::new("a", 10), i64::MAX),
        (TopicPartition::new("b-c", 1), 0),
    ]);
    write_offsets(&path, &offsets).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "0\n3\na 0 5\na 10 9223372036854775807\nb-c 1 0\n");
    assert_eq!(read(), offsets);
    assert!(!dir.path().join("recovery-point-offset-checkpoint.tmp").exists());
}

#[test]
fn epochs_are_read_as_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(LEADER_EPOCHS);
    let epochs = [EpochEntry { epoch: 0, start_offset: 0 }, EpochEntry { epoch: 3, start_offset: 17 }];
    write_epochs(&path, &epochs).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "0\n2\n0 0\n3 17\n");
    assert_eq!(read_epochs(&path).unwrap(), epochs);
}

/// What is made of a file of offsets with this text: the entries, and what is wrong.
fn read_text(text: &str) -> (Vec<(TopicPartition, Offset)>, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, text).unwrap();
    let read = read_offsets(&path).unwrap();
    let damage = read.damage.unwrap_or_default().replace(&path.display().to_string(), "AT");
    (read.offsets.into_iter().collect(), damage)
}

fn entry(topic: &str, offset: Offset) -> (TopicPartition, Offset) {
    (TopicPartition::new(topic, 0), offset)
}

#[test]
fn invalid_lines_are_reported_and_others_still_apply() {
    let damage = |text| read_text(text).1;
    assert_eq!(damage("x\n"), "Malformed line in checkpoint file (AT): 'x'");
    assert_eq!(damage("1\n0\n"), "Unrecognized version of the checkpoint file (AT): 0");
    assert_eq!(damage("0\nx\n"), "Malformed line in checkpoint file (AT): 'x'");
    assert_eq!(damage("0\n1\na 0\n"), "Malformed line in checkpoint file (AT): 'a 0'");
    assert_eq!(damage("0\n1\na 0 x\n"), "Malformed line in checkpoint file (AT): 'a 0 x'");
    assert_eq!(damage("0\n2\na 0 1\n"), "Expected 2 entries in checkpoint file (AT), but found only 1");
    let (entries, damage) = read_text("0\n3\na 0 1\nrubbish\nb 0 2\n");
    assert_eq!(entries, [entry("a", 1), entry("b", 2)]);
    assert_eq!(damage, "Malformed line in checkpoint file (AT): 'rubbish'");
}

#[test]
fn a_topic_with_a_blank_in_its_name_costs_no_other_its_line() {
    let (entries, damage) = read_text("0\n5\na 0 1\nb c 0 2\n d 0 3\ne\u{a0}f 0 3\ng 0 4\n");
    assert_eq!((entries, damage.as_str()), (vec![entry("a", 1), entry("g", 4)], ""));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let offsets = ["a", "b c", "d\ne", "f"].map(|topic| entry(topic, 7));
    write_offsets(&path, &BTreeMap::from(offsets)).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "0\n2\na 0 7\nf 0 7\n");
}

#[test]
fn two_lines_that_became_one_are_damage() {
    let (entries, damage) = read_text("0\n2\na 0 1 b 0 2\n");
    assert!(entries.is_empty());
    assert_eq!(damage, "Expected 2 entries in checkpoint file (AT), but found only 1");
}

#[test]
fn epochs_that_make_no_sense_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(LEADER_EPOCHS);
    fs::write(&path, "0\n2\n0 0\n3 x\n").unwrap();
    let refused = read_epochs(&path).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
    fs::write(&path, [0x30, 0x0a, 0xff, 0xfe]).unwrap();
    assert_eq!(read_epochs(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
}
