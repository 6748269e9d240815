//! Small displays on SPI or I2C: the face in a framebuffer, and only what changed over the wire.
//!
//! ```text
//! face -> surface (framebuffer) -> dirty (rectangles) -> panel (a chip's commands) -> wire (SPI with D/C, or I2C)
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | [`grid`], [`framebuffer`] | a display's memory, and the face drawn in its form |
//! | [`dirty`] | what changed, as few rectangles |
//! | [`panel`], [`tft`], [`oled`] | chips: colour by mipidsi, mono by page addressing |
//! | [`interface`], [`backlight`] | the way to a chip, and the light behind the glass |
//! | [`panel_display`], `panel_retry` | the display itself: draws, sends, and comes back after a failure |
//! | [`open`](mod@open), [`check`](mod@check) | a board of the settings on this machine's devices; what is wrong with them |

pub mod backlight;
pub mod check;
pub mod dirty;
pub mod framebuffer;
pub mod grid;
pub mod interface;
pub mod oled;
pub mod open;
pub mod panel;
pub mod panel_display;
pub(super) mod panel_retry;
#[cfg(feature = "rppal")]
mod rppal;
pub mod tft;

pub use open::open;
pub use panel_display::PanelDisplay;
