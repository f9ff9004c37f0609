"""Verdicts: what a validation says of a classifier, its confusion matrix and its worst mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import activations
from kerasish.losses import BinaryCrossentropy
from kerasish.metrics import is_classification
from kerasish.viz.confusion import count_confusions
from kerasish.viz.web.png import as_pixels, is_image, png_uri, value_range

MOST_CLASSES = 200
MOST_BYTES = 2**24  # of inputs that are held until they are looked at together
FLAT = ("Flatten", "Reshape", "Rescaling", "Resizing")  # layers that make an image of (H, W)


def class_count(model: Any) -> int | None:
    """How many classes a compiled model tells apart; None if it is no classifier of that kind.

    That is, one class a sample: sequences of classes and several labels at once are not.
    """
    shape, loss = model.output_shape, model.program.loss
    if len(shape) != 2 or shape[-1] is None or loss is None or not is_classification(loss):
        return None
    binary = isinstance(loss, BinaryCrossentropy) or "binary" in str(getattr(loss, "name", ""))
    units = int(shape[-1])
    if binary != (units == 1):
        return None
    return max(units, 2) if units <= MOST_CLASSES else None


def takes_images(model: Any) -> bool:
    """Whether the inputs of a model can be shown."""
    shape = tuple(model.input_shape[1:])
    if len(shape) == 2:  # a sequence of vectors, or an image without channels
        kinds = [type(layer).__name__ for layer in model.flat_layers()[:4]]
        first = next((kind for kind in kinds if kind != "InputLayer"), "")
        return is_image(shape) and first.startswith(FLAT)
    return is_image(shape)


class Verdicts:
    """Counts confusions and keeps the worst mistakes, looking at many batches at once.

    Parameters
    ----------
    classes : int
        How many there are.
    from_logits : bool
        Whether the model puts out logits.
    images : bool
        Whether to keep the inputs of the worst mistakes.
    most : int
        How many of them.
    """

    def __init__(self, classes: int, from_logits: bool, images: bool, most: int = 12) -> None:
        self.classes, self.from_logits = classes, from_logits
        self.images, self.most = images, most
        self.matrix = np.zeros((classes, classes), np.int64)
        self._worst: list[tuple[float, int, int, float, np.ndarray]] = []
        self._held: list[tuple[Any, Any, Any]] = []
        self._bytes = 0

    def see(self, x: Any, y: Any, y_pred: Any) -> None:
        """Take a batch: an observer of `Program`."""
        self._held.append((x if self.images else None, y, y_pred))
        self._bytes += y_pred.nbytes + (x.nbytes if self.images else 0)
        if self._bytes > MOST_BYTES:
            self._look()

    def finish(self) -> dict[str, Any] | None:
        """The matrix and the mistakes, the worst first; None if there was nothing to see."""
        self._look()
        if not self.matrix.any():
            return None
        mistakes = []
        if self._worst:
            low, high = value_range(np.stack([image for *_, image in self._worst]))
        for _, true, guess, share, image in self._worst:
            pixels = as_pixels(image, low, high)
            mistakes.append(
                {
                    "uri": png_uri(pixels),
                    "side": max(pixels.shape[:2]),
                    "true": true,
                    "guess": guess,
                    "share": share,
                }
            )
        return {"matrix": self.matrix, "mistakes": mistakes}

    def _look(self) -> None:
        held, self._held, self._bytes = self._held, [], 0
        if not held:
            return
        truths = np.concatenate([self._classes_of(y) for _, y, _ in held])
        shares = self._shares(np.concatenate([np.asarray(p) for *_, p in held]))
        guesses = shares.argmax(axis=1)
        fits = (truths >= 0) & (truths < self.classes)
        self.matrix += count_confusions(truths[fits], guesses[fits], self.classes)
        if self.images:
            self._keep_worst(held, truths, shares, guesses, fits & (truths != guesses))

    def _keep_worst(self, held: Any, truths: Any, shares: Any, guesses: Any, wrong: Any) -> None:
        rows = np.flatnonzero(wrong)
        given = shares[rows, truths[rows]]  # the less the truth was given, the worse
        order = np.argsort(given, kind="stable")[: self.most]
        starts = np.cumsum([0, *(len(p) for *_, p in held)])
        for row, badness in zip(rows[order].tolist(), given[order].tolist(), strict=True):
            batch = int(np.searchsorted(starts, row, side="right")) - 1
            image = np.array(held[batch][0][row - starts[batch]], np.float32)
            guess = int(guesses[row])
            share = float(shares[row, guess])
            self._worst.append((badness, int(truths[row]), guess, share, image))
        self._worst = sorted(self._worst, key=lambda one: one[0])[: self.most]

    def _classes_of(self, y: Any) -> np.ndarray:
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] > 1:
            return y.argmax(axis=1)
        flat = y.reshape(len(y), -1)[:, 0]
        return np.rint(flat).astype(np.int64) if flat.dtype.kind == "f" else flat.astype(np.int64)

    def _shares(self, outputs: np.ndarray) -> np.ndarray:
        """Probabilities (N, classes), from a sigmoid's single column too."""
        if outputs.shape[1] == 1:
            chance = np.asarray(activations.sigmoid(outputs)) if self.from_logits else outputs
            return np.concatenate([1 - chance, chance], axis=1)
        return np.asarray(activations.softmax(outputs)) if self.from_logits else outputs
