use crate::replica::tests::Room;
use crate::wire::error_code::ErrorCode;

#[tokio::test]
async fn high_watermarks_outlive_the_broker() {
    let room = Room::new();
    assert_eq!(room.become_replica(0, 1, 0, &[1]), ErrorCode::None);
    room.produce(0, &["a", "b"]).await;
    assert_eq!(room.become_replica(0, 1, 1, &[1, 2]), ErrorCode::None);
    room.produce(0, &["c"]).await;
    let room = room.restarted();
    assert_eq!(room.become_replica(0, 2, 2, &[1, 2]), ErrorCode::None);
    assert_eq!(room.high_watermark(0), 2, "the third record was not replicated");
}

#[tokio::test]
async fn nothing_is_written_before_the_controller_has_spoken() {
    let room = Room::new();
    assert_eq!(room.become_replica(0, 1, 0, &[1]), ErrorCode::None);
    room.produce(0, &["a"]).await;
    let room = room.restarted();
    let file = room.dir.path().join("replication-offset-checkpoint");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.ends_with("t 0 1\n"), "{written}");
    room.replicas.checkpoints.write();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
}

#[tokio::test]
async fn a_checkpoint_is_due_where_a_high_watermark_has_moved_since_the_last() {
    let room = Room::new();
    assert_eq!(room.become_replica(0, 1, 0, &[1]), ErrorCode::None);
    let checkpoints = &room.replicas.checkpoints;
    assert_eq!(checkpoints.changed().len(), 1, "nothing was written yet");
    checkpoints.write();
    assert!(checkpoints.changed().is_empty());
    room.produce(0, &["a"]).await;
    assert_eq!(checkpoints.changed().len(), 1);
    checkpoints.write();
    assert_eq!(room.stop(0, -2, true), ErrorCode::None);
    assert!(
        checkpoints.changed().is_empty(),
        "a directory without partitions has nothing to write, as in Kafka"
    );
}
