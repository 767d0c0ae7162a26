//! Logs on their way from one data directory to another: made beside the current one, and put in its place.
//!
//! The copying, and the check whether both logs are equal, are done elsewhere. Kafka:
//! `LogManager.maybeUpdatePreferredLogDir`, `replaceCurrentWithFutureLog`, and the `-future` directories
//! (KIP-113).

use std::path::Path;
use std::sync::Arc;

use super::LogManager;
use crate::base::TopicPartition;
use crate::log::appender::AppendLock;
use crate::log::directory;
use crate::log::failure::StorageError;
use crate::log::log::Log;
use crate::log::recovery::{LastStop, Opening};
use crate::log::settings::Settings;

const TARGET: &str = "kafka.log.LogManager";

impl LogManager {
    /// A partition's log that is on its way to another data directory.
    pub fn future(&self, partition: &TopicPartition) -> Option<Arc<Log>> {
        self.future.read().get(partition).cloned()
    }

    /// All logs on their way, in no order.
    pub fn all_future(&self) -> Vec<Arc<Log>> {
        self.future.read().values().cloned().collect()
    }

    /// Has the partition's next log made in this data directory, unless it lies or is on its way there already.
    pub fn prefer(&self, partition: &TopicPartition, dir: &Path) {
        let there = |log: Option<Arc<Log>>| log.is_some_and(|log| log.data_dir() == dir);
        if !there(self.get(partition)) && !there(self.future(partition)) {
            self.preferred.lock().insert(partition.clone(), dir.to_owned());
        }
    }

    /// Makes the log that a partition's records are to be copied to, in the directory preferred last.
    ///
    /// # Errors
    /// A directory is offline, so that the log might lie there already; or the disk failed.
    pub fn create_future(
        &self,
        partition: &TopicPartition,
        settings: Settings,
    ) -> Result<Arc<Log>, StorageError> {
        if let Some(log) = self.future(partition) {
            return Ok(log);
        }
        let refused = |message: String, dir: &Path| StorageError::new(message, dir);
        let offline = {
            let live = self.live.lock();
            self.dirs.iter().find(|dir| !live.has(dir))
        };
        if let Some(dir) = offline {
            let message = format!(
                "Can not create log for {partition} because log directories {} are offline",
                dir.display()
            );
            return Err(refused(message, dir));
        }
        let Some(preferred) = self.preferred.lock().remove(partition) else {
            let message = format!(
                "Can not create the future log for {partition} without having a preferred log directory"
            );
            return Err(refused(message, Path::new("")));
        };
        let dir = self.make_dir(&preferred, &directory::future_dir(partition))?;
        let opening = Opening {
            partition: partition.clone(),
            dir: dir.clone(),
            settings,
            log_start: 0,
            recovery_point: 0,
            last_stop: LastStop::Unclean,
        };
        let log = Log::open(opening, self.shared.clone())?;
        let live = self.live.lock();
        if !live.has(&preferred) {
            log.abandon();
            return Err(refused(format!("The log dir {} has failed", preferred.display()), &preferred));
        }
        self.future.write().insert(partition.clone(), log.clone());
        log::info!(target: TARGET, "Created log for partition {partition} in {}", dir.display());
        Ok(log)
    }

    /// Puts the log that was on its way in the place of the current one, whose `append_lock` is held and which is
    /// removed later. The caller has seen that both hold the same. Blocks on the disk.
    ///
    /// # Errors
    /// One of the two is offline, or the disk failed; what is current stays so unless the new one has its name already.
    pub fn replace_with_future(
        &self,
        partition: &TopicPartition,
        append_lock: &mut AppendLock<'_>,
    ) -> Result<(), StorageError> {
        let offline = |which: &str| {
            StorageError::new(format!("The {which} replica for {partition} is offline"), Path::new(""))
        };
        let current = self.get(partition).ok_or_else(|| offline("current"))?;
        let future = self.future(partition).ok_or_else(|| offline("future"))?;
        future.rename_dir(&directory::partition_dir(partition))?;
        future.update_high_watermark(current.high_watermark());
        future.cleaning().take_over(current.cleaning());
        self.future.write().remove(partition);
        self.logs.write().insert(partition.clone(), future.clone());
        append_lock.rename_dir(&directory::deleted_dir(partition))?;
        self.forget(&current);
        if self.cleaner.is_some() {
            self.write_cleaner_offsets(future.data_dir());
        }
        log::info!(
            target: TARGET,
            "The current replica is successfully replaced with the future replica for {partition}"
        );
        Ok(())
    }

    /// Takes away a log on its way, if there is one.
    ///
    /// # Errors
    /// The disk failed.
    pub fn delete_future(&self, partition: &TopicPartition) -> Result<(), StorageError> {
        let removed = self.future.write().remove(partition);
        removed.map_or(Ok(()), |log| self.discard(&log))
    }

    /// Renames a log that is no longer known, so that it is removed later.
    fn discard(&self, log: &Arc<Log>) -> Result<(), StorageError> {
        log.rename_dir(&directory::deleted_dir(log.partition()))?;
        self.forget(log);
        Ok(())
    }

    /// Has the files of a renamed log removed later.
    fn forget(&self, log: &Log) {
        log.cleaning().end();
        log.abandon();
        self.write_offsets(log.data_dir());
        self.remove_later(log.dir());
    }
}

#[cfg(test)]
mod tests;
