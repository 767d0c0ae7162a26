//! The requests of producers.

use barnabas::wire::batch::Batch;
use barnabas::wire::message::add_offsets_to_txn::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};
use barnabas::wire::message::add_partitions_to_txn::*;
use barnabas::wire::message::end_txn::{EndTxnRequest, EndTxnResponse};
use barnabas::wire::message::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use barnabas::wire::message::produce::*;
use barnabas::wire::message::txn_offset_commit::*;

use super::{MadeUp, Recorded, errors, identity, member};

impl Recorded for ProduceRequest {
    fn asked(&self) -> String {
        let partition = |topic: &TopicProduceData, it: &PartitionProduceData| {
            let bytes = it.records.as_ref().unwrap().read().unwrap();
            let batches = Batch::split(bytes).map(|batch| {
                let batch = batch.unwrap();
                let count = batch.records().unwrap().count();
                let header = batch.header();
                format!(
                    "{} sequence={} records={count}",
                    identity(header.producer_id, header.producer_epoch),
                    header.base_sequence
                )
            });
            format!("{}-{} {}", topic.name, it.partition_index, batches.collect::<Vec<_>>().join(" + "))
        };
        let all = self.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |it| (topic, it)));
        all.map(|(topic, it)| partition(topic, it)).collect::<Vec<_>>().join(", ")
    }

    fn answered(answer: &ProduceResponse) -> String {
        let all = answer.responses.iter().flat_map(|it| &it.partitions);
        let texts = all.map(|it| match it.error_code {
            0 => format!("offset={}", it.base_offset),
            code => errors([code].into_iter()),
        });
        texts.collect::<Vec<_>>().join(",")
    }

    fn make_up(&self, made_up: &MadeUp) -> ProduceResponse {
        let partition = |it: &PartitionProduceData| PartitionProduceResponse {
            partition_index: it.partition_index,
            error_code: made_up.error.code(),
            base_offset: made_up.field("offset", -1),
            log_start_offset: made_up.field("start", -1),
            log_append_time_ms: -1,
            ..Default::default()
        };
        let topic = |it: &TopicProduceData| TopicProduceResponse {
            name: it.name.clone(),
            partitions: it.partitions.iter().map(partition).collect(),
        };
        ProduceResponse { responses: self.topics.iter().map(topic).collect(), ..Default::default() }
    }
}

impl Recorded for InitProducerIdRequest {
    fn asked(&self) -> String {
        let id = self.transactional_id.as_deref().unwrap_or("-");
        format!("{id} {}", identity(self.producer_id, self.producer_epoch))
    }

    fn answered(answer: &InitProducerIdResponse) -> String {
        match answer.error_code {
            0 => identity(answer.producer_id, answer.producer_epoch),
            code => errors([code].into_iter()),
        }
    }

    fn make_up(&self, made_up: &MadeUp) -> InitProducerIdResponse {
        InitProducerIdResponse { error_code: made_up.error.code(), ..Default::default() }
    }
}

impl Recorded for AddPartitionsToTxnRequest {
    fn asked(&self) -> String {
        let all = self.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |it| (topic, it)));
        let partitions = all.map(|(topic, it)| format!("{}-{it}", topic.name)).collect::<Vec<_>>().join(",");
        format!("{} {} {partitions}", self.transactional_id, identity(self.producer_id, self.producer_epoch))
    }

    fn answered(answer: &AddPartitionsToTxnResponse) -> String {
        errors(answer.results.iter().flat_map(|it| &it.results).map(|it| it.error_code))
    }

    fn make_up(&self, made_up: &MadeUp) -> AddPartitionsToTxnResponse {
        let partition = |partition_index: &i32| AddPartitionsToTxnPartitionResult {
            partition_index: *partition_index,
            error_code: made_up.error.code(),
        };
        let topic = |it: &AddPartitionsToTxnTopic| AddPartitionsToTxnTopicResult {
            name: it.name.clone(),
            results: it.partitions.iter().map(partition).collect(),
        };
        AddPartitionsToTxnResponse { results: self.topics.iter().map(topic).collect(), ..Default::default() }
    }
}

impl Recorded for AddOffsetsToTxnRequest {
    fn asked(&self) -> String {
        let producer = identity(self.producer_id, self.producer_epoch);
        format!("{} {producer} {}", self.transactional_id, self.group_id)
    }

    fn answered(answer: &AddOffsetsToTxnResponse) -> String {
        errors([answer.error_code].into_iter())
    }

    fn make_up(&self, made_up: &MadeUp) -> AddOffsetsToTxnResponse {
        AddOffsetsToTxnResponse { error_code: made_up.error.code(), ..Default::default() }
    }
}

impl Recorded for EndTxnRequest {
    fn asked(&self) -> String {
        let end = if self.committed { "commit" } else { "abort" };
        format!("{} {} {end}", self.transactional_id, identity(self.producer_id, self.producer_epoch))
    }

    fn answered(answer: &EndTxnResponse) -> String {
        errors([answer.error_code].into_iter())
    }

    fn make_up(&self, made_up: &MadeUp) -> EndTxnResponse {
        EndTxnResponse { error_code: made_up.error.code(), ..Default::default() }
    }
}

impl Recorded for TxnOffsetCommitRequest {
    fn asked(&self) -> String {
        let all = self.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |it| (topic, it)));
        let offsets = all.map(|(topic, it)| {
            let (partition, offset) = (it.partition_index, it.committed_offset);
            format!("{}-{partition}@{offset}", topic.name)
        });
        format!(
            "{} {} {} {} {}",
            self.transactional_id,
            identity(self.producer_id, self.producer_epoch),
            self.group_id,
            member(self.generation_id, &self.member_id, self.group_instance_id.as_deref()),
            offsets.collect::<Vec<_>>().join(",")
        )
    }

    fn answered(answer: &TxnOffsetCommitResponse) -> String {
        errors(answer.topics.iter().flat_map(|it| &it.partitions).map(|it| it.error_code))
    }

    fn make_up(&self, made_up: &MadeUp) -> TxnOffsetCommitResponse {
        let partition = |it: &TxnOffsetCommitRequestPartition| TxnOffsetCommitResponsePartition {
            partition_index: it.partition_index,
            error_code: made_up.error.code(),
        };
        let topic = |it: &TxnOffsetCommitRequestTopic| TxnOffsetCommitResponseTopic {
            name: it.name.clone(),
            partitions: it.partitions.iter().map(partition).collect(),
        };
        TxnOffsetCommitResponse { topics: self.topics.iter().map(topic).collect(), ..Default::default() }
    }
}
