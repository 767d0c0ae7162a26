//! ACLs through a broker.
//!
//! Kafka: `AclCommand.AdminClientService`.

use futures_util::future::try_join_all;

use super::AclsOptions;
use crate::cli::arguments;
use crate::cli::java::JavaClient;
use crate::cli::throwable::JavaThrowable;
use crate::client::admin::Admin;
use crate::security::{AclBinding, AclBindingFilter};

/// The ACLs of a cluster.
pub(super) struct BrokerAcls {
    admin: Admin,
}

impl BrokerAcls {
    /// Reads the settings of the connection; nothing is connected yet.
    pub async fn connect(options: &AclsOptions, servers: &str) -> Result<Self, JavaThrowable> {
        let file = options.command_config.as_ref().and_then(|file| file.as_deref());
        let settings = arguments::settings(file, &[]).map_err(JavaThrowable::of_early_exit)?;
        Ok(Self { admin: JavaClient::Admin.connect(&settings, servers, "adminclient-1").await? })
    }

    /// Adds ACLs by one request.
    pub async fn add(&self, bindings: Vec<AclBinding>) -> Result<(), JavaThrowable> {
        let created = self.admin.create_acls(bindings).await.all();
        created.map(drop).map_err(|error| JavaThrowable::of_call(&error, "createAcls"))
    }

    /// Removes ACLs by one request.
    pub async fn remove(&self, filters: Vec<AclBindingFilter>) -> Result<(), JavaThrowable> {
        let deleted = self.admin.delete_acls(filters).await.all();
        let deleted = deleted.map_err(|error| JavaThrowable::of_call(&error, "deleteAcls"))?;
        for of_filter in deleted.into_values() {
            of_filter.all().map_err(|error| JavaThrowable::of_call(&error, "deleteAcls"))?;
        }
        Ok(())
    }

    /// The ACLs that the filters mean, those of each filter together.
    pub async fn find(&self, filters: &[AclBindingFilter]) -> Result<Vec<AclBinding>, JavaThrowable> {
        let described = try_join_all(filters.iter().map(|filter| self.admin.describe_acls(filter))).await;
        let described = described.map_err(|error| JavaThrowable::of_call(&error, "describeAcls"))?;
        Ok(described.concat())
    }
}
