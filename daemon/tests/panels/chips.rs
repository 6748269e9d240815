//! What the display drivers send, read by imitated chips, is the framebuffer exactly: any board, any rotation, memory,
//! offset, mirror and colour order; whole pictures and what changed. The boards' chips are made from the makers' values
//! ([`makers`]), never from the preset; chips of made-up boards show that the drivers follow any setting.

use super::makers::{self, ColourMaker};
use super::support::{DcLine, Device, NoDelay, Reader};
use moodring_base::config::board::{BOARDS, Board, PanelChip, Rotation};
use moodring_display::spi::{
    backlight::Backlight,
    dirty::{Cost, dirty},
    grid::Grid,
    interface::{DisplayInterface, I2cInterface, SpiInterface},
    oled::Oled,
    panel::Panel,
    tft,
};
use moodring_tests::panel::{Chip, Dcs, Pages, Picture, Ssd1351, Wiring};
use proptest::prelude::*;

const TURNS: [Rotation; 4] = [
    Rotation::Deg0,
    Rotation::Deg90,
    Rotation::Deg180,
    Rotation::Deg270,
];
const COST: Cost = Cost { cell: 2, area: 300 };

fn spi<C: Reader>(device: &Device<C>) -> Box<dyn DisplayInterface> {
    Box::new(SpiInterface::new(
        device.clone(),
        DcLine(device.clone()),
        4096,
    ))
}

fn quarters(rotation: Rotation) -> usize {
    usize::from(u16::from(rotation) / 90)
}

fn pair((a, b): (u16, u16)) -> (usize, usize) {
    (a.into(), b.into())
}

/// A board's chip and glass, and our driver for it.
fn colour(board: &Board) -> (Device<Dcs>, Box<dyn Panel<u16>>) {
    let chip = Dcs::new(Wiring {
        memory_px: pair(board.memory_px()),
        glass_px: pair(board.glass_px),
        offset_px: pair(board.offset_px),
        mirror: board.mirror,
        bgr: board.bgr,
        inverts: board.invert,
    });
    let device = Device::new(chip);
    let panel = tft::open(board, spi(&device), Backlight::Fixed, &mut NoDelay).unwrap();
    (device, panel)
}

/// What people see when the glass is turned back.
fn seen(device: &Device<Dcs>, board: &Board) -> Picture<u16> {
    device
        .ask(Dcs::picture)
        .turned(4 - quarters(board.rotation))
}

fn picture<P: Copy>(grid: &Grid<P>) -> Picture<P> {
    let (width, height) = pair(grid.size());
    Picture {
        width,
        height,
        cells: grid.cells().to_vec(),
    }
}

/// Sends a picture whole, then another by what changed, and looks at the glass each time.
fn check_colour(board: &Board, pictures: &[Grid<u16>]) {
    let (device, mut panel) = colour(board);
    let first = &pictures[0];
    panel.write(first, &[first.area()]).unwrap();
    assert_eq!(seen(&device, board), picture(first), "{board:?}, whole");
    for pair in pictures.windows(2) {
        let areas = dirty(&pair[0], &pair[1], COST);
        panel.write(&pair[1], &areas).unwrap();
        assert_eq!(
            seen(&device, board),
            picture(&pair[1]),
            "{board:?}, {areas:?}"
        );
    }
}

/// No two pixels near each other are the same.
fn gradient(size: (u16, u16)) -> Grid<u16> {
    let mut grid = Grid::new(size, 0);
    for y in 0..size.1 {
        for x in 0..size.0 {
            *grid.cell_mut(x, y).unwrap() = x.wrapping_mul(2_311) ^ y.wrapping_mul(25_717);
        }
    }
    grid
}

fn preset(name: &str) -> &'static Board {
    Board::named(name).unwrap_or_else(|| panic!("there is no board {name}"))
}

/// A chip with the maker's memory and colours, and our driver for this board.
fn maker_colour(maker: &ColourMaker, board: &Board) -> (Device<Dcs>, Box<dyn Panel<u16>>) {
    let chip = Dcs::new(Wiring {
        memory_px: maker.memory_px,
        glass_px: maker.memory_px,
        offset_px: (0, 0),
        mirror: false,
        bgr: maker.upright.madctl & makers::BGR != 0,
        inverts: maker.upright.inverts,
    });
    let device = Device::new(chip);
    let panel = tft::open(board, spi(&device), Backlight::Fixed, &mut NoDelay).unwrap();
    (device, panel)
}

#[test]
fn every_board_has_a_maker_and_every_value_a_source() {
    let colour = makers::COLOUR.iter().map(|m| (m.board, m.source));
    let mono = makers::MONO.iter().map(|m| (m.board, m.source));
    let known: Vec<_> = colour.chain(mono).collect();
    for board in BOARDS.iter() {
        let held = known.iter().any(|(name, _)| *name == board.name);
        assert!(
            held || board.controller == PanelChip::Ssd1351,
            "{}",
            board.name
        );
    }
    assert!(
        known
            .iter()
            .all(|(_, source)| source.starts_with("https://"))
    );
}

