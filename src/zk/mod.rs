//! The memory of the cluster: one ZooKeeper session, typed access to znodes, watches that lose nothing.
//!
//! - *Entry points:* [`ZooKeeper::connect`], its typed operations (`store`), [`ZooKeeper::watches`] (`watch`), and the
//!   znodes themselves in [`znode`], each a twin of a schema in `zk-schema/`.
//! - *Never:* decides anything; a decision's writes come in whole, its reads go out whole.
//! - *How the client is used:* one client object is one connection, carried by a relay that takes no second one. It is
//!   let go at the first disconnection, and the same session is attached by a new one; only the server's word ends a
//!   session and begins a new *generation*.
//! - *In Kafka:* `ZooKeeperClient`, `KafkaZkClient`, `ZkData`.

pub mod bootstrap;
mod chroot;
pub mod claim;
pub mod notices;
mod op;
pub mod outcome;
pub mod producer_ids;
pub mod registration;
mod relay;
mod session;
mod store;
mod unseen;
pub mod watch;
mod window;
pub mod znode;

pub use op::{CreateMode, MultiError, Op, OpResult, Read, Stat, ZkError};
pub use session::{ConnectOptions, SessionState, ZooKeeper};
pub use watch::{Watches, ZnodeChange};
