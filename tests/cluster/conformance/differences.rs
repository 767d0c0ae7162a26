//! Where two answers to one request differ, once what differs from run to run has been made equal.

use std::fmt::Debug;

use barnabas::wire::api_key::ApiKey;
use barnabas::wire::batch::Batch;
use barnabas::wire::frame;
use barnabas::wire::header::RequestHeader;
use barnabas::wire::message::Request;
use barnabas::wire::message::alter_configs::AlterConfigsRequest;
use barnabas::wire::message::alter_isr::AlterIsrRequest;
use barnabas::wire::message::alter_partition_reassignments::AlterPartitionReassignmentsRequest;
use barnabas::wire::message::alter_replica_log_dirs::AlterReplicaLogDirsRequest;
use barnabas::wire::message::api_versions::ApiVersionsRequest;
use barnabas::wire::message::controlled_shutdown::ControlledShutdownRequest;
use barnabas::wire::message::create_partitions::CreatePartitionsRequest;
use barnabas::wire::message::create_topics::CreateTopicsRequest;
use barnabas::wire::message::delete_records::DeleteRecordsRequest;
use barnabas::wire::message::delete_topics::DeleteTopicsRequest;
use barnabas::wire::message::describe_configs::DescribeConfigsRequest;
use barnabas::wire::message::describe_log_dirs::DescribeLogDirsRequest;
use barnabas::wire::message::elect_leaders::ElectLeadersRequest;
use barnabas::wire::message::fetch::{FetchRequest, FetchResponse};
use barnabas::wire::message::incremental_alter_configs::IncrementalAlterConfigsRequest;
use barnabas::wire::message::init_producer_id::InitProducerIdRequest;
use barnabas::wire::message::leader_and_isr::{LeaderAndIsrPartitionError, LeaderAndIsrRequest};
use barnabas::wire::message::list_offsets::ListOffsetRequest;
use barnabas::wire::message::list_partition_reassignments::ListPartitionReassignmentsRequest;
use barnabas::wire::message::metadata::MetadataRequest;
use barnabas::wire::message::offset_for_leader_epoch::OffsetForLeaderEpochRequest;
use barnabas::wire::message::produce::ProduceRequest;
use barnabas::wire::message::stop_replica::{StopReplicaPartitionError, StopReplicaRequest};
use barnabas::wire::message::update_metadata::UpdateMetadataRequest;
use bytes::Bytes;

/// Both answers, read, with what differs from run to run made equal; None where they are equal then.
fn compared<R: Request>(
    version: i16,
    recorded: Bytes,
    came: Bytes,
    make_equal: impl Fn(&mut R::Response, &mut R::Response),
) -> Option<String>
where
    R::Response: Debug + PartialEq,
{
    let (_, mut recorded) = frame::read_response::<R>(recorded, version).unwrap();
    let (_, mut came) = match frame::read_response::<R>(came, version) {
        Ok(came) => came,
        Err(error) => return Some(format!("unreadable: {error}")),
    };
    make_equal(&mut recorded, &mut came);
    (recorded != came).then(|| format!("\n    Kafka {recorded:?}\n    here  {came:?}"))
}

