//! Small displays on SPI or I2C: the face in a framebuffer, and only what changed over the wire.
//!
//! ```text
//! face -> surface (framebuffer) -> dirty (rectangles) -> panel (a chip's commands) -> wire (SPI with D/C, or I2C)
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | [`grid`], [`surface`] | a display's memory, and the face drawn in its form |
//! | [`dirty`] | what changed, as few rectangles |
//! | [`panel`], [`tft`], [`oled`] | chips: colour by mipidsi, mono by page addressing |
//! | [`wire`], [`light`] | the way to a chip, and the light behind the glass |
//! | [`screen`], `outage` | the display itself: draws, sends, and comes back after a failure |
//! | [`open`](mod@open), [`check`](mod@check) | a board of the settings on this machine's devices; what is wrong with them |

pub mod check;
pub mod dirty;
pub mod grid;
pub mod light;
pub mod oled;
pub mod open;
pub(super) mod outage;
pub mod panel;
#[cfg(feature = "rppal")]
mod rppal;
pub mod screen;
pub mod surface;
pub mod tft;
pub mod wire;

pub use open::open;
pub use screen::Screen;
