//! ACLs described, created and deleted.
//!
//! Kafka: `DescribeAclsResult`, `CreateAclsResult`, `DeleteAclsResult`.

use super::Admin;
use super::item_api::ItemApi;
use super::item_results::{AnsweredItems, ItemResults, refused};
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::security::{AccessControlEntry, AclBinding, AclBindingFilter, ResourcePattern};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::create_acls::{AclCreation, CreateAclsRequest, CreateAclsResponse};
use crate::wire::message::delete_acls::{
    DeleteAclsFilter, DeleteAclsMatchingAcl, DeleteAclsRequest, DeleteAclsResponse,
};
use crate::wire::message::describe_acls::{DescribeAclsRequest, DescribeAclsResource};

impl Admin {
    /// The ACLs that match the filter.
    ///
    /// # Errors
    /// The cluster has no authorizer, the caller may not describe its ACLs, no broker answers.
    pub async fn describe_acls(&self, filter: &AclBindingFilter) -> Result<Vec<AclBinding>, ClientError> {
        ensure_known(filter)?;
        let request = |_| DescribeAclsRequest {
            resource_type_filter: filter.pattern.resource_type.code(),
            resource_name_filter: filter.pattern.name.clone(),
            pattern_type_filter: filter.pattern.pattern_type.code(),
            principal_filter: filter.principal.clone(),
            host_filter: filter.host.clone(),
            operation: filter.operation.code(),
            permission_type: filter.permission_type.code(),
        };
        let answer = self
            .call(&Target::Any, request, |answer| {
                ClientError::check(answer.error_code, answer.error_message.as_deref())
            })
            .await?;
        Ok(answer.resources.iter().flat_map(bindings).collect())
    }

    /// Creates ACLs; one that exists already is no error.
    ///
    /// Errors of an ACL: it leaves something open, the cluster has no authorizer, the caller may not create it.
    pub async fn create_acls(
        &self,
        bindings: impl IntoIterator<Item = AclBinding>,
    ) -> ItemResults<AclBinding, ()> {
        self.call_each(&CreateAclsApi, bindings).await
    }

    /// Deletes the ACLs that match the filters. Of each filter, the ACLs that matched, and whether each was deleted.
    ///
    /// Errors of a filter: the cluster has no authorizer, the caller may not delete ACLs.
    pub async fn delete_acls(
        &self,
        filters: impl IntoIterator<Item = AclBindingFilter>,
    ) -> ItemResults<AclBindingFilter, ItemResults<AclBinding, ()>> {
        self.call_each(&DeleteAclsApi, filters).await
    }
}

/// Refuses a filter with an unknown element, of which no broker can have a notion.
fn ensure_known(filter: &AclBindingFilter) -> Result<(), ClientError> {
    if filter.is_known() {
        return Ok(());
    }
    let message = "The AclBindingFilter must not contain UNKNOWN elements.";
    Err(refused(ErrorCode::InvalidRequest, message))
}

fn bindings(resource: &DescribeAclsResource) -> impl Iterator<Item = AclBinding> {
    let pattern =
        ResourcePattern::of_codes(resource.resource_type, &resource.resource_name, resource.pattern_type);
    resource.acls.iter().map(move |acl| AclBinding {
        pattern: pattern.clone(),
        entry: AccessControlEntry::of_codes(&acl.principal, &acl.host, acl.operation, acl.permission_type),
    })
}

struct CreateAclsApi;

impl ItemApi for CreateAclsApi {
    type Item = AclBinding;
    type Outcome = ();
    type Request = CreateAclsRequest;

    const PASSING: &'static [ErrorCode] = &[];

    fn admit(&self, binding: &AclBinding) -> Result<(), ClientError> {
        let Some(open) = binding.indefinite_field() else { return Ok(()) };
        Err(refused(ErrorCode::InvalidRequest, format!("Invalid ACL creation: {open}")))
    }

    fn target(&self, _: &AclBinding) -> Target {
        Target::Any
    }

    fn request(&self, bindings: &[AclBinding], _: i32) -> CreateAclsRequest {
        let creation = |AclBinding { pattern, entry }: &AclBinding| AclCreation {
            resource_type: pattern.resource_type.code(),
            resource_name: pattern.name.clone(),
            resource_pattern_type: pattern.pattern_type.code(),
            principal: entry.principal.clone(),
            host: entry.host.clone(),
            operation: entry.operation.code(),
            permission_type: entry.permission_type.code(),
        };
        CreateAclsRequest { creations: bindings.iter().map(creation).collect() }
    }

    /// The answer's results stand in the order of the request.
    fn read(
        &self,
        bindings: &[AclBinding],
        answer: CreateAclsResponse,
        found: &mut AnsweredItems<AclBinding, ()>,
    ) -> Result<(), ClientError> {
        for (binding, it) in bindings.iter().zip(&answer.results) {
            found.insert_checked(binding, it.error_code, it.error_message.as_deref(), ());
        }
        Ok(())
    }
}

struct DeleteAclsApi;

impl ItemApi for DeleteAclsApi {
    type Item = AclBindingFilter;
    type Outcome = ItemResults<AclBinding, ()>;
    type Request = DeleteAclsRequest;

    const PASSING: &'static [ErrorCode] = &[];

    fn admit(&self, filter: &AclBindingFilter) -> Result<(), ClientError> {
        ensure_known(filter)
    }

    fn target(&self, _: &AclBindingFilter) -> Target {
        Target::Any
    }

    fn request(&self, filters: &[AclBindingFilter], _: i32) -> DeleteAclsRequest {
        let filter = |it: &AclBindingFilter| DeleteAclsFilter {
            resource_type_filter: it.pattern.resource_type.code(),
            resource_name_filter: it.pattern.name.clone(),
            pattern_type_filter: it.pattern.pattern_type.code(),
            principal_filter: it.principal.clone(),
            host_filter: it.host.clone(),
            operation: it.operation.code(),
            permission_type: it.permission_type.code(),
        };
        DeleteAclsRequest { filters: filters.iter().map(filter).collect() }
    }

    /// The answer's results stand in the order of the request.
    fn read(
        &self,
        filters: &[AclBindingFilter],
        answer: DeleteAclsResponse,
        found: &mut AnsweredItems<AclBindingFilter, ItemResults<AclBinding, ()>>,
    ) -> Result<(), ClientError> {
        for (filter, it) in filters.iter().zip(&answer.filter_results) {
            let matching = it.matching_acls.iter().map(deleted).collect();
            found.insert_checked(filter, it.error_code, it.error_message.as_deref(), matching);
        }
        Ok(())
    }
}

/// An ACL that matched, and whether it was deleted.
fn deleted(acl: &DeleteAclsMatchingAcl) -> (AclBinding, Result<(), ClientError>) {
    let binding = AclBinding {
        pattern: ResourcePattern::of_codes(acl.resource_type, &acl.resource_name, acl.pattern_type),
        entry: AccessControlEntry::of_codes(&acl.principal, &acl.host, acl.operation, acl.permission_type),
    };
    (binding, ClientError::check(acl.error_code, acl.error_message.as_deref()))
}
