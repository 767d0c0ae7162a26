//! The data directories that can be used: made where they are missing, each once, and locked.
//!
//! Kafka: `LogManager.createAndValidateLogDirs`, `lockLogDirs`.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::load::{LogManagerOptions, OpenError};
use crate::log::directory::DirLock;
use crate::log::failure::DirFailures;

const TARGET: &str = "kafka.log.LogManager";

/// The directories that can be used, made where they are missing.
pub(super) fn usable_dirs(
    options: &LogManagerOptions,
    failures: &DirFailures,
) -> Result<Vec<PathBuf>, OpenError> {
    let (mut usable, mut canonical) = (Vec::new(), HashSet::new());
    for dir in &options.dirs {
        match usable_dir(dir, options.offline.contains(dir)) {
            Ok(path) if canonical.insert(path.clone()) => usable.push(dir.clone()),
            Ok(_) => {
                let all = options.dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>();
                return Err(OpenError::DuplicateDir(all.join(", ")));
            }
            Err(error) => {
                failures.report(
                    dir,
                    format!("Failed to create or validate data directory {}", dir.display()),
                    &error,
                );
            }
        }
    }
    if usable.is_empty() { Err(no_dirs(&options.dirs)) } else { Ok(usable) }
}

fn usable_dir(dir: &Path, offline: bool) -> io::Result<PathBuf> {
    if offline {
        return Err(io::Error::other(format!("Failed to load {} during broker startup", dir.display())));
    }
    if !dir.exists() {
        log::info!(target: TARGET, "Log directory {} not found, creating it.", dir.display());
        fs::create_dir_all(dir)
            .map_err(|_| io::Error::other(format!("Failed to create data directory {}", dir.display())))?;
    }
    if fs::read_dir(dir).is_err() {
        return Err(io::Error::other(format!("{} is not a readable log directory.", dir.display())));
    }
    dir.canonicalize()
}

/// Locks the directories. One that cannot be locked for its disk is offline.
pub(super) fn lock(dirs: Vec<PathBuf>, failures: &DirFailures) -> Result<Vec<(PathBuf, DirLock)>, OpenError> {
    let mut locked = Vec::new();
    for dir in dirs {
        match DirLock::acquire(&dir) {
            Ok(lock) => locked.push((dir, lock)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(OpenError::Locked(dir.display().to_string()));
            }
            Err(error) => {
                failures.report(
                    &dir,
                    format!("Disk error while locking directory {}", dir.display()),
                    &error,
                );
            }
        }
    }
    Ok(locked)
}

/// No directory can be used.
pub(super) fn no_dirs(dirs: &[PathBuf]) -> OpenError {
    let all = dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>();
    OpenError::NoDirs(all.join(", "))
}
