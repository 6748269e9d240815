//! What the tests in `tests/` share: the view from outside. Nothing here knows the inside of a crate.
//!
//! | module | what it does |
//! |---|---|
//! | [`repo`] | the paths of repository and photos, and cargo's list of packages |
//! | [`source`] | Rust sources as tokens, without what only tests see |
//! | [`binary`] | the real `moodring`, built once |
//! | [`process`] | a running program: its lines, its end, deadlines instead of sleeps |
//! | [`bench`](mod@bench) | a folder and a clean environment for one test, and `moodring` started in it |
//! | [`broker`] | a real mosquitto, and mosquitto_sub |
//! | [`files`] | named pipes |
//! | [`mutator`] | changes bytes at random, the same way for the same seed |
//! | [`guest`] | a virtual Pi in QEMU: a shell inside, and what its display's bus did |
//! | [`proxy`] | a link that can be cut |
//! | [`panel`] | display chips: captured bytes become the picture that people see |
//! | [`signer`] | signs bundles of nets with a new key |
//! | [`pictures`] | small generated pictures, good and bad |

pub mod bench;
pub mod binary;
pub mod broker;
pub mod files;
pub mod guest;
pub mod mutator;
pub mod panel;
pub mod pictures;
pub mod process;
pub mod proxy;
pub mod repo;
pub mod signer;
pub mod source;
