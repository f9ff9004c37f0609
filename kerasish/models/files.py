"""What a model says of files; how they are written and read is in `kerasish.saving`."""

from __future__ import annotations

import json
from typing import Any

from kerasish import saving
from kerasish.errors import named_arguments
from kerasish.export import export_model
from kerasish.saving.configs import model_config
from kerasish.training.interrupt import interrupts


class Files:
    """The part of a model that is saved and loaded.

    Attributes
    ----------
    metadata : dict
        What you want to be kept with the model in files: names of the classes, how inputs are
        scaled, ... It holds what JSON can.
    saved_with : dict
        Versions of kerasish and numpy and the number of threads when a loaded model was saved.
    """

    metadata: dict[str, Any]
    saved_with: dict[str, Any] | None = None

    def save(self, filepath: Any, overwrite: bool = True, **options: Any) -> None:
        """Write the model to a file, ``.keras`` or ``.h5``: see `kerasish.saving.save_model`."""
        saving.save_model(self, filepath, overwrite, **options)

    def to_json(self, **kwargs: Any) -> str:
        """Return the architecture as Keras's JSON text; `model_from_json` reads it."""
        return json.dumps(model_config(self), **kwargs)

    def to_yaml(self, **kwargs: Any) -> str:
        """Refuse: YAML can run code when it is read, and Keras has dropped it too."""
        raise RuntimeError(
            "to_yaml() is not there: reading YAML can run code. Use to_json() for the "
            "architecture, or save('name.keras') for the whole model."
        )

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

    @named_arguments
    def export(
        self,
        filepath: Any,
        format: Any = "numpy",
        verbose: Any = None,
        input_signature: Any = None,
        **ignored: Any,
    ) -> None:
        """Write a Python file that predicts with NumPy alone: see `kerasish.export.export_model`.

        `input_signature` is Keras's; the shape of the input is the model's.
        """
        export_model(self, filepath, format, verbose)
