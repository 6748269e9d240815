//! Small displays, from the face to what people see: our drivers on one end, imitated chips on the other.
#![allow(clippy::unwrap_used)] // all of this is tests; clippy recognizes only functions with `#[test]`

mod chips;
mod makers;
mod screen;
mod support;
