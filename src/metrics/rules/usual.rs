//! The names by `jmx_exporter`'s example for Kafka, `kafka-2_0_0.yml`, and by Strimzi's, which adds to it.
//!
//! Pure. `kafka.server:type=T,name=N,tag=V` has `kafka_server_t_n{tag="V"}`; a meter `NPerSec` has `…_n_total`, a
//! histogram `…_n_count` and `…_n{quantile="0.99"}`. Rates and means have no rule: Prometheus computes them.
//! The MBeans of Kafka's own metrics have a rule each in the second, or none; here all have their attribute as the end
//! of the name.

use super::{ExportedName, labels, tag};
use crate::metrics::attributes::Attribute;
use crate::metrics::mbean::Name;

pub(super) fn named(name: &Name, attribute: Attribute) -> Vec<ExportedName> {
    let Some(own) = name.name else { return of_own_metrics(name, attribute) };
    let base = format!("{}_{}", name.group, name.kind);
    let family = |end: String| lower(&format!("{base}_{own}{end}"), labels(name));
    // `AcceptorBlockedPercent` is shown by its mean rate, other percents by their value.
    let percent = own.rfind("Percent").map(|at| &own[..at]);
    let as_percent = |of: &str| lower(&format!("{base}_{of}_percent"), labels(name));
    match attribute {
        Attribute::Value => {
            let plain = match (tag(name, "brokerHost"), tag(name, "brokerPort")) {
                (Some(host), Some(port)) => of_fetcher(&base, own, name, format!("{host}:{port}")),
                _ => family(String::new()),
            };
            percent.map(as_percent).into_iter().chain([plain]).collect()
        }
        Attribute::Count => match own.find("PerSec") {
            Some(at) => vec![lower(&format!("{base}_{}_total", &own[..at]), labels(name))],
            None => vec![family("_count".to_owned())],
        },
        Attribute::Percentile(digits) => {
            vec![family(String::new()).with("quantile", format!("0.{digits}"))]
        }
        Attribute::Statistic("MeanRate") => percent.map(as_percent).into_iter().collect(),
        Attribute::Statistic(_) | Attribute::Own(_) | Attribute::Process => Vec::new(),
    }
}

/// The gauges of a fetcher name the leader in one label.
fn of_fetcher(base: &str, own: &str, name: &Name, broker: String) -> ExportedName {
    let client_id = tag(name, "clientId").unwrap_or_default().to_owned();
    lower(&format!("{base}_{own}"), vec![("clientId".to_owned(), client_id)]).with("broker", broker)
}

fn of_own_metrics(name: &Name, attribute: Attribute) -> Vec<ExportedName> {
    let quota = matches!(name.kind, "Produce" | "Fetch" | "Request" | "ControllerMutation");
    if quota && (tag(name, "client-id").is_some() || tag(name, "user").is_some()) {
        let mut labels = vec![("resource".to_owned(), name.kind.to_owned())];
        for (of, label) in [("user", "user"), ("client-id", "clientId")] {
            labels.extend(tag(name, of).map(|value| (label.to_owned(), value.to_owned())));
        }
        return vec![lower(&format!("kafka_server_quota_{}", attribute.name()), labels)];
    }
    let software = if tag(name, "clientSoftwareName").is_some() { "_software" } else { "" };
    let family = format!("{}_{}_{}{software}", name.group, name.kind, attribute.name());
    vec![lower(&family, labels(name))]
}

fn lower(family: &str, labels: Vec<(String, String)>) -> ExportedName {
    ExportedName::new(family.to_lowercase(), labels)
}
