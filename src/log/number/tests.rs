//! What may be appended, and what it becomes.
