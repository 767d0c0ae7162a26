//! What every integration test stands on: a real ZooKeeper, a chroot of its own, real broker processes, tools.
//!
//! Each test binary includes this folder with `#[path]`, and none of them uses all of it.
#![allow(dead_code, unused_imports)]

pub mod administration;
pub mod batches;
pub mod broker;
pub mod chroot;
pub mod cluster;
pub mod copier;
pub mod embedded;
pub mod flood;
pub mod hostile_broker;
pub mod journal;
pub mod process;
pub mod odd_clients;
pub mod producers;
pub mod quotas;
pub mod proxy;
pub mod reader;
pub mod recorded_commands;
pub mod recorded_dir;
pub mod scene;
pub mod transactional;
pub mod znodes;
pub mod wire;
pub mod zookeeper;

pub use broker::{Broker, script, tool};
pub use chroot::Chroot;
pub use embedded::EmbeddedBroker;
pub use process::Process;
pub use proxy::Proxy;
pub use wire::Connection;
pub use zookeeper::{Ensemble, ZooKeeperServer, zookeeper};

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// A free TCP port on loopback, below the range that the system assigns by itself.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + (std::process::id() % 200) as u16 * 100;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::SeqCst) % 100;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The root of this checkout.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Compiles a file of `tests/cluster/data` to a library for LD_PRELOAD; None where there is no C compiler.
pub fn compile_preload(source: &str, directory: &Path) -> Option<PathBuf> {
    let (source, library) = (root().join("tests/cluster/data").join(source), directory.join("preload.so"));
    let compiler = Command::new("cc").args(["-shared", "-fPIC"]).arg(source).arg("-o").arg(&library).status();
    assert!(compiler.ok()?.success());
    Some(library)
}

/// Asks `probe` until it answers Some; fails the test, naming `what`, when it has not by `limit`.
///
/// For states that only polling shows; where an event can be awaited, await it.
pub fn eventually<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
