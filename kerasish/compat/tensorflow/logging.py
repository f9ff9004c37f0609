"""``tf.logging``: levels, which have no effect."""

from typing import Any

DEBUG, INFO, WARN, WARNING, ERROR, FATAL = 10, 20, 30, 30, 40, 50


def set_verbosity(v: Any) -> None:
    """Nothing: kerasish warns through Python's own warnings."""
