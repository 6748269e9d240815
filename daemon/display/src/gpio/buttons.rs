//! The thread that turns presses of buttons into commands.

use std::{thread::JoinHandle, time::Duration};

use moodring_base::{
    command::{Calibrate, Command, CommandSender, Switch},
    config::{DisplayKind, Settings, pin::Pin},
    shutdown::Shutdown,
    worker::Supervisor,
};
use moodring_core::frame::Millis;
use rustix::time::{ClockId, clock_gettime};

use super::{
    Chips, GpioError,
    button::{Button, ButtonTiming, Press},
    edges::{EdgeSource, WatchedLines},
};

/// The longest wait between two looks at the stop flag.
const SLICE_MS: u64 = 100;

/// The purpose of a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ButtonRole {
    /// Next camera; held: camera off and on.
    Camera,
    /// Takes a picture; held: learns the resting face of whoever is in view.
    Picture,
}

impl ButtonRole {
    /// The command of a press.
    pub fn command(self, press: Press) -> Option<Command> {
        match (self, press) {
            (Self::Camera, Press::Short) => Some(Command::NextCamera),
            (Self::Camera, Press::Long) => Some(Command::Camera(Switch::Toggle)),
            (Self::Picture, Press::Short) => Some(Command::TakePicture),
            (Self::Picture, Press::Long) => Some(Command::Calibrate(Calibrate::Start)),
        }
    }
}

/// The buttons of the settings: their pins and purposes.
pub fn wanted(settings: &Settings) -> Vec<(Pin, ButtonRole)> {
    let (mut camera, mut picture) = (Pin::None, Pin::None);
    if settings.display.kind == DisplayKind::Spi
        && let Ok(board) = settings.panel.board(&settings.display.board)
    {
        (camera, picture) = (board.camera_button, board.picture_button);
    }
    settings.buttons.camera.apply(&mut camera);
    settings.buttons.picture.apply(&mut picture);
    let all = [(camera, ButtonRole::Camera), (picture, ButtonRole::Picture)];
    all.into_iter().filter(|(pin, _)| pin.is_some()).collect()
}

/// Starts the thread for the buttons of the settings; `None` if there are none.
///
/// # Errors
/// [`GpioError`] if the lines cannot be requested.
pub fn spawn(
    settings: &Settings,
    commands: CommandSender,
    supervisor: &Supervisor,
    shutdown: Shutdown,
) -> Result<Option<JoinHandle<()>>, GpioError> {
    let buttons = wanted(settings);
    if buttons.is_empty() {
        return Ok(None);
    }
    let chips = Chips::of_this_machine();
    let mut places = Vec::new();
    for (pin, _) in &buttons {
        let place = chips.place(pin, &settings.panel.gpio_chip)?;
        places.extend(place.map(|place| (pin.clone(), place)));
    }
    if !chips.has_pull_ups(&settings.panel.gpio_chip) {
        tracing::warn!(
            "the buttons: this machine cannot pull its lines up, so each needs a resistor of 10 kOhm from its line to 3.3 V, or \
             it presses by itself (deploy/jetson.md)"
        );
    }
    let timing = ButtonTiming {
        debounce_ms: settings.buttons.debounce_ms,
        long_ms: settings.buttons.long_ms,
    };
    let mut lines = WatchedLines::open(&places)?;
    let roles: Vec<_> = buttons.into_iter().map(|(_, role)| role).collect();
    let stop = shutdown.clone();
    let watch = move || {
        let send = |command| {
            // A closed channel means that the daemon is ending.
            let _ = commands.send(command);
        };
        if let Err(error) = run(&mut lines, &roles, timing, monotonic, &stop, send) {
            tracing::warn!("the buttons are gone: {error}");
        }
    };
    let thread = supervisor.spawn("buttons", shutdown, watch);
    Ok(thread
        .inspect_err(|e| tracing::warn!("no thread for the buttons: {e}"))
        .ok())
}

/// Turns edges into commands until the stop flag is set.
fn run(
    edges: &mut dyn EdgeSource,
    roles: &[ButtonRole],
    timing: ButtonTiming,
    now: impl Fn() -> Millis,
    stop: &Shutdown,
    send: impl Fn(Command),
) -> Result<(), GpioError> {
    let mut buttons = vec![Button::new(timing); roles.len()];
    let send_press = |line: usize, press: Option<Press>| {
        let asked = press.and_then(|press| roles.get(line)?.command(press));
        if let Some(command) = asked {
            send(command);
        }
    };
    while !stop.has_begun() {
        let wake = buttons.iter().filter_map(Button::wake).min();
        let patience = wake.map_or(SLICE_MS, |wake| wake.since(now()).min(SLICE_MS));
        if let Some(edge) = edges.next(Duration::from_millis(patience))?
            && let Some(button) = buttons.get_mut(edge.line)
        {
            send_press(edge.line, button.edge(edge.pressed, edge.time));
            // More edges may be waiting that came before now.
            continue;
        }
        for (line, button) in buttons.iter_mut().enumerate() {
            send_press(line, button.pass(now()));
        }
    }
    Ok(())
}

