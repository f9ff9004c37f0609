"""Judging: what callbacks share that look at the predictions of a validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.callbacks.base import Callback
from kerasish.display import printable
from kerasish.errors import check_whole
from kerasish.viz.classes import class_numbers, name_of
from kerasish.viz.confusion import count_confusions


class Judging(Callback):
    """Base of callbacks that count, during validation, which class was taken for which.

    They see the predictions that the validation makes anyway. `matrix` (classes, classes) has a
    row for each true class. It serves `evaluate` as well as `fit`.
    """

    first_rank_only = True
    class_names: Sequence[str] | None
    every: int

    def _prepare(self) -> None:
        check_whole(type(self).__name__, "every", self.every, 1, "of epochs")
        self.matrix: np.ndarray | None = None
        self._pairs: list[tuple[list[int], list[int]]] = []
        self._epoch: int | None = None
        self._classes = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """See that there will be a validation."""
        self.matrix, self._epoch = None, None
        reports = getattr(self._company, "reports", None)
        if reports is not None and not any(key.startswith("val_") for key in reports):
            raise ValueError(
                f"{type(self).__name__} looks at the predictions of the validation, but there is "
                f"none. Pass validation_data or validation_split to fit()."
            )
        self._check_classes()

    def _check_classes(self) -> None:
        shape = self.model.output_shape
        if len(shape) != 2:
            raise ValueError(
                f"{type(self).__name__} needs one class a sample, but the model puts out "
                f"{tuple(shape)}. Its last layer must be a Dense of one unit a class."
            )
        self._classes = max(int(shape[-1] or 1), 2)
        names = self.class_names
        if names is not None and len(names) != self._classes:
            raise ValueError(
                f"{type(self).__name__}: `class_names` has {len(names)} names, but the model tells "
                f"{self._classes} classes apart."
            )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Know which epoch it is."""
        self._epoch = epoch

    def on_test_begin(self, logs: Any = None) -> None:
        """Look at the predictions from now on."""
        self._check_classes()
        self._pairs = []
        self.model.program.observers.append(self._see)

    def _see(self, x: Any, y: Any, y_pred: Any) -> None:
        who = type(self).__name__
        truths = class_numbers(who, "y", y)
        if y_pred.shape[-1] == 1 and getattr(self.model.loss, "from_logits", False):
            y_pred = y_pred > 0
        guesses = class_numbers(who, "predictions", np.array(y_pred, float))
        self._pairs.append((truths, guesses))

    def on_test_end(self, logs: Any = None) -> None:
        """Count, and show if it is time."""
        observers = self.model.program.observers
        if self._see in observers:
            observers.remove(self._see)
        if self._pairs and getattr(self._company, "error", None) is None:
            truths = [value for pair in self._pairs for value in pair[0]]
            guesses = [value for pair in self._pairs for value in pair[1]]
            self.matrix = count_confusions(truths, guesses, self._classes)
            if self._epoch is None or (self._epoch + 1) % self.every == 0:
                self._show()
        self._pairs = []

    def on_train_end(self, logs: Any = None) -> None:
        """Forget the epoch: an `evaluate` may follow."""
        self._epoch = None

    def _show(self) -> None:
        """Show `matrix`."""

    def _name(self, number: int) -> str:
        return printable(name_of(type(self).__name__, number, self.class_names))

    def _when(self) -> str:
        return "" if self._epoch is None else f"Epoch {self._epoch + 1}: "

    def get_state(self) -> dict[str, Any]:
        """The newest counts."""
        return {"matrix": self.matrix}

    def set_state(self, state: dict[str, Any]) -> None:
        """Have the newest counts of an earlier training."""
        self.matrix = state["matrix"]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_pairs": []}
