//! The connection to ZooKeeper: one session, typed access to znodes, watches that miss no change.
//!
//! - *Entry points:* [`ZooKeeper::connect`], its typed operations (`store`), [`ZooKeeper::watches`] (`watch`), and the
//!   znodes themselves in [`znode`], each a twin of a schema in `zk-schema/`.
//! - *Never:* decides anything: callers pass whole operations, and get whole results.
//! - *How the client is used:* one client object is one connection, through a relay that accepts no second
//!   one. The object is dropped at the first disconnection, and a new one attaches the same session. A
//!   session ends only when a server reports that; then a new *generation* begins.
//! - *In Kafka:* `ZooKeeperClient`, `KafkaZkClient`, `ZkData`.

pub mod bootstrap;
pub mod claim;
mod connect_string;
mod metrics;
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

pub use connect_string::ConnectStringError;
pub use op::{CreateMode, MultiError, Op, OpResult, Read, Stat, ZkError};
pub use session::{ConnectOptions, SessionState, ZooKeeper};
pub use watch::{Watches, ZnodeChange};
