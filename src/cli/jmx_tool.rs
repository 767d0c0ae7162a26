//! `kafka.tools.JmxTool`: there is no JMX here, and no tool that reads it. A broker serves the same metrics over HTTP.
//!
//! Kafka: `JmxTool`.

use std::process::ExitCode;

/// Prints what serves instead; exit code 1.
pub fn run(_arguments: Vec<String>) -> ExitCode {
    eprintln!(
        "There is no JMX here: a broker that was started with METRICS_LISTENER=HOST:PORT serves what the MBeans have at \
         http://HOST:PORT/metrics, in Prometheus' format; add ?rules=none for every attribute under the name of its \
         MBean."
    );
    ExitCode::FAILURE
}
