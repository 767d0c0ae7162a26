//! Record batches that Kafka 2.7.2 and Barnabas are sent alike: how they are sent, how answers and stored batches are
//! compared, and what was recorded.

pub mod claims;
pub mod codec;
pub mod compare;
pub mod deliberate;
pub mod exchange;
pub mod recording;
pub mod stored;
pub mod topics;
