//! The principal of a caller, and what it may do.
//!
//! - *Entry points:* [`KafkaPrincipal`], which a connection carries; [`Authorization`], which every handler asks;
//!   [`AclAuthorizer`], which decides by the ACLs in ZooKeeper, and changes them; [`listeners::ListenerSecurity`],
//!   which knows how each listener authenticates its callers, and as which user this broker authenticates at others.
//! - *Never:* touches a socket or an API's messages; `api` knows the answer to a denied request.
//! - *In Kafka:* `KafkaPrincipal`, `org.apache.kafka.server.authorizer`, `kafka.security.authorizer`.

pub mod acl;
pub mod acl_authorizer;
pub mod acl_binding;
mod acl_enum;
pub mod acl_filter;
pub mod acl_index;
pub mod authorizer;
pub mod broker_logins;
pub mod jaas;
pub mod listeners;
pub mod principal;
pub mod sasl;

pub use acl::{AclOperation, AclResource, AclResourceType};
pub use acl_authorizer::AclAuthorizer;
pub use acl_binding::{AccessControlEntry, AclBinding, AclPermissionType, PatternType, ResourcePattern};
pub use acl_filter::{AclBindingFilter, ResourcePatternFilter};
pub use authorizer::{AclAction, Audit, Authorization, AuthorizationResult, Authorizer, RequestContext};
pub use broker_logins::BrokerLogins;
pub use principal::KafkaPrincipal;
pub use sasl::{ScramCredential, ScramMechanism};
