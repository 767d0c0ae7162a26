use super::*;
use crate::replica::tests::{NOW, Room, partition};

fn changed(number: i32, role: NewRole) -> RoleChanged {
    RoleChanged { partition: partition(number), role }
}

#[test]
fn only_partitions_that_are_led_are_looked_at() {
    let mut led = LedPartitions::default();
    led.apply(changed(0, NewRole::Leader(3)));
    led.apply(changed(1, NewRole::Leader(0)));
    led.apply(changed(2, NewRole::Follower { leader: 2, leader_epoch: 0 }));
    led.apply(changed(0, NewRole::Follower { leader: 2, leader_epoch: 4 }));
    assert_eq!(led.0, [partition(1)].into());
    for gone in [NewRole::Stopped, NewRole::Deleted, NewRole::Offline] {
        led.apply(changed(1, gone));
        assert!(led.0.is_empty(), "{gone:?}");
        led.apply(changed(1, NewRole::Leader(5)));
    }
}

#[tokio::test]
async fn a_lagging_follower_is_found_under_old_and_new_leaderships() {
    let room = Room::new();
    room.become_replica(0, 1, 0, &[1, 2, 3]);
    let proposals = room.replicas.alter_isr.clone();
    let found = || -> Vec<_> {
        proposals.awaited().into_iter().map(|(id, proposal)| (id.partition, proposal.isr)).collect()
    };
    let looking = expire_followers(&proposals, room.clock.clone(), 1);
    let lagging = async {
        room.become_replica(1, 1, 0, &[1, 2, 3]);
        room.clock.set(NOW + 60_000);
        while found().len() < 2 {
            proposals.added.notified().await;
        }
        assert_eq!(found(), [(0, vec![1]), (1, vec![1])]);
    };
    tokio::select! {
        () = looking => panic!("the look ends"),
        () = lagging => {}
    }
}
