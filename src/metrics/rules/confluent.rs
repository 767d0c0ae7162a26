//! The names by the rules of Confluent's `jmx-monitoring-stacks`.
//!
//! Pure. `kafka.server:type=T,name=N,tag=V` has `kafka_server_t_n{tag="V"}` for a gauge and for the count of a meter
//! or a histogram; a rate has its attribute as the end of the name. Label names are in lower case too.

use super::{ExportedName, labels, tag};
use crate::metrics::attributes::Attribute;
use crate::metrics::mbean::Name;

pub(super) fn named(name: &Name, attribute: Attribute) -> Vec<ExportedName> {
    let base = format!("{}_{}", name.group, name.kind);
    let Some(own) = name.name else { return vec![of_own_metrics(&base, name, attribute)] };
    let family = format!("{base}_{own}");
    match attribute {
        Attribute::Value | Attribute::Count => vec![lower(&family, name)],
        Attribute::Percentile(digits) => vec![lower(&family, name).with("quantile", format!("0.{digits}"))],
        Attribute::Statistic(statistic) if statistic.ends_with("MinuteRate") => {
            vec![lower(&format!("{family}_{statistic}"), name)]
        }
        Attribute::Statistic(_) | Attribute::Own(_) | Attribute::Process => Vec::new(),
    }
}

fn of_own_metrics(base: &str, name: &Name, attribute: Attribute) -> ExportedName {
    let attribute = attribute.name();
    if name.kind != "socket-server-metrics" {
        return lower(&format!("{base}_{attribute}"), name);
    }
    let mut named = lower(&format!("kafka_server_socketservermetrics_{attribute}"), name);
    if tag(name, "networkProcessor").is_some() {
        for (label, _) in &mut named.labels {
            *label = match label.as_str() {
                "networkprocessor" => "network_processor".to_owned(),
                "clientsoftwarename" => "client_software_name".to_owned(),
                "clientsoftwareversion" => "client_software_version".to_owned(),
                other => other.to_owned(),
            };
        }
    }
    named
}

fn lower(family: &str, name: &Name) -> ExportedName {
    let labels = labels(name).into_iter().map(|(label, value)| (label.to_lowercase(), value));
    ExportedName::new(family.to_lowercase(), labels.collect())
}
