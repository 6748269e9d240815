//! Colour displays by mipidsi: a window of the memory, its pixels, and the backlight.
//!
//! mipidsi knows one memory size for a chip, but the chip's pins make it smaller on some glasses. A picture that is
//! mirrored or turned begins at the memory's other end, so `offset_for_mipidsi` computes where that is.

use embedded_graphics::pixelcolor::{Rgb565, raw::RawU16};
use embedded_hal::delay::DelayNs;
use mipidsi::{
    Builder, Display, NoResetPin,
    dcs::{DcsCommand, SetAddressMode},
    interface::{Interface, InterfaceKind, InterfacePixelFormat},
    models::{GC9A01, ILI9341Rgb565, Model, ST7735s, ST7789, ST7796},
    options::{ColorInversion, ColorOrder, Orientation, RefreshOrder, Rotation as Turn},
};
use moodring_base::config::board::{Board, PanelChip, Rotation};

use super::{
    backlight::Backlight,
    grid::{CellRect, Grid},
    interface::{DisplayInterface, InterfaceError},
    panel::Panel,
    registers::{self, Register},
    ssd1351::Ssd1351,
};

/// Sets the board's chip up and switches it on. It shows what its memory holds, so the backlight is still off.
///
/// # Errors
/// [`InterfaceError`] if the chip cannot be reached, or is not for colour.
pub fn open(
    board: &Board,
    interface: Box<dyn DisplayInterface>,
    light: Backlight,
    delay: &mut impl DelayNs,
) -> Result<Box<dyn Panel<u16>>, InterfaceError> {
    Ok(match board.controller {
        PanelChip::St7789 => Box::new(Tft::open(ST7789, board, interface, light, delay)?),
        PanelChip::Ili9341 => Box::new(Tft::open(ILI9341Rgb565, board, interface, light, delay)?),
        PanelChip::St7735s => Box::new(Tft::open(ST7735s, board, interface, light, delay)?),
        PanelChip::Gc9a01 => Box::new(Tft::open(GC9A01, board, interface, light, delay)?),
        PanelChip::St7796 => Box::new(Tft::open(ST7796, board, interface, light, delay)?),
        PanelChip::Ssd1351 => Box::new(Ssd1351::open(board, interface)?),
        PanelChip::Ssd1306 | PanelChip::Sh1106 | PanelChip::Sh1107 => {
            return Err(InterfaceError(format!(
                "{:?} knows no colours",
                board.controller
            )));
        }
    })
}

/// Bits of the address mode (MADCTL): MX and MY.
const COLUMNS_REVERSED: u8 = 0x40;
const ROWS_REVERSED: u8 = 0x80;

/// How the picture lies in the chip's memory.
fn orientation(board: &Board) -> Orientation {
    Orientation {
        rotation: match board.rotation {
            Rotation::Deg0 => Turn::Deg0,
            Rotation::Deg90 => Turn::Deg90,
            Rotation::Deg180 => Turn::Deg180,
            Rotation::Deg270 => Turn::Deg270,
        },
        mirrored: board.mirror,
    }
}

/// The glass's offset as mipidsi wants it: mipidsi counts reversed columns and rows from the end of the chip's
/// whole memory, this glass's chip from the end of the memory that it uses.
fn offset_for_mipidsi(board: &Board) -> (u16, u16) {
    let (whole, used) = (board.controller.memory_px(), board.memory_px());
    let mut madctl = [0];
    SetAddressMode::new(ColorOrder::Rgb, orientation(board), RefreshOrder::default())
        .fill_params_buf(&mut madctl);
    let shift = |reversed: bool, whole: u16, used: u16| if reversed { whole - used } else { 0 };
    let (x, y) = board.offset_px;
    (
        x + shift(madctl[0] & COLUMNS_REVERSED != 0, whole.0, used.0),
        y + shift(madctl[0] & ROWS_REVERSED != 0, whole.1, used.1),
    )
}

struct Tft<M: Model>
where
    M::ColorFormat: InterfacePixelFormat<u8>,
{
    chip: Display<InterfaceAdapter, M, NoResetPin>,
    light: Backlight,
}

