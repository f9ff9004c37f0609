"""What a model says of files; how they are written and read is in `kerasish.saving`."""

from __future__ import annotations

from typing import Any

from kerasish import saving
from kerasish.errors import named_arguments
from kerasish.training.interrupt import interrupts


class Files:
    """The part of a model that is saved and loaded."""

    @named_arguments
    def save_weights(self, filepath: Any, overwrite: bool = True, **ignored: Any) -> None:
        """Write all weights to a file: see `kerasish.saving.save_weights`."""
        saving.save_weights(self, filepath, overwrite)

    @named_arguments
    @interrupts.whole()
    def load_weights(
        self,
        filepath: Any,
        skip_mismatch: bool = False,
        *,
        by_name: bool = False,
        untrusted: bool = False,
    ) -> None:
        """Read all weights from a file: see `kerasish.saving.load_weights`."""
        saving.load_weights(self, filepath, skip_mismatch, by_name, untrusted)
