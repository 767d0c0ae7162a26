//! Which options go together with `--zookeeper`, in the words of Kafka 1.1.
//!
//! Pure. Kafka: `ConsumerGroupCommand.ConsumerGroupCommandOptions` of 1.1.

use super::ZkConsumerGroupService;
use crate::cli::arguments::{EarlyExit, forbid, require};
use crate::cli::consumer_groups::options::{ConsumerGroupsOptions, refused};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ZnodeGroupsAction {
    List,
    Describe,
    /// All that there is of the groups of `--group`.
    DeleteGroups,
    /// What the groups of `--group` have of the topic.
    DeleteTopicOfGroups,
    /// What all groups have of the topic.
    DeleteTopic,
}

impl ConsumerGroupsOptions {
    /// The command where `--zookeeper` is given, else None. 1.1 looks at the number of actions first.
    ///
    /// # Errors
    /// The refusal, in the words of 1.1; of what 1.1 has not or cannot do with ZooKeeper, in words of our own.
    pub(in crate::cli::consumer_groups) fn by_znode(
        &self,
    ) -> Result<Option<ZkConsumerGroupService<'_>>, EarlyExit> {
        let Some(connect) = &self.zookeeper else { return Ok(None) };
        let action = self.znode_action()?;
        let others = [
            ("bootstrap-server", self.bootstrap_server.is_some()),
            ("new-consumer", self.new_consumer),
            ("all-groups", self.all_groups),
        ];
        if let Some((name, _)) = others.iter().find(|(_, given)| *given) {
            return refused(format!("Option [{name}] is not valid with [zookeeper]."));
        }
        let (group, topic) = (("group", !self.group.is_empty()), ("topic", !self.topic.is_empty()));
        let (list, describe) = (("list", self.list), ("describe", self.describe));
        require(!self.describe || group.1, "group")?;
        if self.delete && !group.1 && !topic.1 {
            return refused("Option [delete] either takes [group], [topic], or both");
        }
        forbid(group, &[list])?;
        forbid(topic, &[list, describe])?;
        Ok(Some(ZkConsumerGroupService { connect, action, options: self }))
    }

    /// The one action.
    fn znode_action(&self) -> Result<ZnodeGroupsAction, EarlyExit> {
        if self.reset_offsets || self.delete_offsets {
            let name = if self.reset_offsets { "reset-offsets" } else { "delete-offsets" };
            return refused(format!(
                "Option [{name}] is not valid with [zookeeper]. Offsets in ZooKeeper are set by kafka.tools.ImportZkOffsets \
                 and kafka.tools.UpdateOffsetsInZK, and deleted by --delete --topic."
            ));
        }
        match (self.list, self.describe, self.delete) {
            (true, false, false) => Ok(ZnodeGroupsAction::List),
            (false, true, false) => Ok(ZnodeGroupsAction::Describe),
            (false, false, true) if self.topic.is_empty() => Ok(ZnodeGroupsAction::DeleteGroups),
            (false, false, true) if self.group.is_empty() => Ok(ZnodeGroupsAction::DeleteTopic),
            (false, false, true) => Ok(ZnodeGroupsAction::DeleteTopicOfGroups),
            _ => refused(
                "Command must include exactly one action: --list, --describe, --delete, --reset-offsets",
            ),
        }
    }
}
