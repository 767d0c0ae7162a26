//! Sequential change nodes (`ZkNodeChangeNotificationListener`): each is read once, in order; old ones are swept.

use bytes::Bytes;

use super::ZooKeeper;
use super::store::ZkError;
use super::znode::sequence_number;
use crate::base::Millis;

/// How long a notice stays for brokers that have not read it, in milliseconds (Kafka's `changeExpirationMs`).
const EXPIRY: Millis = 15 * 60 * 1000;

/// Which notices below a parent have been read.
#[derive(Debug)]
pub struct Notices {
    parent: &'static str,
    prefix: &'static str,
    last: i64,
}

impl Notices {
    /// None of those below `parent` whose names begin with `prefix`.
    pub fn new(parent: &'static str, prefix: &'static str) -> Self {
        Self { parent, prefix, last: -1 }
    }

    /// What the notices among these children hold that have not been read yet, in order; those that have grown old are
    /// deleted where any is new.
    ///
    /// # Errors
    /// Failures of ZooKeeper.
    pub async fn unread(
        &mut self,
        zk: &ZooKeeper,
        children: &[String],
        now: Millis,
    ) -> Result<Vec<Bytes>, ZkError> {
        let mut numbered: Vec<_> =
            children.iter().filter_map(|name| Some((sequence_number(name, self.prefix)?, name))).collect();
        numbered.sort_unstable();
        let path = |name: &String| format!("{}/{name}", self.parent);
        let fresh: Vec<_> =
            numbered.iter().filter(|(number, _)| *number > self.last).map(|(_, name)| path(name)).collect();
        let Some((newest, _)) = numbered.last() else { return Ok(Vec::new()) };
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        let found = zk.get_many(&fresh).await?.into_iter().flatten().map(|(data, _)| data).collect();
        self.last = *newest;
        for (_, name) in &numbered {
            // What was read must not be lost because something old could not be swept.
            if let Err(error) = sweep(zk, &path(name), now).await {
                log::debug!(target: "kafka.common.ZkNodeChangeNotificationListener", "Sweeping {}: {error}", path(name));
            }
        }
        Ok(found)
    }
}

/// Deletes a notice that has grown old.
async fn sweep(zk: &ZooKeeper, path: &str, now: Millis) -> Result<(), ZkError> {
    match zk.exists(path).await? {
        Some(stat) if now - stat.ctime > EXPIRY => {}
        _ => return Ok(()),
    }
    match zk.delete(path, None).await {
        Ok(()) | Err(ZkError::NoNode) => Ok(()), // Other brokers sweep as well.
        Err(error) => Err(error),
    }
}
