//! What memory a broker asks of the system.

use crate::support::{Broker, Chroot};

#[test]
fn memory_comes_in_small_pages() {
    let broker = Broker::start(1, &Chroot::new().connect());
    let status = std::fs::read_to_string(format!("/proc/{}/status", broker.process().id())).unwrap();
    let Some(line) = status.lines().find(|line| line.starts_with("THP_enabled:")) else {
        return eprintln!("SKIPPED: this system does not say whether a process gets huge pages");
    };
    assert_eq!(line, "THP_enabled:\t0");
}
