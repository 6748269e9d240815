//! The display itself: draws the face, sends what changed, and opens a panel that failed again. Time is given in.

use embedded_graphics::prelude::Dimensions;
use moodring_core::frame::Millis;
use moodring_face::{
    animate::{Life, Pose},
    picture::{Glass, Painter},
    theme::Theme,
};

use super::{
    super::{
        Display, DisplayError, View, Wish,
        cast::{Act, Cast},
    },
    dirty::{Cost, dirty},
    grid::Grid,
    outage::Outage,
    panel::Panel,
    surface::Surface,
    wire::WireError,
};
use crate::{
    clock::{self, Clock},
    config::{DisplaySettings, ThemeName},
};

/// Opens the panel, also again after a failure.
pub type Opener<P> = Box<dyn FnMut() -> Result<Box<dyn Panel<P>>, DisplayError> + Send>;

/// A display on a wire.
pub struct Screen<S: Surface> {
    name: String,
    settings: DisplaySettings,
    on: bool,
    glass: Glass,
    clock: Clock,
    cast: Cast,
    surface: S,
    /// What was drawn into the surface last.
    drawn: Option<Drawing>,
    open: Opener<S::Cell>,
    panel: Option<Shown<S::Cell>>,
    outage: Outage,
}

/// Everything a picture depends on.
#[derive(Clone, Debug, PartialEq)]
struct Drawing {
    act: Act,
    theme: ThemeName,
    gain: u8,
}

impl<S: Surface> Screen<S> {
    /// A display that is opened when it first shows something.
    pub fn new(
        name: &str,
        settings: &DisplaySettings,
        glass: Glass,
        surface: S,
        open: Opener<S::Cell>,
    ) -> Self {
        let clock = Clock::start();
        Self {
            name: name.into(),
            settings: settings.clone(),
            on: true,
            glass,
            cast: Cast::new(settings, Life::Alive, clock.now()),
            clock,
            surface,
            drawn: None,
            open,
            panel: None,
            outage: Outage::default(),
        }
    }

    /// What the framebuffer holds.
    pub fn surface(&self) -> &S {
        &self.surface
    }

    /// Whether the panel takes pictures.
    pub fn is_up(&self) -> bool {
        self.panel.is_some()
    }

    /// Shows the view as of `now`; `minute` is the minute of the day (0 to 1439). A panel that failed rests, and is
    /// opened again after its time.
    ///
    /// # Errors
    /// [`DisplayError`] for the first failure of an outage; the others are logged for who looks closely.
    pub fn show_at(
        &mut self,
        view: &View<'_>,
        now: Millis,
        minute: u16,
    ) -> Result<(), DisplayError> {
        if self.outage.rests(now) {
            return Ok(());
        }
        let Err(error) = self.try_show(view, now, minute) else {
            if self.outage.end() {
                tracing::info!("display {} is back", self.name);
            }
            return Ok(());
        };
        self.panel = None;
        if self.outage.fail(now) {
            return Err(error);
        }
        tracing::debug!("{error}");
        Ok(())
    }

    fn try_show(&mut self, view: &View<'_>, now: Millis, minute: u16) -> Result<(), DisplayError> {
        let panel = match &mut self.panel {
            Some(panel) => panel,
            None => self.panel.insert(Shown::new((self.open)()?)),
        };
        let wanted = if self.on {
            self.settings.brightness_at(minute)
        } else {
            0
        };
        let failed = |error: WireError| DisplayError::show(&self.name, error);
        // The light comes after the first picture: what the memory held before is nobody's business. So what is left
        // to the colours shows one picture later.
        let drawing = Drawing {
            act: self
                .cast
                .act(view, now)
                .map(|pose| steady(pose, &self.surface)),
            theme: self.settings.theme,
            gain: panel.gain,
        };
        if self.drawn.as_ref() != Some(&drawing) {
            let theme = drawing.theme.or(&S::THEME);
            paint(&mut self.surface, &drawing, self.glass, &theme);
            self.drawn = Some(drawing);
        }
        panel.send(self.surface.grid(), S::COST).map_err(failed)?;
        panel.dim(wanted).map_err(failed)
    }
}

/// A panel that is open, and what it shows.
struct Shown<P> {
    panel: Box<dyn Panel<P>>,
    /// What its memory holds; unknown at first.
    memory: Option<Grid<P>>,
    /// How bright it was told to be, in percent.
    percent: Option<u8>,
    /// How bright its pictures must be drawn, in percent.
    gain: u8,
}

impl<P: Copy + PartialEq> Shown<P> {
    fn new(panel: Box<dyn Panel<P>>) -> Self {
        Self {
            panel,
            memory: None,
            percent: None,
            gain: 100,
        }
    }

    fn send(&mut self, picture: &Grid<P>, cost: Cost) -> Result<(), WireError> {
        let areas = match &self.memory {
            Some(memory) => dirty(memory, picture, cost),
            None => vec![picture.area()],
        };
        if areas.is_empty() {
            return Ok(());
        }
        self.panel.write(picture, &areas)?;
        match &mut self.memory {
            Some(memory) => memory.copy_from(picture),
            None => self.memory = Some(picture.clone()),
        }
        Ok(())
    }

    fn dim(&mut self, percent: u8) -> Result<(), WireError> {
        if self.percent != Some(percent) {
            self.gain = self.panel.dim(percent)?;
            self.percent = Some(percent);
        }
        Ok(())
    }
}

fn paint<S: Surface>(surface: &mut S, drawing: &Drawing, glass: Glass, theme: &Theme) {
    surface.set_gain(drawing.gain);
    let area = surface.bounding_box();
    drawing.act.with_picture(glass, |picture| {
        let Ok(()) = Painter::new(area, picture, theme).draw(surface);
    });
}

/// The pose with its breath in steps of half a pixel, and without what nobody sees: each change is drawn and sent.
fn steady(mut pose: Pose, surface: &impl Dimensions) -> Pose {
    let size = surface.bounding_box().size;
    let steps = size.width.min(size.height) as f32;
    pose.params.scale = (pose.params.scale * steps).round() / steps;
    if pose.params.extras.snore <= 0.0 {
        // Where the sleeper's letters float; they are not there.
        pose.params.extras.float = 0.0;
    }
    pose
}

impl<S: Surface> Display for Screen<S> {
    fn name(&self) -> &str {
        &self.name
    }

    fn show(&mut self, view: &View<'_>) -> Result<(), DisplayError> {
        let (now, minute) = (self.clock.now(), clock::minute_of_day());
        self.show_at(view, now, minute)
    }

    fn set(&mut self, wish: Wish) {
        self.on = wish.on;
        self.settings.brightness = wish.brightness;
        self.settings.night_brightness = wish.night_brightness;
        self.settings.theme = wish.theme;
    }
}

impl<S: Surface> Drop for Screen<S> {
    /// Nobody keeps the picture true any more: dark. If that fails there is nobody left to tell.
    fn drop(&mut self) {
        if let Some(shown) = &mut self.panel {
            let _ = shown.panel.dim(0);
        }
    }
}
