use super::*;
use crate::wire::message::stop_replica::{
    StopReplicaPartitionState, StopReplicaPartitionV0, StopReplicaTopicState, StopReplicaTopicV1,
};

fn stop(number: i32, leader_epoch: i32, log: StoppedLog) -> ReplicaStop {
    ReplicaStop { partition: TopicPartition::new("t", number), leader_epoch, log }
}

#[test]
fn requests_without_leader_epochs_delete_all_or_none() {
    for (delete_partitions, log) in [(false, StoppedLog::Kept), (true, StoppedLog::Deleted)] {
        let v0 = StopReplicaPartitionV0 { topic_name: "t".to_owned(), partition_index: 0 };
        let v1 = StopReplicaTopicV1 { name: "t".to_owned(), partition_indexes: vec![1, 0] };
        let order = decoded(StopReplicaRequest {
            delete_partitions,
            ungrouped_partitions: vec![v0],
            topics: vec![v1],
            ..Default::default()
        });
        assert_eq!(order.replicas, [stop(0, -1, log), stop(1, -1, log)], "each partition once");
    }
}

#[test]
fn later_requests_have_the_deletion_for_each_partition() {
    let state = |partition_index, leader_epoch, delete_partition| StopReplicaPartitionState {
        partition_index,
        leader_epoch,
        delete_partition,
    };
    let states = vec![state(0, 4, false), state(1, -2, true)];
    let topic = StopReplicaTopicState { topic_name: "t".to_owned(), partition_states: states };
    let order = decoded(StopReplicaRequest {
        controller_epoch: 2,
        broker_epoch: 9,
        topic_states: vec![topic],
        ..Default::default()
    });
    assert_eq!(order.epochs, RequestEpochs { controller: 2, broker: 9 });
    assert_eq!(order.replicas, [stop(0, 4, StoppedLog::Kept), stop(1, -2, StoppedLog::Deleted)]);
}
