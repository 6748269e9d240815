//! A mood drawn as an emoji face on any embedded-graphics target.
#![no_std]
