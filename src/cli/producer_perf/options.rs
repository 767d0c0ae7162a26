//! The options of `kafka-producer-perf-test.sh`. Pure but for the files that they name.

use clap::{ArgAction, ArgGroup, Parser};

use crate::cli::output_format::OutputOption;

/// Sends records as fast as it is allowed to, and shows how fast that was and how long the answers took.
#[derive(Debug, Parser)]
#[command(group = ArgGroup::new("payload").required(true).args(["record_size", "payload_file"]))]
pub(crate) struct ProducerPerfOptions {
    /// The topic to send to.
    #[arg(long, value_name = "TOPIC")]
    pub topic: String,
    /// How many records to send.
    #[arg(long, value_name = "NUM-RECORDS")]
    pub num_records: i64,
    /// What stands between the payloads in the file of --payload-file; a regular expression.
    #[arg(long, value_name = "PAYLOAD-DELIMITER", default_value = "\\n")]
    pub payload_delimiter: String,
    /// About how many records to send a second; -1 for as many as possible.
    #[arg(long, value_name = "THROUGHPUT")]
    pub throughput: i32,
    /// Producer settings, such as bootstrap.servers=localhost:9092; they go before those of --producer.config.
    #[arg(long, value_name = "PROP-NAME=PROP-VALUE", num_args = 1.., action = ArgAction::Append)]
    pub producer_props: Vec<String>,
    #[command(flatten)]
    pub output: OutputOption,
    /// A properties file of producer settings.
    #[arg(long = "producer.config", value_name = "CONFIG-FILE")]
    pub producer_config: Option<String>,
    /// Print what the producer has counted at the end.
    #[arg(long)]
    pub print_metrics: bool,
    /// The transactional.id, where --transaction-duration-ms asks for transactions.
    #[arg(
        long,
        value_name = "TRANSACTIONAL-ID",
        default_value = "performance-producer-default-transactional-id"
    )]
    pub transactional_id: String,
    /// Commit a transaction once it is so old, in milliseconds; without transactions where it is not above 0.
    #[arg(long, value_name = "TRANSACTION-DURATION", default_value_t = 0)]
    pub transaction_duration_ms: i64,
    /// The size of a record in bytes; either this or --payload-file.
    #[arg(long, value_name = "RECORD-SIZE")]
    pub record_size: Option<i32>,
    /// A file of payloads, from which each record takes one by chance; either this or --record-size.
    #[arg(long, value_name = "PAYLOAD-FILE")]
    pub payload_file: Option<String>,
}
