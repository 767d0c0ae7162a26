//! What lies on disk.

pub mod checkpoint;
pub mod directory;
pub mod epochs;
pub mod failure;
pub mod index;
pub mod meta_properties;
pub mod position;
pub mod retention;
