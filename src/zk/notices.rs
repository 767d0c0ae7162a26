//! Sequential change nodes (`ZkNodeChangeNotificationListener`): each is read once, in order; old ones are
//! deleted.

use bytes::Bytes;

use super::ZooKeeper;
use super::op::ZkError;
use super::znode::sequence_number;
use crate::base::Millis;

/// How long a notice stays for brokers that have not read it, in milliseconds (Kafka's `changeExpirationMs`).
const EXPIRY: Millis = 15 * 60 * 1000;

const TARGET: &str = "kafka.common.ZkNodeChangeNotificationListener";

/// Which notices below a parent have been read.
#[derive(Debug)]
pub struct Notices {
    parent: &'static str,
    prefix: &'static str,
    last: i64,
}

impl Notices {
    /// No notice read yet of those below `parent` whose names begin with `prefix`.
    pub fn new(parent: &'static str, prefix: &'static str) -> Self {
        Self { parent, prefix, last: -1 }
    }

    /// The paths and data of the notices among these children that have not been read yet, in order. Each
    /// counts as read from now on, even if it is gone or cannot be read.
    pub async fn unread(&mut self, zk: &ZooKeeper, children: &[String]) -> Vec<(String, Bytes)> {
        let fresh = self.by_number(children).into_iter().filter(|(number, _)| *number > self.last);
        let (numbers, paths): (Vec<_>, Vec<_>) = fresh.unzip();
        let found = zk.get_each(&paths).await;
        self.last = numbers.last().copied().unwrap_or(self.last);
        let read = paths.into_iter().zip(found).filter_map(|(path, found)| match found {
            Ok(found) => found.map(|(data, _)| (path, data)),
            Err(ZkError::Closed) => None,
            Err(error) => {
                log::error!(target: TARGET, "error processing change notification {path}: {error}");
                None
            }
        });
        read.collect()
    }

    /// Deletes those among these children that are older than the expiration.
    pub async fn sweep(&self, zk: &ZooKeeper, children: &[String], now: Millis) {
        // A later notice has a higher number: behind the first that is not old there is no old one.
        for (_, path) in self.by_number(children) {
            match sweep(zk, &path, now).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => log::debug!(target: TARGET, "Sweeping {path}: {error}"),
            }
        }
    }

    /// The paths of the notices among these children, in the order of their numbers.
    fn by_number(&self, children: &[String]) -> Vec<(i64, String)> {
        let by_number = children.iter().filter_map(|name| {
            Some((sequence_number(name, self.prefix)?, format!("{}/{name}", self.parent)))
        });
        let mut by_number: Vec<_> = by_number.collect();
        by_number.sort_unstable();
        by_number
    }
}

/// Deletes a notice that is older than the expiration; false if it is not.
async fn sweep(zk: &ZooKeeper, path: &str, now: Millis) -> Result<bool, ZkError> {
    match zk.exists(path).await? {
        Some(stat) if now - stat.ctime <= EXPIRY => return Ok(false),
        Some(_) => {}
        None => return Ok(true),
    }
    match zk.delete(path, None).await {
        Ok(()) | Err(ZkError::NoNode) => Ok(true), // Other brokers delete it as well.
        Err(error) => Err(error),
    }
}
