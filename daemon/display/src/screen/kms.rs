//! A screen by the kernel's mode setting (DRM/KMS): the first connector with a screen, its preferred mode, and a dumb buffer,
//! which every driver has.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd},
    path::{Path, PathBuf},
};

use drm::{
    Device as _,
    buffer::{Buffer as _, DrmFourcc},
    control::{
        ClipRect, Device as _, Mode, ModeTypeFlags, connector, crtc, dumbbuffer::DumbBuffer,
        framebuffer,
    },
};

use super::{
    PixelTarget,
    layout::{PixelBlock, PixelForm},
};

/// A card's node. As long as it is open, this process may be its master.
#[derive(Debug)]
struct Card(File);

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl drm::Device for Card {}
impl drm::control::Device for Card {}

/// A card without a connected screen; another card, or a framebuffer device, may have one.
const NO_SCREEN: &str = "no screen is connected";

/// Whether the error only means that there is no screen here.
pub(super) fn is_no_screen(error: &io::Error) -> bool {
    error.to_string().contains(NO_SCREEN)
}

/// What is connected to a card.
struct Connected {
    connector: connector::Info,
    mode: Mode,
    crtc: crtc::Handle,
}

impl Connected {
    fn find(card: &Card) -> io::Result<Self> {
        let none = || io::Error::new(io::ErrorKind::NotFound, NO_SCREEN);
        // A renderer alone has no mode setting.
        let resources = card.resource_handles().map_err(|_| none())?;
        let connectors = resources.connectors().iter();
        // Composite video and VGA cannot detect whether a screen hangs on them, so they come after those that know of one.
        let rank = |found: &connector::Info| match found.state() {
            connector::State::Connected => Some(0),
            connector::State::Unknown => Some(1),
            connector::State::Disconnected => None,
        };
        let connector = connectors
            .filter_map(|handle| card.get_connector(*handle, false).ok())
            .filter(|found| rank(found).is_some() && !found.modes().is_empty())
            .min_by_key(rank)
            .ok_or_else(none)?;
        let modes = connector.modes();
        let preferred = |mode: &&Mode| mode.mode_type().contains(ModeTypeFlags::PREFERRED);
        let mode = modes.iter().find(preferred).or(modes.first());
        let mode = *mode.ok_or_else(none)?;
        let current = connector
            .current_encoder()
            .and_then(|encoder| card.get_encoder(encoder).ok()?.crtc());
        let possible = || {
            let encoders = connector.encoders().iter();
            encoders
                .filter_map(|encoder| card.get_encoder(*encoder).ok())
                .find_map(|found| {
                    let crtcs = resources.filter_crtcs(found.possible_crtcs());
                    crtcs.first().copied()
                })
        };
        let crtc = current.or_else(possible).ok_or_else(none)?;
        Ok(Self {
            connector,
            mode,
            crtc,
        })
    }

    fn describe(&self, path: &Path) -> String {
        let (width, height) = self.mode.size();
        let interface = self.connector.interface().as_str();
        let number = self.connector.interface_id();
        format!("{}, {interface}-{number}, {width}x{height}", path.display())
    }
}

fn card(path: &Path) -> io::Result<Card> {
    File::options().read(true).write(true).open(path).map(Card)
}

/// What is connected to a card, for people. Changes nothing.
///
/// # Errors
/// If the card cannot be opened or has no screen.
pub(super) fn look(path: &Path) -> io::Result<String> {
    Ok(Connected::find(&card(path)?)?.describe(path))
}

/// A screen that is open. What it showed before comes back when it is dropped.
pub(super) struct Kms {
    card: Card,
    path: PathBuf,
    screen: Connected,
    before: Option<crtc::Info>,
    buffer: DumbBuffer,
    framebuffer: framebuffer::Handle,
}

impl Kms {
    /// Takes the first connected screen of this card, and shows black.
    ///
    /// # Errors
    /// If there is none, or another program is its master.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let card = card(path)?;
        let screen = Connected::find(&card)?;
        let before = card.get_crtc(screen.crtc).ok();
        let (width, height) = screen.mode.size();
        let size_px = (u32::from(width), u32::from(height));
        let buffer = card.create_dumb_buffer(size_px, DrmFourcc::Xrgb8888, 32)?;
        let framebuffer = card.add_framebuffer(&buffer, 24, 32)?;
        let mut kms = Self {
            card,
            path: path.into(),
            screen,
            before,
            buffer,
            framebuffer,
        };
        // New memory may hold anything.
        let mut mapping = kms.card.map_dumb_buffer(&mut kms.buffer)?;
        let memory: &mut [u8] = mapping.as_mut();
        memory.fill(0);
        drop(mapping);
        kms.set(Some(kms.framebuffer), (0, 0), Some(kms.screen.mode))?;
        Ok(kms)
    }

    fn set(
        &self,
        framebuffer: Option<framebuffer::Handle>,
        at: (u32, u32),
        mode: Option<Mode>,
    ) -> io::Result<()> {
        let connector = [self.screen.connector.handle()];
        let connectors: &[_] = if framebuffer.is_some() {
            &connector
        } else {
            &[]
        };
        let crtc = self.screen.crtc;
        self.card.set_crtc(crtc, framebuffer, at, connectors, mode)
    }
}

impl PixelTarget for Kms {
    fn form(&self) -> (u16, u16, PixelForm) {
        let (width, height) = self.screen.mode.size();
        (width, height, PixelForm::Xrgb8888)
    }

    fn describe(&self) -> String {
        self.screen.describe(&self.path)
    }

    fn write(&mut self, blocks: &[PixelBlock]) -> io::Result<()> {
        let pitch = self.buffer.pitch() as usize;
        let mut mapping = self.card.map_dumb_buffer(&mut self.buffer)?;
        let memory: &mut [u8] = mapping.as_mut();
        let mut clips = Vec::with_capacity(blocks.len());
        for block in blocks {
            let left = usize::from(block.x) * PixelForm::Xrgb8888.bytes();
            for (y, row) in block.rows() {
                let at = usize::from(y) * pitch + left;
                // The layout keeps blocks inside the screen.
                if let Some(to) = memory.get_mut(at..at + row.len()) {
                    to.copy_from_slice(row);
                }
            }
            let (right, bottom) = (block.x + block.width, block.y + block.height);
            clips.push(ClipRect::new(block.x, block.y, right, bottom));
        }
        drop(mapping);
        // Drivers that send pictures to their screen, such as small SPI displays, must be asked to; others do not know this call.
        match self.card.dirty_framebuffer(self.framebuffer, &clips) {
            Err(error) if error.raw_os_error() == Some(NO_DEVICE) => Err(error),
            _ => Ok(()),
        }
    }
}

/// `ENODEV`: the device was unplugged.
const NO_DEVICE: i32 = 19;

impl Drop for Kms {
    fn drop(&mut self) {
        let before = self.before.as_ref();
        let shown =
            before.and_then(|crtc| Some((crtc.framebuffer()?, crtc.position(), crtc.mode()?)));
        let restored = match shown {
            Some((framebuffer, at, mode)) => self.set(Some(framebuffer), at, Some(mode)),
            None => self.set(None, (0, 0), None),
        };
        // A framebuffer that is gone in the meantime cannot be shown; the console draws its own once the card is free.
        if let Err(error) = restored {
            tracing::debug!("{}: {error}", self.path.display());
        }
        // A buffer that cannot be freed goes with the file.
        let _ = self.card.destroy_framebuffer(self.framebuffer);
        let _ = self.card.destroy_dumb_buffer(self.buffer);
        let _ = self.card.release_master_lock();
    }
}
