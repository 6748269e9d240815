//! Whose mood it is, and how sure and how steady it has to be.

/// Whose expression is the mood when several people are in view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhoCounts {
    /// The largest box: usually the nearest person.
    #[default]
    Largest,
    /// The face nearest the picture's centre.
    Central,
    /// The face that has been in view longest.
    Longest,
}

/// How sure and how steady a mood has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MoodSettings {
    /// Whose expression counts.
    pub who: WhoCounts,
    /// The smoothed probability from which an expression is named, 0 to 1.
    pub threshold: f32,
    /// How much likelier than the shown expression another has to be, 0 to 1; and how far below the threshold the shown one
    /// may sink, but no farther than [`MOST_SUNK`].
    pub margin: f32,
    /// After how many milliseconds as the likeliest any lead is enough: until then the lead that is needed shrinks from
    /// `margin`. As long an expression may be too unlikely to be named until the mood is uncertain. 0: the margin stays.
    pub settle_ms: u64,
    /// How long another mood has to be the likeliest before it is shown, in milliseconds. Faces that come and go are not
    /// held up; the tracks see to those. A change of who counts, or of who looks at the camera, needs at least
    /// [`LEAST_HOLD_MS`].
    pub hold_ms: u64,
    /// Whether only people who look toward the camera count. People whose direction the net cannot judge count, too.
    pub only_facing: bool,
}

/// How far below the threshold a shown expression may sink at most.
pub const MOST_SUNK: f32 = 0.3;

/// The margin alone keeps an expression steady, so that its hold may be 0; who counts, and whether someone looks toward the
/// camera, has nothing else and must last so long.
pub const LEAST_HOLD_MS: u64 = 300;

impl MoodSettings {
    /// For how long another person must have outdone the one who counts, and a head must have turned.
    pub(crate) fn person_hold_ms(&self) -> u64 {
        self.hold_ms.max(LEAST_HOLD_MS)
    }

    /// How much likelier another expression has to be that has been the likeliest for so long. A clear change is shown at
    /// once, and a slight one if it lasts: no expression stays because nothing else is likelier by the margin.
    pub(super) fn lead(&self, lasted_ms: u64) -> f32 {
        if self.settle_ms == 0 {
            return self.margin;
        }
        let left = self.settle_ms.saturating_sub(lasted_ms);
        self.margin * (left as f32 / self.settle_ms as f32)
    }

    /// Whether the shown expression has sunk so low that it is no longer named.
    pub(super) fn is_sunk(&self, still: f32) -> bool {
        still < self.threshold - self.margin.min(MOST_SUNK)
    }
}

impl Default for MoodSettings {
    fn default() -> Self {
        Self {
            who: WhoCounts::Largest,
            threshold: 0.45,
            margin: 0.5,
            settle_ms: 2_000,
            hold_ms: 0,
            only_facing: false,
        }
    }
}
