//! The levels of this broker's loggers, described and changed (KIP-412).
//!
//! A level is in force at once and until the broker ends; it is not stored. Kafka: `AdminManager`,
//! `Log4jController`.

use super::config_changes::{APPEND, DELETE, SUBTRACT};
use crate::admin::AdminError;
use crate::base::BrokerId;
use crate::logging::{self, Level, ROOT};
use crate::wire::message::incremental_alter_configs::IncrementalAlterConfigsResource;

/// The levels that a logger can be given, in the order in which Kafka lists them.
const LEVELS: [Level; 6] = [Level::Trace, Level::Error, Level::Info, Level::Fatal, Level::Debug, Level::Warn];

/// Checks that the loggers to be described are those of this broker.
///
/// # Errors
/// INVALID_REQUEST where no broker, another broker, or nothing that is a broker is named.
pub(super) fn check_described(own: BrokerId, name: &str) -> Result<(), AdminError> {
    if name.is_empty() {
        return Err(AdminError::invalid_request("Broker id must not be empty"));
    }
    match broker_id(name)? {
        id if id == own => Ok(()),
        _ => Err(AdminError::invalid_request(format!(
            "Unexpected broker id, expected {own} but received {name}"
        ))),
    }
}

/// Changes the levels of loggers, all of them or none.
///
/// # Errors
/// INVALID_REQUEST where another broker is named, where there is no such logger or level, and for lists.
pub(super) fn alter(
    own: BrokerId,
    resource: &IncrementalAlterConfigsResource,
    validate_only: bool,
) -> Result<(), AdminError> {
    let name = &resource.resource_name;
    if !name.is_empty() && broker_id(name)? != own {
        let sentence = format!("Unexpected broker id, expected {own}, but received {name}");
        return Err(AdminError::invalid_request(sentence));
    }
    let mut changes = Vec::with_capacity(resource.configs.len());
    for change in &resource.configs {
        let (logger, value) = (change.name.as_str(), change.value.as_deref().unwrap_or_default());
        changes.push((logger, level(name, change.config_operation, logger, value)?));
    }
    if !validate_only {
        changes.into_iter().for_each(|(logger, level)| logging::set_level(logger, level));
    }
    Ok(())
}

/// The level that a change sets; None if it removes the logger's own level.
fn level(broker: &str, operation: i8, logger: &str, value: &str) -> Result<Option<Level>, AdminError> {
    let refused = |reason: String| {
        AdminError::invalid_request(format!(
            "Invalid config value for resource ConfigResource(type=BROKER_LOGGER, name='{broker}'): {reason}"
        ))
    };
    let not_for_lists = |operation: &str| {
        let sentence = format!("{operation} operation is not allowed for the BROKER_LOGGER resource");
        AdminError::invalid_request(sentence)
    };
    match operation {
        APPEND => return Err(not_for_lists("APPEND")),
        SUBTRACT => return Err(not_for_lists("SUBTRACT")),
        _ if !logging::exists(logger) => return Err(refused(format!("Logger {logger} does not exist!"))),
        DELETE if logger == ROOT => {
            let sentence = "Removing the log level of the root logger is not allowed";
            return Err(AdminError::invalid_request(sentence));
        }
        DELETE => return Ok(None),
        _ => {}
    }
    match LEVELS.into_iter().find(|level| level.name() == value) {
        Some(level) => Ok(Some(level)),
        None => Err(refused(format!(
            "Cannot set the log level of {logger} to {value} as it is not a supported log level. Valid log levels are {}",
            LEVELS.map(Level::name).join(", ")
        ))),
    }
}

fn broker_id(name: &str) -> Result<BrokerId, AdminError> {
    name.parse()
        .map_err(|_| AdminError::invalid_request(format!("Broker id must be an integer, but it is: {name}")))
}
