//! The process: CPU, memory, descriptors, threads, bytes read and written, from `/proc/self`.
//!
//! Under the names of Prometheus' client for Java (`process_cpu_seconds_total`) and of the MBeans of a JVM's operating
//! system, threads and runtime, where Linux has the value. What only a JVM has (heap, collections) is absent. A value
//! that cannot be read is left out. In Kafka: `LinuxIoMetricsCollector`, Prometheus' `StandardExports`.

use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

use super::Metric;

/// What `/proc/self/stat` has of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ProcessStat {
    /// CPU time of the process and of the kernel for it, in clock ticks.
    cpu: u64,
    threads: u64,
    /// When it began, in clock ticks since the machine's start.
    began: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl ProcessStat {
    /// From the one line of the file; the second field, the name in parentheses, may hold anything.
    fn parse(line: &str) -> Option<Self> {
        let (_, behind_name) = line.rsplit_once(')')?;
        let fields: Vec<_> = behind_name.split_whitespace().collect();
        // The first of these is the third of the manual page proc(5).
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu: field(14)? + field(15)?,
            threads: field(20)?,
            began: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

/// The value of a line `name: value` or `name value`.
fn of_line(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim_start_matches(':').trim().parse().ok()
}

/// All values of the process.
pub fn metrics() -> Vec<Metric> {
    let mut metrics = of_stat().unwrap_or_default();
    if let Ok(descriptors) = fs::read_dir("/proc/self/fd") {
        // The directory that is read has one itself.
        let open = descriptors.count().saturating_sub(1) as f64;
        metrics.push(Metric::process("process_open_fds", open));
        metrics.push(of_system("OpenFileDescriptorCount", open));
    }
    if let Some(most) = getrlimit(Resource::Nofile).current {
        metrics.push(Metric::process("process_max_fds", most as f64));
        metrics.push(of_system("MaxFileDescriptorCount", most as f64));
    }
    let load = fs::read_to_string("/proc/loadavg").ok();
    if let Some(load) = load.and_then(|line| line.split_whitespace().next()?.parse().ok()) {
        metrics.push(of_system("SystemLoadAverage", load));
    }
    if let Ok(cores) = std::thread::available_parallelism() {
        metrics.push(of_system("AvailableProcessors", cores.get() as f64));
    }
    let io = fs::read_to_string("/proc/self/io").unwrap_or_default();
    for (line, name) in [("read_bytes", "linux-disk-read-bytes"), ("write_bytes", "linux-disk-write-bytes")] {
        metrics.extend(of_line(&io, line).map(|bytes| Metric::value("KafkaServer", name, bytes as f64)));
    }
    metrics
}

fn of_stat() -> Option<Vec<Metric>> {
    let stat = ProcessStat::parse(&fs::read_to_string("/proc/self/stat").ok()?)?;
    let per_second = clock_ticks_per_second() as f64;
    let resident = stat.resident_pages as f64 * page_size() as f64;
    let cpu = stat.cpu as f64 / per_second;
    let mut metrics = vec![
        Metric::process("process_cpu_seconds_total", cpu),
        Metric::process("process_virtual_memory_bytes", stat.virtual_bytes as f64),
        Metric::process("process_resident_memory_bytes", resident),
        of_system("ProcessCpuTime", (cpu * 1e9).round()),
        of_system("CommittedVirtualMemorySize", stat.virtual_bytes as f64),
        of_jvm("Threading", "ThreadCount", stat.threads as f64),
    ];
    let booted = of_line(&fs::read_to_string("/proc/stat").unwrap_or_default(), "btime");
    if let Some(booted) = booted {
        let began = booted as f64 + stat.began as f64 / per_second;
        metrics.push(Metric::process("process_start_time_seconds", began));
        metrics.push(of_jvm("Runtime", "StartTime", (began * 1000.0).round()));
    }
    Some(metrics)
}

fn of_system(attribute: &'static str, value: f64) -> Metric {
    of_jvm("OperatingSystem", attribute, value)
}

fn of_jvm(kind: &'static str, attribute: &'static str, value: f64) -> Metric {
    Metric::attribute(kind, attribute, value).of_group("java.lang")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat_is_read_behind_the_name() {
        let line = "7 (odd) name (x) S 1 7 7 0 -1 4194560 900 0 0 0 31 11 0 0 20 0 6 0 1234 5678592 400 1 2";
        let expected =
            ProcessStat { cpu: 42, threads: 6, began: 1234, virtual_bytes: 5_678_592, resident_pages: 400 };
        assert_eq!(ProcessStat::parse(line), Some(expected));
        assert_eq!(ProcessStat::parse("7 (short) S 1"), None);
    }

    #[test]
    fn a_lines_value_is_found_by_its_name() {
        assert_eq!(of_line("rchar: 5\nread_bytes: 17\n", "read_bytes"), Some(17));
        assert_eq!(of_line("cpu 1 2\nbtime 99\n", "btime"), Some(99));
        assert_eq!(of_line("", "btime"), None);
    }

    #[test]
    fn this_process_has_its_values() {
        let metrics = metrics();
        for name in ["process_cpu_seconds_total", "process_open_fds", "process_resident_memory_bytes"] {
            let found = metrics.iter().find(|metric| metric.name.kind == name);
            assert!(found.is_some_and(|metric| metric.number() >= 0.0), "{name}: {found:?}");
        }
        let began = metrics.iter().find(|metric| metric.name.kind == "process_start_time_seconds").unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        assert!((now - began.number()).abs() < 86_400.0, "{began:?}");
    }
}
