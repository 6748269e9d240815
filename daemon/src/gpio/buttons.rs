//! The thread that turns presses into commands.
