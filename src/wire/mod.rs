//! The wire: frames, headers, messages, record batches.
