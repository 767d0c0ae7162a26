//! The names without rules: `kafka.server:type=T,name=N,tag=V` has `kafka_server_T_Value{name="N",tag="V"}`.
//!
//! Pure. The domain, the first property's value and the attribute are the name, the other properties labels.

use super::{ExportedName, labels};
use crate::metrics::attributes::Attribute;
use crate::metrics::mbean::Name;

pub(super) fn named(name: &Name, attribute: Attribute) -> Vec<ExportedName> {
    let family = format!("{}_{}_{}", name.group, name.kind, attribute.name());
    let own = name.name.map(|own| ("name".to_owned(), own.to_owned()));
    vec![ExportedName::new(family, own.into_iter().chain(labels(name)).collect())]
}
