//! The lines about decisions: one for each, and the reasons of each where the level is DEBUG.
//!
//! Kafka: `AclAuthorizer.logAuditMessage`.

use super::super::acl::{AclOperation, AclResource};
use super::super::acl_binding::AccessControlEntry;
use super::super::acl_index::AclQuestion;
use super::super::authorizer::{AclAction, Audit, AuthorizationResult, RequestContext};
use super::super::principal::KafkaPrincipal;
use super::AuthorizerClass;

const TARGET: &str = "kafka.authorizer.logger";

/// Logs a decision at the level that its outcome and its purpose have.
pub(super) fn decision(
    class: AuthorizerClass,
    context: &RequestContext<'_>,
    action: &AclAction<'_>,
    question: &AclQuestion<'_>,
    result: AuthorizationResult,
) {
    let level = level(class, action.audit, result);
    if !log::log_enabled!(target: TARGET, level) {
        return;
    }
    let AclQuestion { principal, host, operation, resource: AclResource { resource_type, name } } = *question;
    let (operation, kind) = (operation.name(), resource_type.name());
    let decision = match result {
        AuthorizationResult::Allowed => "Allowed",
        AuthorizationResult::Denied => "Denied",
    };
    let request = match class {
        AuthorizerClass::Simple => String::new(),
        AuthorizerClass::Acl => {
            format!(" for request = {} with resourceRefCount = {}", context.api_key.name(), action.references)
        }
    };
    log::log!(
        target: TARGET,
        level,
        "Principal = {principal} is {decision} Operation = {operation} from host = {host} on resource = \
         {kind}:LITERAL:{name}{request}"
    );
}

/// The level of a decision's line. What a caller asked for and may not do stands at INFO.
fn level(class: AuthorizerClass, audit: Audit, result: AuthorizationResult) -> log::Level {
    match (class, result, audit) {
        (AuthorizerClass::Simple, AuthorizationResult::Allowed, _) => log::Level::Debug,
        (AuthorizerClass::Simple, AuthorizationResult::Denied, _) => log::Level::Info,
        (_, AuthorizationResult::Allowed, Audit::AllowedAndDenied | Audit::AllowedOnly) => log::Level::Debug,
        (_, AuthorizationResult::Denied, Audit::AllowedAndDenied) => log::Level::Info,
        _ => log::Level::Trace,
    }
}

/// Logs that a caller may do everything.
pub(super) fn super_user(principal: &KafkaPrincipal) {
    log::debug!(target: TARGET, "principal = {principal} is a super user, allowing operation without checking acls.");
}

/// Logs that no ACL is about the resource.
pub(super) fn without_acls(question: &AclQuestion<'_>, is_allowed: bool) {
    log::debug!(target: TARGET, "No acl found for resource {}, authorized = {is_allowed}", resource(question));
}

/// Logs the entry that decided.
pub(super) fn decided_by(question: &AclQuestion<'_>, entry: &AccessControlEntry) {
    if log::log_enabled!(target: TARGET, log::Level::Debug) {
        log::debug!(target: TARGET, "{}", reason(question, entry));
    }
}

/// Why an entry decided. Where the operation that it names implies the one asked about, it is the one that is written.
fn reason(question: &AclQuestion<'_>, entry: &AccessControlEntry) -> String {
    let operation = match entry.operation {
        AclOperation::All => question.operation,
        named => named,
    };
    format!(
        "operation = {} on resource = {} from host = {} is {} based on acl = {}",
        operation.constant(),
        resource(question),
        question.host,
        entry.permission_type.constant(),
        sentence(entry)
    )
}

/// Entries as Scala prints a set of them.
pub(super) fn set(entries: &[AccessControlEntry]) -> String {
    format!("Set({})", entries.iter().map(sentence).collect::<Vec<_>>().join(", "))
}

/// An entry as `AclEntry` prints.
fn sentence(entry: &AccessControlEntry) -> String {
    let AccessControlEntry { principal, host, operation, permission_type } = entry;
    format!(
        "{principal} has {} permission for operations: {} from hosts: {host}",
        permission_type.constant(),
        operation.constant()
    )
}

fn resource(question: &AclQuestion<'_>) -> String {
    let AclResource { resource_type, name } = question.resource;
    format!("ResourcePattern(resourceType={}, name={name}, patternType=LITERAL)", resource_type.constant())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_that_was_asked_for_is_seen_and_what_only_filters_is_not() {
        use AuthorizationResult::{Allowed, Denied};
        let of = |audit, result| level(AuthorizerClass::Acl, audit, result);
        assert_eq!(of(Audit::AllowedAndDenied, Denied), log::Level::Info);
        assert_eq!(of(Audit::AllowedAndDenied, Allowed), log::Level::Debug);
        assert_eq!(of(Audit::AllowedOnly, Denied), log::Level::Trace);
        assert_eq!(of(Audit::AllowedOnly, Allowed), log::Level::Debug);
        assert_eq!(of(Audit::Nothing, Denied), log::Level::Trace);
        assert_eq!(of(Audit::Nothing, Allowed), log::Level::Trace);
        assert_eq!(level(AuthorizerClass::Simple, Audit::Nothing, Denied), log::Level::Info);
    }
}
