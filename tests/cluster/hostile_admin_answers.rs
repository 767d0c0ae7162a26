//! The admin client of a broker whose answers lack items, have foreign ones or have some twice: each item that was
//! asked about ends in one result, and an error that passes concerns its own item alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use barnabas::base::TopicPartition;
use barnabas::client::admin::{AclBinding, DescribeConsumerGroupsOptions, ItemResults, NewTopic, OffsetSpec};
use barnabas::client::{Admin, ClientError, ClusterOptions};
use barnabas::security::{AclOperation, AclResourceType};
use barnabas::wire::api_key::ApiKey;
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::Message;
use barnabas::wire::message::create_acls::{AclCreationResult, CreateAclsResponse};
use barnabas::wire::message::create_topics::{CreatableTopicResult, CreateTopicsResponse};
use barnabas::wire::message::describe_groups::{
    DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};
use barnabas::wire::message::list_offsets::{
    ListOffsetPartitionResponse, ListOffsetResponse, ListOffsetTopicResponse,
};
use bytes::Bytes;

use crate::support::hostile_broker::{HostileBroker, HostileReply, HostileRequest};

/// Far more than any call may take here.
const HANG: Duration = Duration::from_secs(30);

/// An admin of a broker that answers the requests of this API with these answers, one after the other, and the last
/// one from then on.
async fn admin_of<M: Message + Send + Sync + 'static>(
    api: ApiKey,
    answers: Vec<M>,
    limit: Duration,
) -> (Admin, HostileBroker) {
    let asked = AtomicUsize::new(0);
    let decide = move |request: &HostileRequest| {
        if request.header.api_key != api {
            return HostileReply::Bytes(request.right());
        }
        let at = asked.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        HostileReply::Bytes(request.write(&answers[at]))
    };
    let broker = HostileBroker::start(decide).await;
    let options = ClusterOptions {
        api_timeout: limit,
        retry_backoff: Duration::from_millis(5),
        ..ClusterOptions::new(&broker.address, "test")
    };
    (Admin::new(options).await.unwrap(), broker)
}

async fn ended<T>(call: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANG, call).await.expect("the call ends")
}

fn text<K: Ord, V>(results: &ItemResults<K, V>, item: &K) -> String {
    match &results[item] {
        Ok(_) => "fine".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn created(topics: &[(&str, ErrorCode)]) -> CreateTopicsResponse {
    let topic = |(name, error): &(&str, ErrorCode)| CreatableTopicResult {
        name: (*name).to_owned(),
        error_code: *error as i16,
        ..Default::default()
    };
    CreateTopicsResponse { topics: topics.iter().map(topic).collect(), ..Default::default() }
}

async fn create(admin: &Admin, names: &[&str]) -> ItemResults<String, barnabas::client::admin::CreatedTopic> {
    let topics = names.iter().map(|name| NewTopic::new(*name, 1, 1));
    ended(admin.create_topics(topics, Default::default())).await
}

#[tokio::test]
async fn an_answer_about_other_items_is_an_error_of_the_items_that_it_lacks() {
    let none = ErrorCode::None;
    let answer = created(&[("good", none), ("foreign", none), ("twice", none), ("twice", none), ("", none)]);
    let (admin, _broker) = admin_of(ApiKey::CreateTopics, vec![answer], HANG).await;
    let results = create(&admin, &["good", "lost", "twice"]).await;
    assert_eq!(results.len(), 3);
    assert_eq!(text(&results, &"good".to_owned()), "fine");
    assert_eq!(text(&results, &"lost".to_owned()), "The broker's response did not contain a result for lost");
    assert_eq!(text(&results, &"twice".to_owned()), "The broker's response has two results for twice");
}

#[tokio::test]
async fn an_item_whose_error_passes_is_sent_again_and_the_others_are_not() {
    let first = created(&[("a", ErrorCode::None), ("b", ErrorCode::NotController)]);
    // Were a sent again, this answer would lack it.
    let second = created(&[("b", ErrorCode::None)]);
    let (admin, _broker) = admin_of(ApiKey::CreateTopics, vec![first, second], HANG).await;
    assert_eq!(create(&admin, &["a", "b"]).await.all().unwrap().len(), 2);
    let never = created(&[("a", ErrorCode::NotController), ("b", ErrorCode::TopicAlreadyExists)]);
    let (admin, _broker) = admin_of(ApiKey::CreateTopics, vec![never], Duration::from_millis(100)).await;
    let results = create(&admin, &["a", "b"]).await;
    assert_eq!(text(&results, &"a".to_owned()), ErrorCode::NotController.message());
    assert_eq!(text(&results, &"b".to_owned()), ErrorCode::TopicAlreadyExists.message());
}

#[tokio::test]
async fn partitions_and_rules_in_an_answer_are_matched_with_those_asked_about() {
    let partition =
        |partition_index| ListOffsetPartitionResponse { partition_index, offset: 7, ..Default::default() };
    let topic = |name: &str, partitions| ListOffsetTopicResponse { name: name.to_owned(), partitions };
    let topics =
        vec![topic("t", vec![partition(-5), partition(i32::MAX)]), topic("other", vec![partition(0)])];
    let answer = ListOffsetResponse { topics, ..Default::default() };
    let (admin, _broker) = admin_of(ApiKey::ListOffsets, vec![answer], HANG).await;
    let asked = [(TopicPartition::new("t", 0), OffsetSpec::Latest)];
    let results = ended(admin.list_offsets(asked, Default::default())).await;
    let expected = "The broker's response did not contain a result for t-0";
    assert_eq!(text(&results, &TopicPartition::new("t", 0)), expected);

    let binding = |name: &str| AclBinding::allow("User:a", AclOperation::Read, AclResourceType::Topic, name);
    let results = vec![AclCreationResult::default(); 1];
    let few = CreateAclsResponse { results, ..Default::default() };
    let many = CreateAclsResponse { results: vec![AclCreationResult::default(); 9], ..Default::default() };
    let (admin, _broker) = admin_of(ApiKey::CreateAcls, vec![few, many], HANG).await;
    let results = ended(admin.create_acls([binding("a"), binding("b")])).await;
    assert_eq!(results.values().filter(|it| it.is_ok()).count(), 1);
    let results = ended(admin.create_acls([binding("a"), binding("b")])).await;
    assert_eq!(results.all().unwrap().len(), 2, "what was not asked about is dropped");
}

#[tokio::test]
async fn a_group_with_an_assignment_that_is_none_is_an_error_of_that_group() {
    let group = |assignment: &'static [u8], id: &str| DescribedGroup {
        group_id: id.to_owned(),
        protocol_type: "consumer".to_owned(),
        members: vec![DescribedGroupMember {
            member_assignment: Bytes::from_static(assignment),
            ..Default::default()
        }],
        ..Default::default()
    };
    let endless = b"\0\0\x7f\xff\xff\xff\0\x01t\x7f\xff\xff\xff";
    let answer = |group| DescribeGroupsResponse { groups: vec![group], ..Default::default() };
    let answers = vec![answer(group(endless, "g")), answer(group(b"", "foreign")), answer(group(b"", "g"))];
    let (admin, _broker) = admin_of(ApiKey::DescribeGroups, answers, HANG).await;
    let describe = async || {
        let described = admin.describe_consumer_groups(["g"], DescribeConsumerGroupsOptions::default());
        ended(described).await.all()
    };
    let error = describe().await.unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
    let error = describe().await.unwrap_err();
    assert!(matches!(error, ClientError::Refused { error: ErrorCode::UnknownServerError, .. }), "{error:?}");
    assert!(describe().await.unwrap()["g"].members[0].assignment.is_empty());
}
