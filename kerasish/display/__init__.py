"""How progress reaches people, alike for training, predictions, downloads and searches."""

from kerasish.display.bar import INTERVAL, Bar, activity, announce, bars
from kerasish.display.screens import Lines, choose, encodable, has_blocks, kernel, mute, say, width
from kerasish.display.status import Status, clock, four_digits, printable

__all__ = [
    "INTERVAL",
    "Bar",
    "Lines",
    "Status",
    "activity",
    "announce",
    "bars",
    "choose",
    "clock",
    "encodable",
    "four_digits",
    "has_blocks",
    "kernel",
    "mute",
    "printable",
    "say",
    "width",
]
