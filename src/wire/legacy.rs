//! Messages of formats 0 and 1.

use super::batch::{Batch, BatchError};
use super::record::Record;

/// The records in one message of format 0 or 1.
pub(super) fn records_of(_batch: &Batch, _limit: usize) -> Result<Vec<Record>, BatchError> {
    Err(BatchError::Unsupported("formats 0 and 1 are not read yet".into()))
}
