//! The outside view: what the tests in `tests/` share. Nothing here knows the inside of a crate.
//!
//! | room | what it does |
//! |---|---|
//! | [`repo`] | where the repository and the photos are, what cargo says about the packages |
//! | [`source`] | Rust sources as tokens, without what only tests see |

pub mod repo;
pub mod source;
