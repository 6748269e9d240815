//! The trained weights.
