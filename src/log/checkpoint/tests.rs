//! Checkpoint files: written, read, refused.

use super::*;

#[test]
fn offsets_are_read_as_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(RECOVERY_POINTS);
    assert_eq!(read_offsets(&path).unwrap(), BTreeMap::new(), "no file, no offsets");
    create(&path).unwrap();
    assert_eq!(read_offsets(&path).unwrap(), BTreeMap::new(), "nor in an empty one");
    let offsets = BTreeMap::from([
        (TopicPartition::new("a", 0), 5),
        (TopicPartition::new("a", 10), i64::MAX),
        (TopicPartition::new("b-c", 1), 0),
    ]);
    write_offsets(&path, &offsets).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "0\n3\na 0 5\na 10 9223372036854775807\nb-c 1 0\n");
    assert_eq!(read_offsets(&path).unwrap(), offsets);
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

#[test]
fn what_makes_no_sense_is_refused_with_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let refusal = |text: &str| {
        fs::write(&path, text).unwrap();
        read_offsets(&path).unwrap_err().to_string()
    };
    let at = path.display().to_string();
    assert_eq!(refusal("x\n"), format!("Malformed line in checkpoint file ({at}): 'x'"));
    assert_eq!(refusal("1\n0\n"), format!("Unrecognized version of the checkpoint file ({at}): 0"));
    assert_eq!(refusal("0\n1\na 0\n"), format!("Malformed line in checkpoint file ({at}): 'a 0'"));
    assert_eq!(refusal("0\n1\na 0 x\n"), format!("Malformed line in checkpoint file ({at}): 'a 0 x'"));
    let short = format!("Expected 2 entries in checkpoint file ({at}), but found only 1");
    assert_eq!(refusal("0\n2\na 0 1\n"), short);
}