/// The clock that the kernel stamps edges with.
fn monotonic() -> Millis {
    let now = clock_gettime(ClockId::Monotonic);
    // It starts near 0 when the machine boots, so neither part is negative.
    Millis(now.tv_sec as u64 * 1_000 + now.tv_nsec as u64 / 1_000_000)
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        collections::VecDeque,
        rc::Rc,
        sync::{Arc, Mutex},
    };

    use super::{super::edges::Edge, *};

    /// Edges at their times on a clock that only waiting moves.
    struct ScriptedEdges {
        edges: VecDeque<Edge>,
        now: Arc<Mutex<u64>>,
        stop: Shutdown,
    }

    impl EdgeSource for ScriptedEdges {
        fn next(&mut self, patience: Duration) -> Result<Option<Edge>, GpioError> {
            let mut now = self.now.lock().unwrap();
            let until = *now + (patience.as_millis() as u64).max(1);
            let due = self.edges.front().is_some_and(|edge| edge.time.0 <= until);
            let edge = if due { self.edges.pop_front() } else { None };
            *now = edge.map_or(until, |edge| edge.time.0.max(*now));
            if *now > 20_000 {
                self.stop.begin();
            }
            Ok(edge)
        }
    }

    /// The commands sent, and when.
    fn play(edges: &[(u64, usize, bool)]) -> Vec<(u64, Command)> {
        let (now, stop) = (Arc::new(Mutex::new(0)), Shutdown::default());
        let edge = |&(ms, line, pressed): &(u64, usize, bool)| Edge {
            line,
            pressed,
            time: Millis(ms),
        };
        let mut played = ScriptedEdges {
            edges: edges.iter().map(edge).collect(),
            now: Arc::clone(&now),
            stop: stop.clone(),
        };
        let timing = ButtonTiming {
            debounce_ms: 20,
            long_ms: 1_000,
        };
        let sent = Rc::new(Cell::new(Vec::new()));
        let clock = || Millis(*now.lock().unwrap());
        let send = |command| {
            let mut all = sent.take();
            all.push((clock().0, command));
            sent.set(all);
        };
        let roles = [ButtonRole::Camera, ButtonRole::Picture];
        run(&mut played, &roles, timing, clock, &stop, send).unwrap();
        sent.take()
    }

    #[test]
    fn each_button_has_a_command_for_a_short_press_and_one_for_a_long() {
        let sent = play(&[
            (1_000, 0, true),
            (1_003, 0, false),
            (1_005, 0, true),
            (1_200, 0, false),
            (5_000, 0, true),
            (7_000, 0, false),
            (9_000, 1, true),
            (9_100, 1, false),
            (12_000, 1, true),
            (14_000, 1, false),
        ]);
        let commands: Vec<_> = sent.iter().map(|(_, command)| command.clone()).collect();
        let toggle = Command::Camera(Switch::Toggle);
        let calibrate = Command::Calibrate(Calibrate::Start);
        assert_eq!(
            commands,
            [Command::NextCamera, toggle, Command::TakePicture, calibrate]
        );
        assert!((1_220..1_230).contains(&sent[0].0), "{sent:?}");
        assert!(
            (6_000..6_010).contains(&sent[1].0),
            "while it is still held: {sent:?}"
        );
    }

    #[test]
    fn both_at_once_do_not_disturb_each_other() {
        let sent = play(&[
            (1_000, 0, true),
            (1_010, 1, true),
            (1_200, 1, false),
            (2_500, 0, false),
        ]);
        let toggle = Command::Camera(Switch::Toggle);
        let commands: Vec<_> = sent.iter().map(|(_, command)| command.clone()).collect();
        assert_eq!(commands, [Command::TakePicture, toggle]);
    }

    #[test]
    fn buttons_are_the_boards_unless_the_settings_name_others() {
        let settings = |text: &str| toml::from_str::<Settings>(text).unwrap();
        assert_eq!(wanted(&settings("")), []);
        let hat = "[display]\nkind = \"spi\"\nboard = \"display-hat-mini\"\n";
        let both = [
            (Pin::Gpio(5), ButtonRole::Camera),
            (Pin::Gpio(6), ButtonRole::Picture),
        ];
        assert_eq!(wanted(&settings(hat)), both);
        let own = settings(&format!(
            "{hat}[buttons]\ncamera = 16\npicture = \"none\"\n"
        ));
        assert_eq!(wanted(&own), [(Pin::Gpio(16), ButtonRole::Camera)]);
        let alone = settings("[buttons]\npicture = 4\n");
        assert_eq!(wanted(&alone), [(Pin::Gpio(4), ButtonRole::Picture)]);
    }
}
