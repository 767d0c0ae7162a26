use super::*;
use crate::wire::message::leader_and_isr::LeaderAndIsrTopicState;

fn state(number: i32) -> LeaderAndIsrPartitionState {
    LeaderAndIsrPartitionState {
        topic_name: "t".to_owned(),
        partition_index: number,
        leader: 2,
        leader_epoch: 5,
        isr: vec![2, 9],
        zk_version: 7,
        replicas: vec![1, 2],
        adding_replicas: vec![1],
        is_new: true,
        ..Default::default()
    }
}

#[test]
fn states_of_any_version_are_decoded() {
    let grouped = LeaderAndIsrTopicState { topic_name: "t".to_owned(), partition_states: vec![state(1)] };
    let order = decoded(LeaderAndIsrRequest {
        controller_epoch: 3,
        broker_epoch: 4,
        ungrouped_partition_states: vec![state(0)],
        topic_states: vec![grouped],
        ..Default::default()
    });
    assert_eq!(order.epochs, RequestEpochs { controller: 3, broker: 4 });
    for (number, order) in (0..).zip(&order.partitions) {
        assert_eq!(order.partition, TopicPartition::new("t", number));
        let leadership = LeaderAndIsr { leader: 2, leader_epoch: 5, isr: vec![2], zk_version: 7 };
        let expected = LeadershipState { leadership, replicas: vec![1, 2], controller_epoch: 3 };
        assert_eq!(order.state, expected, "9 is no replica");
        assert!(order.is_new);
        assert_eq!(order.reassignment, Reassigned { adding: 1, removing: 0 });
    }
    assert_eq!(order.partitions.len(), 2);
}

#[test]
fn a_refused_order_is_refused_for_each_partition() {
    let named = vec![TopicPartition::new("t", 0)];
    let response = encoded(Err(ErrorCode::StaleBrokerEpoch), named);
    let expected = ErrorCode::StaleBrokerEpoch.code();
    assert_eq!((response.error_code, response.partition_errors[0].error_code), (expected, expected));
}
