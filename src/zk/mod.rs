//! The memory of the cluster: ZooKeeper sessions, watches and znodes.
