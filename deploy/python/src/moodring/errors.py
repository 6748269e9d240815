"""What can go wrong. Everything that this package raises by itself is a `MoodringError`."""


class MoodringError(Exception):
    """The common parent."""


class MessageError(MoodringError):
    """A payload is not what a moodring publishes; the text names the field."""


class RefusedError(MoodringError):
    """The device refused a request, or did not answer in time; the text is the device's own reason."""


class ConnectionLostError(MoodringError):
    """The broker or the device cannot be reached, or refuses this program; the text says which and why."""
