//! The principal of a caller, and what it may do.
//!
//! - *Entry points:* [`KafkaPrincipal`], which a connection carries; [`Authorization`], which every handler asks.
//! - *Never:* touches a socket or an API's messages; `api` knows the answer to a denied request.
//! - *In Kafka:* `KafkaPrincipal`, `org.apache.kafka.server.authorizer`, `kafka.security.authorizer`.

pub mod acl;
pub mod authorizer;
pub mod principal;

pub use acl::{AclOperation, AclResource, AclResourceType};
pub use authorizer::{AclAction, Audit, Authorization, AuthorizationResult, Authorizer, RequestContext};
pub use principal::KafkaPrincipal;