/// mipidsi leaves an ILI9341 and an ST7796 at their factory values and gives an ST7735 others than any maker: colours were washed
/// out.
#[test]
fn voltages_timings_and_gamma_are_the_makers() {
    let mut held = 0;
    for maker in makers::COLOUR {
        let board = preset(maker.board);
        let (device, _panel) = maker_colour(maker, board);
        for (register, values) in makers::registers(maker) {
            let set = device.ask(|chip| chip.registers().get(register).cloned());
            assert_eq!(
                set.as_deref(),
                Some(*values),
                "{}, {register:#04x}",
                maker.board
            );
            held += 1;
        }
    }
    assert!(held > 90, "{held}");
}

#[test]
fn every_colour_board_is_upright_on_its_makers_glass_and_turns_from_there() {
    for maker in makers::COLOUR {
        let known = preset(maker.board);
        for turn in TURNS {
            let board = Board {
                rotation: turn,
                ..known.clone()
            };
            let (device, mut panel) = maker_colour(maker, &board);
            let whole = gradient(board.picture_px());
            panel.write(&whole, &[whole.area()]).unwrap();
            let mut changed = whole.clone();
            for (x, y) in [(0, 0), (7, 9), (8, 9), (board.picture_px().0 - 1, 70)] {
                *changed.cell_mut(x, y).unwrap() ^= 0x1863;
            }
            panel
                .write(&changed, &dirty(&whole, &changed, COST))
                .unwrap();
            let seen = device.ask(|chip| chip.picture_upright(maker.upright));
            let turned = quarters(turn) + 4 - quarters(known.rotation);
            let seen = seen.turned(maker.turned_before + 4 - turned % 4);
            assert_eq!(seen, picture(&changed), "{} at {turn:?}", maker.board);
        }
    }
}

#[test]
fn every_colour_board_is_addressed_as_its_maker_addresses_it() {
    for maker in makers::COLOUR {
        for rotation in TURNS {
            let board = Board {
                rotation,
                ..preset(maker.board).clone()
            };
            let (device, mut panel) = maker_colour(maker, &board);
            let whole = gradient(board.picture_px());
            panel.write(&whole, &[whole.area()]).unwrap();
            let (madctl, window) = device.ask(|chip| (chip.madctl(), chip.last_window()));
            let of = maker
                .orientations
                .iter()
                .find(|(m, _)| *m == madctl & makers::SEEN);
            let what = format!("{} at {rotation:?}, MADCTL {madctl:#04x}", maker.board);
            let (_, first) = of.unwrap_or_else(|| panic!("{what}: not one of the maker's"));
            let (width, height) = pair(board.picture_px());
            let (column, row) = *first;
            let expected = [(column, column + width - 1), (row, row + height - 1)];
            assert_eq!(window, expected, "{what}");
        }
    }
}

#[test]
fn every_mono_board_is_upright_on_its_makers_glass_with_its_contrast() {
    for maker in makers::MONO {
        let known = preset(maker.board);
        for turn in TURNS {
            let board = Board {
                rotation: turn,
                ..known.clone()
            };
            let device = Device::new(Pages::glued(maker.chip, maker.gluing));
            let interface: Box<dyn DisplayInterface> = if board.is_i2c() {
                Box::new(I2cInterface::new(device.clone(), 0x3c))
            } else {
                spi(&device)
            };
            let mut panel = Oled::open(&board, interface).unwrap();
            let mut shown = Grid::new((board.glass_px.0, board.glass_px.1 / 8), 0_u8);
            let pages = shown.size().1;
            for x in 0..board.glass_px.0 {
                for page in 0..pages {
                    *shown.cell_mut(x, page).unwrap() = (x * 37 + page * 101) as u8;
                }
            }
            panel.write(&shown, &[shown.area()]).unwrap();
            panel.dim(100).unwrap();
            // The chip turns half a circle; quarters are turned in the framebuffer.
            let upside_down = (quarters(turn) >= 2) != (quarters(known.rotation) >= 2);
            let seen = device.ask(Pages::picture);
            let seen = if upside_down { seen.turned(2) } else { seen };
            let expected = Picture::from_fn(pair(board.glass_px), |x, y| {
                shown.row((y / 8) as u16)[x] >> (y % 8) & 1 == 1
            });
            assert_eq!(seen, expected, "{} at {turn:?}", maker.board);
            assert_eq!(
                device.ask(Pages::contrast),
                maker.contrast,
                "{}",
                maker.board
            );
        }
    }
}

