//! Segments by themselves.
