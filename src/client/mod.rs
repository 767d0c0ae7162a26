//! The other side of the wire: what the tools talk through.