#[test]
fn the_colour_oled_turns_and_dims_as_its_maker_has_it() {
    for (turn, remap) in TURNS.into_iter().zip(makers::SSD1351_REMAP) {
        let board = Board {
            rotation: turn,
            ..preset("ssd1351").clone()
        };
        let device = Device::new(Ssd1351::new());
        let mut panel = tft::open(&board, spi(&device), Backlight::Fixed, &mut NoDelay).unwrap();
        let whole = gradient((128, 128));
        panel.write(&whole, &[whole.area()]).unwrap();
        let mut changed = whole.clone();
        for (x, y) in [(0, 0), (7, 9), (8, 9), (127, 100), (3, 127)] {
            *changed.cell_mut(x, y).unwrap() ^= 0x1863;
        }
        panel
            .write(&changed, &dirty(&whole, &changed, COST))
            .unwrap();
        assert_eq!(panel.dim(100), Ok(100));
        assert_eq!(device.ask(Ssd1351::remap), remap, "{turn:?}");
        assert_eq!(device.ask(Ssd1351::contrast), makers::SSD1351_CONTRAST);
        let seen = device.ask(Ssd1351::picture).turned(4 - quarters(turn));
        assert_eq!(seen, picture(&changed), "{turn:?}");
        panel.dim(50).unwrap();
        assert_eq!(device.ask(Ssd1351::contrast), [0x64, 0x40, 0x64]);
        panel.dim(0).unwrap();
        assert_eq!(device.ask(Ssd1351::contrast), [0; 3]);
    }
}

fn any_board() -> impl Strategy<Value = Board> {
    const CHIPS: [PanelChip; 5] = [
        PanelChip::St7789,
        PanelChip::Ili9341,
        PanelChip::Gc9a01,
        PanelChip::St7735s,
        PanelChip::St7796,
    ];
    let chip = prop::sample::select(&CHIPS[..]).prop_flat_map(|chip| {
        let (width, height) = chip.memory_px();
        // A part of the memory, a part of that as glass, and where the glass begins.
        let side = |memory: u16| {
            (16..=memory, 16..=memory, 0..=memory).prop_map(|(memory, glass, offset)| {
                let glass = glass.min(memory);
                (memory, glass, offset.min(memory - glass))
            })
        };
        (Just(chip), side(width), side(height))
    });
    let turn = prop::sample::select(&TURNS[..]);
    (chip, turn, any::<[bool; 3]>()).prop_map(
        |((controller, x, y), rotation, [mirror, bgr, invert])| Board {
            controller,
            small_memory_px: Some((x.0, y.0)),
            glass_px: (x.1, y.1),
            offset_px: (x.2, y.2),
            rotation,
            mirror,
            bgr,
            invert,
            ..Board::named("st7789-240x240").unwrap().clone()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_offset_mirror_and_colour_order_shows_the_framebuffer(
        board in any_board(),
        spots in prop::collection::vec((any::<u16>(), any::<u16>(), any::<u16>()), 1..60),
    ) {
        let size = board.picture_px();
        let mut pictures = vec![gradient(size)];
        for spots in spots.chunks(20) {
            let mut next = pictures[pictures.len() - 1].clone();
            for (x, y, value) in spots {
                *next.cell_mut(x % size.0, y % size.1).unwrap() = *value;
            }
            pictures.push(next);
        }
        check_colour(&board, &pictures);
    }

    #[test]
    fn mono_pages_show_the_framebuffer(
        sh1106: bool, i2c: bool, mirror: bool, invert: bool,
        turn in prop::sample::select(&TURNS[..]),
        spots in prop::collection::vec((0_u16..128, 0_u16..8, any::<u8>()), 1..60),
    ) {
        let name = if sh1106 { "sh1106" } else { "ssd1306" };
        let board = Board { mirror, invert, rotation: turn, ..Board::named(name).unwrap().clone() };
        let device = Device::new(Pages::new(if sh1106 { Chip::Sh1106 } else { Chip::Ssd1306 }));
        let interface = if i2c { Box::new(I2cInterface::new(device.clone(), 0x3c)) } else { spi(&device) };
        let mut panel = Oled::open(&board, interface).unwrap();
        let mut shown = Grid::new((128, 8), 0);
        panel.write(&shown, &[shown.area()]).unwrap();
        panel.dim(100).unwrap();
        let mut changed = shown.clone();
        for (x, page, value) in spots {
            *changed.cell_mut(x, page).unwrap() = value;
        }
        panel.write(&changed, &dirty(&shown, &changed, Cost { cell: 1, area: 16 })).unwrap();
        shown.copy_from(&changed);
        // Quarters are turned in the framebuffer; the chip turns half a circle, and mirrors.
        let upside_down = quarters(turn) >= 2;
        let expected = Picture::from_fn((128, 64), |x, y| {
            let (x, y) = if upside_down { (127 - x, 63 - y) } else { (x, y) };
            let x = if mirror { 127 - x } else { x };
            let cell = shown.row((y / 8) as u16)[x];
            (cell >> (y % 8) & 1 == 1) != invert
        });
        prop_assert_eq!(device.ask(Pages::picture), expected);
    }
}
