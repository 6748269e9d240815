//! Backlights: hardware PWM, a GPIO line that is on or off, or none that can be switched.

use embedded_hal::digital::{ErrorType, OutputPin};

use super::{interface::InterfaceError, pwm::Pwm};
use crate::gpio::LineError;

/// A GPIO output that is set high or low.
pub type DigitalOutput = Box<dyn OutputPin<Error = LineError> + Send>;

/// A line that is low when it is set high: what hangs on it works at 0 V.
#[derive(Debug)]
pub struct ActiveLow<P>(pub P);

impl<P: ErrorType> ErrorType for ActiveLow<P> {
    type Error = P::Error;
}

impl<P: OutputPin> OutputPin for ActiveLow<P> {
    fn set_low(&mut self) -> Result<(), P::Error> {
        self.0.set_high()
    }

    fn set_high(&mut self) -> Result<(), P::Error> {
        self.0.set_low()
    }
}

/// The backlight.
pub enum Backlight {
    /// Always on, or the glass itself shines.
    Fixed,
    /// On or off; high is on, see [`ActiveLow`].
    Switch(DigitalOutput),
    /// Dimmed by PWM.
    Pwm(Pwm),
}

impl Backlight {
    /// Sets the brightness in percent. Returns how bright the picture must be drawn, for what the light cannot do
    /// itself.
    ///
    /// # Errors
    /// [`InterfaceError`] if the line or the PWM fails.
    pub fn set(&mut self, percent: u8) -> Result<u8, InterfaceError> {
        match self {
            Self::Fixed => Ok(percent),
            Self::Switch(line) => {
                line.set_state((percent > 0).into())?;
                Ok(percent)
            }
            Self::Pwm(pwm) => {
                let set = pwm.set(percent);
                set.map_err(|e| InterfaceError(format!("PWM {pwm}: {e}")))?;
                Ok(100)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    struct Line(Arc<Mutex<bool>>);

    impl ErrorType for Line {
        type Error = LineError;
    }

    impl OutputPin for Line {
        fn set_low(&mut self) -> Result<(), LineError> {
            *self.0.lock().unwrap() = false;
            Ok(())
        }

        fn set_high(&mut self) -> Result<(), LineError> {
            *self.0.lock().unwrap() = true;
            Ok(())
        }
    }

    #[test]
    fn what_a_light_cannot_do_the_picture_must() {
        assert_eq!(Backlight::Fixed.set(40), Ok(40));
    }

    #[test]
    fn a_light_may_shine_when_its_line_is_low() {
        let level = Arc::new(Mutex::new(true));
        let line = || Line(level.clone());
        let lines: [(DigitalOutput, bool); 2] = [
            (Box::new(line()), true),
            (Box::new(ActiveLow(line())), false),
        ];
        for (line, lit) in lines {
            let mut light = Backlight::Switch(line);
            assert_eq!(light.set(60), Ok(60));
            assert_eq!(*level.lock().unwrap(), lit);
            light.set(0).unwrap();
            assert_eq!(*level.lock().unwrap(), !lit);
        }
    }
}
