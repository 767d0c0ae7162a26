//! Reads and writes of znodes. They survive connection losses, and the outcome of a write is found out, not
//! guessed.

use futures_util::future::join_all;
use zookeeper_client::{Acls, Error, MultiWriteError, MultiWriteResult};

use super::op::{CreateMode, MultiError, Op, OpResult, Read, Stat, ZkError};
use super::outcome::{self, Attempt};
use super::session::{Connection, ZooKeeper};
use super::window::InFlightPermit;

/// The largest request that a server accepts with its default `jute.maxbuffer`, in bytes, with room for its
/// frame.
const REQUEST_LIMIT: usize = 1_000_000;

/// Whether an error only means that the answer to an operation did not arrive.
fn is_loss(error: &Error) -> bool {
    matches!(
        error,
        Error::ConnectionLoss
            | Error::Timeout
            | Error::Custom(_)
            | Error::NoHosts
            | Error::ClientClosed
            | Error::SessionMoved
            | Error::SessionExpired
    )
}

impl ZooKeeper {
    /// A znode's data and stat; None where it does not exist.
    ///
    /// # Errors
    /// [`ZkError::Closed`], [`ZkError::NoAuth`].
    pub async fn get(&self, path: &str) -> Result<Read, ZkError> {
        loop {
            let turn = self.turn().await.ok_or(ZkError::Closed)?;
            match turn.answer(turn.connection.client.get_data(path)).await {
                Ok((data, stat)) => return Ok(Some((data.into(), stat))),
                Err(Error::NoNode) => return Ok(None),
                Err(error) if is_loss(&error) => turn.forget().await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Many znodes at once, pipelined, answered in their order.
    ///
    /// # Errors
    /// The first error of [`ZooKeeper::get`].
    pub async fn get_many(&self, paths: &[String]) -> Result<Vec<Read>, ZkError> {
        self.get_each(paths).await.into_iter().collect()
    }

    /// As [`ZooKeeper::get_many`], each read with its own outcome.
    pub async fn get_each(&self, paths: &[String]) -> Vec<Result<Read, ZkError>> {
        join_all(paths.iter().map(|path| self.get(path))).await
    }

    /// The names of a znode's children, in no order; None where the znode does not exist.
    ///
    /// # Errors
    /// As [`ZooKeeper::get`].
    pub async fn children(&self, path: &str) -> Result<Option<Vec<String>>, ZkError> {
        loop {
            let turn = self.turn().await.ok_or(ZkError::Closed)?;
            match turn.answer(turn.connection.client.list_children(path)).await {
                Ok(children) => return Ok(Some(children)),
                Err(Error::NoNode) => return Ok(None),
                Err(error) if is_loss(&error) => turn.forget().await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A znode's stat; None where it does not exist.
    ///
    /// # Errors
    /// As [`ZooKeeper::get`].
    pub async fn exists(&self, path: &str) -> Result<Option<Stat>, ZkError> {
        loop {
            let turn = self.turn().await.ok_or(ZkError::Closed)?;
            match turn.answer(turn.connection.client.check_stat(path)).await {
                Ok(stat) => return Ok(stat),
                Err(error) if is_loss(&error) => turn.forget().await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Creates a znode and returns its path, which ends with ten digits if it is sequential.
    ///
    /// A create whose answer was lost is recognised as this client's if the znode has its data (and, if it is
    /// ephemeral, its session). A sequential one may then exist twice.
    ///
    /// # Errors
    /// [`ZkError::NodeExists`], [`ZkError::NoNode`] where the parent is missing, [`ZkError::SessionExpired`] where the
    /// session ended before the outcome was known, [`ZkError::TooLarge`].
    pub async fn create(&self, path: &str, data: &[u8], mode: CreateMode) -> Result<String, ZkError> {
        check_size(path.len() + data.len())?;
        let mut write = Attempt::default();
        let options = mode.of_client().with_acls(Acls::anyone_all());
        loop {
            let turn = self.turn_for(&mut write).await?;
            let create = turn.connection.client.create(path, data, &options);
            match turn.answer(create).await {
                Ok((_, sequence)) if mode == CreateMode::PersistentSequential => {
                    return Ok(format!("{path}{sequence}"));
                }
                Ok(_) => return Ok(path.to_owned()),
                Err(Error::NodeExists) if write.is_doubtful() => {
                    let op = Op::Create { path: path.to_owned(), data: data.to_vec(), mode };
                    let done = self.found_done(&[op]).await?;
                    return done.map(|_| path.to_owned()).ok_or(ZkError::NodeExists);
                }
                Err(error) if is_loss(&error) => {
                    write.lose();
                    turn.forget().await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// As [`ZooKeeper::create`], after creating missing parents, without data.
    ///
    /// # Errors
    /// As there.
    pub async fn create_recursive(
        &self,
        path: &str,
        data: &[u8],
        mode: CreateMode,
    ) -> Result<String, ZkError> {
        match self.create(path, data, mode).await {
            Err(ZkError::NoNode) => {}
            outcome => return outcome,
        }
        let parents = path.match_indices('/').map(|(at, _)| &path[..at]).filter(|parent| !parent.is_empty());
        for parent in parents {
            match self.create(parent, b"", CreateMode::Persistent).await {
                Ok(_) | Err(ZkError::NodeExists) => {}
                Err(error) => return Err(error),
            }
        }
        self.create(path, data, mode).await
    }

    /// Writes a znode's data if it has this version (None: any) and returns its new stat.
    ///
    /// # Errors
    /// [`ZkError::NoNode`], [`ZkError::BadVersion`], [`ZkError::SessionExpired`], [`ZkError::TooLarge`].
    pub async fn set(&self, path: &str, data: &[u8], version: Option<i32>) -> Result<Stat, ZkError> {
        check_size(path.len() + data.len())?;
        let mut write = Attempt::default();
        loop {
            let turn = self.turn_for(&mut write).await?;
            let set = turn.connection.client.set_data(path, data, version);
            match turn.answer(set).await {
                Ok(stat) => return Ok(stat),
                Err(Error::BadVersion) if write.is_doubtful() => {
                    let op = Op::Set { path: path.to_owned(), data: data.to_vec(), version };
                    self.found_done(&[op]).await?.ok_or(ZkError::BadVersion)?;
                    return self.exists(path).await?.ok_or(ZkError::BadVersion);
                }
                Err(error) if is_loss(&error) => {
                    write.lose();
                    turn.forget().await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes a persistent znode's data; creates it, and its parents, where it does not exist.
    ///
    /// # Errors
    /// As [`ZooKeeper::set`].
    pub async fn set_or_create(&self, path: &str, data: &[u8]) -> Result<(), ZkError> {
        loop {
            match self.set(path, data, None).await {
                Err(ZkError::NoNode) => {}
                written => return written.map(drop),
            }
            match self.create_recursive(path, data, CreateMode::Persistent).await {
                // Another client has created it.
                Err(ZkError::NodeExists) => {}
                created => return created.map(drop),
            }
        }
    }

    /// Deletes a znode if it has this version (None: any).
    ///
    /// # Errors
    /// [`ZkError::NoNode`], [`ZkError::BadVersion`], [`ZkError::NotEmpty`], [`ZkError::SessionExpired`].
    pub async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), ZkError> {
        let mut write = Attempt::default();
        loop {
            let turn = self.turn_for(&mut write).await?;
            match turn.answer(turn.connection.client.delete(path, version)).await {
                Ok(()) => return Ok(()),
                Err(Error::NoNode) if write.is_doubtful() => return Ok(()),
                Err(error) if is_loss(&error) => {
                    write.lose();
                    turn.forget().await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Deletes a znode and all below it; does nothing if it does not exist.
    ///
    /// # Errors As [`ZooKeeper::delete`], except for deletions by other clients meanwhile.
    pub async fn delete_recursive(&self, path: &str) -> Result<(), ZkError> {
        for child in self.children(path).await?.unwrap_or_default() {
            Box::pin(self.delete_recursive(&format!("{path}/{child}"))).await?;
        }
        match self.delete(path, None).await {
            Ok(()) | Err(ZkError::NoNode) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Does all operations or none, and returns the result of each.
    ///
    /// If the answer was lost, the multi counts as done if the effect of every operation is seen.
    ///
    /// # Errors
    /// [`MultiError`] of the first operation that failed; then none took effect.
    pub async fn multi(&self, ops: &[Op]) -> Result<Vec<OpResult>, MultiError> {
        let whole = |source| MultiError { index: None, source };
        check_size(ops.iter().map(Op::size).sum()).map_err(whole)?;
        let mut write = Attempt::default();
        loop {
            let turn = self.turn_for(&mut write).await.map_err(whole)?;
            let answer = tokio::select! {
                biased;
                answer = commit(&turn.connection, ops) => answer,
                () = turn.connection.lost.cancelled() => Err((None, Error::ConnectionLoss)),
            };
            match answer {
                Ok(results) => return Ok(results),
                Err((_, error)) if is_loss(&error) => {
                    write.lose();
                    turn.forget().await;
                }
                Err((index, error)) => {
                    if write.is_doubtful()
                        && let Some(results) = self.found_done(ops).await.map_err(whole)?
                    {
                        return Ok(results);
                    }
                    return Err(MultiError { index, source: error.into() });
                }
            }
        }
    }

    /// Many multis at once, pipelined, each on its own, answered in their order.
    pub async fn multi_many(&self, multis: &[Vec<Op>]) -> Vec<Result<Vec<OpResult>, MultiError>> {
        join_all(multis.iter().map(|ops| self.multi(ops))).await
    }

    /// A permit on a connection of the session in which the write began.
    async fn turn_for(&self, write: &mut Attempt) -> Result<InFlightPermit, ZkError> {
        let turn = self.turn().await.ok_or(ZkError::Closed)?;
        write.admit(turn.connection.generation)?;
        Ok(turn)
    }

    /// The results of operations whose answer was lost, if the znodes show the effects of all of them; else
    /// None.
    async fn found_done(&self, ops: &[Op]) -> Result<Option<Vec<OpResult>>, ZkError> {
        let paths = outcome::paths(ops);
        let found = self.get_many(&paths).await?;
        Ok(outcome::results(ops, &paths.into_iter().zip(found).collect(), self.session_id()))
    }
}

impl CreateMode {
    fn of_client(self) -> zookeeper_client::CreateMode {
        match self {
            Self::Persistent => zookeeper_client::CreateMode::Persistent,
            Self::Ephemeral => zookeeper_client::CreateMode::Ephemeral,
            Self::PersistentSequential => zookeeper_client::CreateMode::PersistentSequential,
        }
    }
}

fn check_size(bytes: usize) -> Result<(), ZkError> {
    if bytes > REQUEST_LIMIT { Err(ZkError::TooLarge(bytes)) } else { Ok(()) }
}

async fn commit(connection: &Connection, ops: &[Op]) -> Result<Vec<OpResult>, (Option<usize>, Error)> {
    let mut writer = connection.client.new_multi_writer();
    for (index, op) in ops.iter().enumerate() {
        let added = match op {
            Op::Check { path, version } => writer.add_check_version(path, *version),
            Op::Create { path, data, mode } => {
                writer.add_create(path, data, &mode.of_client().with_acls(Acls::anyone_all()))
            }
            Op::Set { path, data, version } => writer.add_set_data(path, data, *version),
            Op::Delete { path, version } => writer.add_delete(path, *version),
        };
        added.map_err(|error| (Some(index), error))?;
    }
    match writer.commit().await {
        Ok(results) => Ok(results.into_iter().map(result).collect()),
        Err(MultiWriteError::OperationFailed { index, source }) => Err((Some(index), source)),
        Err(MultiWriteError::RequestFailed { source }) => Err((None, source)),
    }
}

fn result(result: MultiWriteResult) -> OpResult {
    match result {
        MultiWriteResult::SetData { stat } => OpResult::Set { version: stat.version },
        _ => OpResult::Done,
    }
}
