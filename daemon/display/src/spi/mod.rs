//! Small displays on SPI or I2C: draws the face into a framebuffer and sends only what changed.
//!
//! ```text
//! face -> framebuffer -> dirty (rectangles) -> panel (a chip's commands) -> interface (SPI with D/C, or I2C)
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | [`grid`], [`framebuffer`] | a display's memory, and the face drawn in its form |
//! | [`dirty`] | finds what changed, as few rectangles |
//! | [`panel`], [`tft`], [`oled`], [`ssd1351`] | chips: colour by mipidsi, mono by page addressing, the colour OLED |
//! | [`interface`], [`backlight`], [`pwm`] | sends bytes to a chip and holds its lines; the light behind the glass |
//! | [`panel_display`], `panel_retry` | the display: draws, sends, and opens a failed panel again |
//! | [`open`](mod@open), [`check`](mod@check) | opens a board of the settings on this machine; checks it for `doctor` |

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
pub mod pwm;
mod registers;
#[cfg(feature = "rppal")]
mod rppal;
pub mod ssd1351;
pub mod tft;

pub use open::open;
pub use panel_display::PanelDisplay;
