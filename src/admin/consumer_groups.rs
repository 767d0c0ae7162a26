//! Groups of ZooKeeper consumers as znodes: listed, looked at, and deleted while they have no consumers.
//!
//! Never deletes a group that has consumers. Kafka (up to 1.1): `AdminUtils.deleteConsumerGroupInZK`, `ZkUtils`.

use crate::zk::znode::{consumer_offset, consumer_owner, consumer_registration};
use crate::zk::{ZkError, ZooKeeper};

/// The parent of all groups.
pub const PARENT: &str = "/consumers";

/// What has become of a group that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupDeletion {
    /// It, or its part of a topic, is gone.
    Deleted,
    /// It has consumers, and is unchanged.
    Active,
    /// There is no such group.
    Missing,
}

/// The names of all groups, sorted; None where there is not even their parent.
///
/// # Errors
/// Failures of ZooKeeper.
pub async fn list(zk: &ZooKeeper) -> Result<Option<Vec<String>>, ZkError> {
    Ok(zk.children(PARENT).await?.map(sorted))
}

/// The ids of a group's consumers, sorted; None where there is no such group.
///
/// # Errors
/// Failures of ZooKeeper.
pub async fn consumers(zk: &ZooKeeper, group: &str) -> Result<Option<Vec<String>>, ZkError> {
    if !is_name(group) {
        return Ok(None);
    }
    Ok(zk.children(&consumer_registration::parent(group)).await?.map(sorted))
}

/// The topics whose partitions a group has owned, sorted.
///
/// # Errors
/// Failures of ZooKeeper.
pub async fn owned_topics(zk: &ZooKeeper, group: &str) -> Result<Vec<String>, ZkError> {
    children_below(zk, group, "owners").await
}

/// The topics of which a group has offsets, sorted.
///
/// # Errors
/// Failures of ZooKeeper.
pub async fn topics_with_offsets(zk: &ZooKeeper, group: &str) -> Result<Vec<String>, ZkError> {
    children_below(zk, group, "offsets").await
}

/// What would become of a group that is to be deleted, or of its part of a topic.
///
/// # Errors
/// Failures of ZooKeeper.
pub async fn foresee_deletion(zk: &ZooKeeper, group: &str) -> Result<GroupDeletion, ZkError> {
    Ok(match consumers(zk, group).await? {
        None => GroupDeletion::Missing,
        Some(consumers) if consumers.is_empty() => GroupDeletion::Deleted,
        Some(_) => GroupDeletion::Active,
    })
}

/// Deletes a group without consumers (`AdminUtils.deleteConsumerGroupInZK`).
///
/// # Errors
/// Failures of ZooKeeper.
pub async fn delete(zk: &ZooKeeper, group: &str) -> Result<GroupDeletion, ZkError> {
    let deletion = foresee_deletion(zk, group).await?;
    if deletion == GroupDeletion::Deleted {
        zk.delete_recursive(&format!("{PARENT}/{group}")).await?;
    }
    Ok(deletion)
}

/// Deletes what a group without consumers has of a topic; all of the group where it has no other topic
/// (`AdminUtils.deleteConsumerGroupInfoForTopicInZK`).
///
/// # Errors
/// Failures of ZooKeeper.
pub async fn delete_topic(zk: &ZooKeeper, group: &str, topic: &str) -> Result<GroupDeletion, ZkError> {
    let deletion = foresee_deletion(zk, group).await?;
    if deletion != GroupDeletion::Deleted {
        return Ok(deletion);
    }
    if owned_topics(zk, group).await? == [topic] {
        return delete(zk, group).await;
    }
    for path in [consumer_owner::path(group, topic, 0), consumer_offset::path(group, topic, 0)] {
        zk.delete_recursive(path.trim_end_matches("/0")).await?;
    }
    Ok(GroupDeletion::Deleted)
}

async fn children_below(zk: &ZooKeeper, group: &str, what: &str) -> Result<Vec<String>, ZkError> {
    if !is_name(group) {
        return Ok(Vec::new());
    }
    Ok(zk.children(&format!("{PARENT}/{group}/{what}")).await?.map(sorted).unwrap_or_default())
}

/// Whether a text can be the name of a znode. A text with a slash would lead to another one.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains('/') && text != "." && text != ".."
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}
