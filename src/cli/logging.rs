//! Log lines in log4j's layout, as scripts that watch brokers and tools expect them.

use std::io::Write;

use log::LevelFilter;

/// Where log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// As a broker logs.
    Stdout,
    /// As a tool logs, beside its output.
    Stderr,
}

/// Sends every log line of at least `level` to `stream`, laid out as `[time] LEVEL message (target)`.
///
/// `RUST_LOG` overrides the level, by target where it names one. A second call changes nothing.
pub fn init(stream: Stream, level: LevelFilter) {
    let mut builder = env_logger::Builder::new();
    // The ZooKeeper client's own lines are of use to its developers only.
    builder.filter_level(level).filter_module("zookeeper_client", LevelFilter::Error);
    if let Ok(filters) = std::env::var("RUST_LOG") {
        builder.parse_filters(&filters);
    }
    builder.target(match stream {
        Stream::Stdout => env_logger::Target::Stdout,
        Stream::Stderr => env_logger::Target::Stderr,
    });
    builder.format(|out, record| {
        let now = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S,%3f");
        writeln!(out, "[{now}] {} {} ({})", record.level(), record.args(), record.target())
    });
    let _ = builder.try_init();
}
