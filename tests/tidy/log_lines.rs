//! Every log line stands under the logger that Kafka has for it.

use std::collections::BTreeSet;

use crate::sources::{code, files, is_test, report};

#[test]
fn every_log_line_names_its_logger() {
    let mut offences = Vec::new();
    for (path, text) in files("src", ".rs").into_iter().filter(|(path, _)| !is_test(path)) {
        let code = code(&text);
        for level in ["error!(", "warn!(", "info!(", "debug!(", "trace!("] {
            let lines = code.match_indices(level);
            let unnamed =
                lines.filter(|(at, _)| !code[at + level.len()..].trim_start().starts_with("target: "));
            offences.extend(unnamed.map(|(at, _)| {
                let line = code[at..].lines().take(2).map(str::trim).collect::<String>();
                format!("{path}: {line}")
            }));
        }
    }
    report("every log line stands under the logger that Kafka has for it", offences);
}

#[test]
fn every_logger_of_a_broker_is_in_the_table() {
    let mut used = BTreeSet::new();
    for (path, text) in files("src", ".rs").into_iter().filter(|(path, _)| !is_test(path)) {
        let tool = path.starts_with("src/client/") || path.starts_with("src/cli/");
        if tool && path != "src/cli/server_start.rs" {
            continue;
        }
        let code = code(&text);
        let named = code.split("target: \"").skip(1).chain(code.split("TARGET: &str = \"").skip(1));
        used.extend(named.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
    }
    let listed = barnabas::logging::LOGGERS;
    assert!(listed.is_sorted(), "LOGGERS is not sorted");
    used.retain(|name| !listed.contains(&name.as_str()));
    report("every logger of a broker is a row of logging::LOGGERS", used.into_iter().collect());
}