/// What differs between two answers to a request, apart from what differs from run to run; None where nothing does.
pub fn difference(header: &RequestHeader, recorded: Bytes, came: Bytes) -> Option<String> {
    let version = header.api_version;
    match header.api_key {
        ApiKey::ApiVersions => {
            // Some of Kafka's APIs are not here yet.
            compared::<ApiVersionsRequest>(version, recorded, came, |recorded, came| {
                recorded.api_keys.retain(|row| came.api_keys.iter().any(|it| it.api_key == row.api_key));
            })
        }
        ApiKey::Metadata => compared::<MetadataRequest>(version, recorded, came, |recorded, came| {
            for answer in [recorded, came] {
                answer.topics.sort_by(|a, b| a.name.cmp(&b.name));
                answer.cluster_id = answer.cluster_id.as_ref().map(|_| "id".to_owned());
                for broker in &mut answer.brokers {
                    (broker.host, broker.port) = ("host".to_owned(), 0);
                }
            }
        }),
        ApiKey::Produce => compared::<ProduceRequest>(version, recorded, came, |recorded, came| {
            for answer in [recorded, came] {
                let partitions = answer.responses.iter_mut().flat_map(|topic| &mut topic.partitions);
                for partition in partitions {
                    partition.log_append_time_ms = partition.log_append_time_ms.min(0);
                    for error in &mut partition.record_errors {
                        // The text has the time in it.
                        let text = error.batch_index_error_message.take().unwrap_or_default();
                        let text = text.split("should be within").next().unwrap_or_default();
                        error.batch_index_error_message = Some(text.to_owned());
                    }
                }
            }
        }),
        ApiKey::Fetch => compared::<FetchRequest>(version, recorded, came, |recorded, came| {
            for answer in [recorded, came] {
                answer.session_id = answer.session_id.min(1);
                without_padding(answer, version);
            }
        }),
        ApiKey::ListOffsets => compared::<ListOffsetRequest>(version, recorded, came, |_, _| {}),
        ApiKey::OffsetForLeaderEpoch => {
            compared::<OffsetForLeaderEpochRequest>(version, recorded, came, |_, _| {})
        }
        ApiKey::CreateTopics => compared::<CreateTopicsRequest>(version, recorded, came, |recorded, came| {
            for answer in [recorded, came] {
                // Kafka lists them in the order of a hash table.
                let configs = answer.topics.iter_mut().filter_map(|topic| topic.configs.as_mut());
                configs.for_each(|configs| configs.sort_by(|a, b| a.name.cmp(&b.name)));
            }
        }),
        ApiKey::InitProducerId => {
            compared::<InitProducerIdRequest>(version, recorded, came, |recorded, came| {
                for answer in [recorded, came] {
                    answer.producer_id = answer.producer_id.min(0);
                }
            })
        }
        ApiKey::DescribeConfigs => {
            compared::<DescribeConfigsRequest>(version, recorded, came, |recorded, came| {
                for answer in [recorded, came] {
                    // Kafka lists them in the order of a hash table.
                    for result in &mut answer.results {
                        result.configs.sort_by(|a, b| a.name.cmp(&b.name));
                    }
                    let configs = answer.results.iter_mut().flat_map(|result| &mut result.configs);
                    for config in configs.filter(|config| config.name == "log.dirs") {
                        config.value = None;
                        config.synonyms.clear();
                    }
                }
            })
        }
        ApiKey::AlterConfigs => compared::<AlterConfigsRequest>(version, recorded, came, |_, _| {}),
        ApiKey::IncrementalAlterConfigs => {
            compared::<IncrementalAlterConfigsRequest>(version, recorded, came, |_, _| {})
        }
        ApiKey::LeaderAndIsr => compared::<LeaderAndIsrRequest>(version, recorded, came, |recorded, came| {
            for answer in [recorded, came] {
                let place = |it: &LeaderAndIsrPartitionError| (it.topic_name.clone(), it.partition_index);
                answer.partition_errors.sort_by_key(place);
            }
        }),
        ApiKey::StopReplica => compared::<StopReplicaRequest>(version, recorded, came, |recorded, came| {
            for answer in [recorded, came] {
                let place = |it: &StopReplicaPartitionError| (it.topic_name.clone(), it.partition_index);
                answer.partition_errors.sort_by_key(place);
            }
        }),
        ApiKey::UpdateMetadata => compared::<UpdateMetadataRequest>(version, recorded, came, |_, _| {}),
        ApiKey::ControlledShutdown => {
            compared::<ControlledShutdownRequest>(version, recorded, came, |_, _| {})
        }
        ApiKey::ElectLeaders => compared::<ElectLeadersRequest>(version, recorded, came, |recorded, came| {
            for answer in [recorded, came] {
                answer.replica_election_results.sort_by(|a, b| a.topic.cmp(&b.topic));
            }
        }),
        ApiKey::AlterPartitionReassignments => {
            compared::<AlterPartitionReassignmentsRequest>(version, recorded, came, |_, _| {})
        }
        ApiKey::ListPartitionReassignments => {
            compared::<ListPartitionReassignmentsRequest>(version, recorded, came, |_, _| {})
        }
        ApiKey::AlterIsr => compared::<AlterIsrRequest>(version, recorded, came, |_, _| {}),
        ApiKey::AlterReplicaLogDirs => {
            compared::<AlterReplicaLogDirsRequest>(version, recorded, came, |_, _| {})
        }
        ApiKey::DescribeLogDirs => {
            compared::<DescribeLogDirsRequest>(version, recorded, came, |recorded, came| {
                for answer in [recorded, came] {
                    assert_eq!(answer.results.len(), 2, "a result for each directory");
                    // Which partition lies in which of them is chance.
                    let mut all = answer.results.remove(0);
                    all.topics.extend(answer.results.drain(..).flat_map(|other| other.topics));
                    all.topics.retain(|topic| !topic.partitions.is_empty());
                    all.topics.sort_by_key(|topic| topic.partitions[0].partition_index);
                    all.log_dir = "any".to_owned();
                    answer.results = vec![all];
                }
            })
        }
        ApiKey::DeleteRecords => compared::<DeleteRecordsRequest>(version, recorded, came, |_, _| {}),
        ApiKey::CreatePartitions => compared::<CreatePartitionsRequest>(version, recorded, came, |_, _| {}),
        ApiKey::DeleteTopics => compared::<DeleteTopicsRequest>(version, recorded, came, |_, _| {}),
        other => Some(format!("{other} is not compared")),
    }
}

/// Kafka fills up what it has down-converted with an incomplete batch, to the size it had announced.
fn without_padding(answer: &mut FetchResponse, version: i16) {
    if version >= 4 {
        return;
    }
    for partition in answer.responses.iter_mut().flat_map(|topic| &mut topic.partition_responses) {
        let bytes = partition.record_set.take().map(|records| records.read().unwrap()).unwrap_or_default();
        let whole: usize =
            Batch::split(bytes.clone()).map_while(Result::ok).map(|batch| batch.bytes().len()).sum();
        let kept = if whole == 0 { bytes } else { bytes.slice(..whole) };
        partition.record_set = Some(kept.into());
    }
}