impl<M> Tft<M>
where
    M: Model<ColorFormat = Rgb565>,
{
    fn open(
        model: M,
        board: &Board,
        interface: Box<dyn DisplayInterface>,
        mut light: Backlight,
        delay: &mut impl DelayNs,
    ) -> Result<Self, InterfaceError> {
        light.set(0)?;
        let order = if board.bgr {
            ColorOrder::Bgr
        } else {
            ColorOrder::Rgb
        };
        let inversion = if board.invert {
            ColorInversion::Inverted
        } else {
            ColorInversion::Normal
        };
        let serial = InterfaceAdapter {
            interface,
            registers: registers::of(board),
            pixels: Vec::with_capacity(InterfaceAdapter::PIXELS_BYTES),
        };
        let offset = offset_for_mipidsi(board);
        let chip = Builder::new(model, serial)
            .display_size(board.glass_px.0, board.glass_px.1)
            .display_offset(offset.0, offset.1)
            .orientation(orientation(board))
            .color_order(order)
            .invert_colors(inversion)
            .init(delay)
            .map_err(|error| match error {
                mipidsi::InitError::Interface(error) => error,
                mipidsi::InitError::InvalidConfiguration(error) => {
                    InterfaceError(format!("the chip's settings: {error:?}"))
                }
                mipidsi::InitError::ResetPin(never) => match never {},
            })?;
        Ok(Self { chip, light })
    }
}

impl<M> Panel<u16> for Tft<M>
where
    M: Model<ColorFormat = Rgb565> + Send,
{
    fn write(&mut self, picture: &Grid<u16>, areas: &[CellRect]) -> Result<(), InterfaceError> {
        for area in areas {
            let (right, bottom) = (area.x + area.width - 1, area.y + area.height - 1);
            let pixels = picture
                .cells_in(*area)
                .map(|raw| Rgb565::from(RawU16::from(raw)));
            self.chip
                .set_pixels(area.x, area.y, right, bottom, pixels)?;
        }
        Ok(())
    }

    fn dim(&mut self, percent: u8) -> Result<u8, InterfaceError> {
        self.light.set(percent)
    }
}

const DISPLAY_ON: u8 = 0x29;

/// Adapts our interface to mipidsi. mipidsi's own would borrow a buffer for ever and send empty arguments.
struct InterfaceAdapter {
    interface: Box<dyn DisplayInterface>,
    /// What goes before the first `DISPLAY_ON`: mipidsi resets the chip at the beginning, and shows nothing after it.
    registers: &'static [Register],
    pixels: Vec<u8>,
}

impl InterfaceAdapter {
    /// Pixels are collected up to this many bytes; the interface splits them as its device needs.
    const PIXELS_BYTES: usize = 65_536;

    fn flush(&mut self) -> Result<(), InterfaceError> {
        let sent = self.interface.data(&self.pixels);
        self.pixels.clear();
        sent
    }

    fn collect(&mut self, pixel: &[u8]) -> Result<(), InterfaceError> {
        if self.pixels.len() + pixel.len() > Self::PIXELS_BYTES {
            self.flush()?;
        }
        self.pixels.extend_from_slice(pixel);
        Ok(())
    }
}

impl Interface for InterfaceAdapter {
    type Word = u8;
    type Error = InterfaceError;

    const KIND: InterfaceKind = InterfaceKind::Serial4Line;

    fn send_command(&mut self, command: u8, args: &[u8]) -> Result<(), InterfaceError> {
        if command == DISPLAY_ON {
            for (register, values) in std::mem::take(&mut self.registers) {
                self.send_command(*register, values)?;
            }
        }
        self.interface.command(&[command])?;
        if args.is_empty() {
            return Ok(());
        }
        self.interface.data(args)
    }

    fn send_pixels<const N: usize>(
        &mut self,
        pixels: impl IntoIterator<Item = [u8; N]>,
    ) -> Result<(), InterfaceError> {
        for pixel in pixels {
            self.collect(&pixel)?;
        }
        self.flush()
    }

    fn send_repeated_pixel<const N: usize>(
        &mut self,
        pixel: [u8; N],
        count: u32,
    ) -> Result<(), InterfaceError> {
        for _ in 0..count {
            self.collect(&pixel)?;
        }
        self.flush()
    }
}
