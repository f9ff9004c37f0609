"""What layers share that turn values into numbers of a list: texts, adapting, encoding."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from kerasish.errors import brief, did_you_mean
from kerasish.layers.arguments import Shape
from kerasish.layers.base import Backward, Layer
from kerasish.step import Step

MODES = ("int", "one_hot", "multi_hot", "count")
DROPPED = -2  # an index that no column stands for
NO_SPARSE = "sparse arrays are not supported; outputs are NumPy arrays"


class Discrete(Layer):
    """A layer whose output tells which of a fixed number of values each element is.

    Subclasses define `indices`, from an array to whole numbers of its shape, and `depth`, how
    many there are. No gradient goes through: that of a float input is zero.
    """

    casts_input: ClassVar[bool] = False
    output_mode: str
    encoding = "utf-8"

    def depth(self) -> int:
        """Number of columns of an encoded output."""
        raise TypeError(f"{type(self).__name__} must define `depth`.")

    def indices(self, x: np.ndarray) -> np.ndarray:
        """The index of each element."""
        raise TypeError(f"{type(self).__name__} must define `indices`.")

    def prepare_input(self, inputs: Any) -> np.ndarray:
        """An array of numbers, or of texts where the layer takes them."""
        if self.takes_text:
            x = tokens_array(inputs, self.label, self.encoding)
            if x.dtype.kind not in "biuf":
                return x
        return super().prepare_input(inputs)

    def check_call(self, shape: tuple[int, ...]) -> None:
        """Any shape will do."""

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Find the indices, and encode them as `output_mode` says."""
        y = self.encoded(self.indices(x))

        def backward(dy: np.ndarray) -> np.ndarray | None:
            return np.zeros_like(x) if x.dtype.kind == "f" else None

        return y, backward if step.recording else None

    def encoded(self, indices: np.ndarray) -> np.ndarray:
        """Indices as `output_mode` says."""
        if self.output_mode == "int":
            return indices
        return encode(indices, self.output_mode, self.depth(), self.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """That of the input, or with a last axis of one column for each index."""
        shape = tuple(input_shape)
        if self.output_mode == "int":
            return shape
        if self.output_mode != "one_hot" or (len(shape) > 1 and shape[-1] == 1):
            shape = shape[:-1]
        return (*shape, self.depth())


def encode(
    indices: np.ndarray, mode: str, columns: int, dtype: Any, weights: np.ndarray | None = None
) -> np.ndarray:
    """Indices as rows with one column for each index.

    "one_hot" makes a row of each element; "multi_hot" and "count" of each last axis, with ones or
    the number of times (or the sum of `weights`) that an index comes there.
    """
    if indices.ndim == 0:
        indices = indices[None]
    if mode == "one_hot":
        if indices.ndim > 1 and indices.shape[-1] == 1:
            indices = indices[..., 0]
        indices = indices[..., None]
    rows = indices.reshape(math.prod(indices.shape[:-1]), indices.shape[-1])
    y = np.zeros((len(rows), columns), dtype)
    row, place = np.nonzero(rows != DROPPED)
    column = rows[row, place]
    if mode == "count":
        amount = 1 if weights is None else np.reshape(weights, rows.shape)[row, place]
        np.add.at(y, (row, column), amount)
    else:
        y[row, column] = 1
    return y.reshape(*indices.shape[:-1], columns)


def as_whole(x: np.ndarray) -> np.ndarray:
    """`x` as whole numbers; fractions are refused."""
    if x.dtype.kind == "f" and not np.array_equal(x, np.trunc(x)):
        raise ValueError("Whole numbers are expected but there are fractions or NaN.")
    return x.astype(np.int64)


def checked_mode(owner: str, mode: Any, allowed: tuple[str, ...] = MODES) -> str:
    """Check an argument `output_mode`; Keras's former names are understood."""
    mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(mode, mode)
    if mode not in allowed:
        raise ValueError(
            f"{owner}: `output_mode` must be one of {', '.join(map(repr, allowed))} but is "
            f"{mode!r}.{did_you_mean(mode, allowed)}"
        )
    return mode


def refuse_sparse(owner: str, sparse: Any, argument: str = "sparse") -> None:
    """Keras's `sparse` and `ragged`, which only TensorFlow has."""
    if sparse:
        raise ValueError(f"{owner} does not take {argument}=True: {NO_SPARSE}.")


def tokens_array(inputs: Any, label: str, encoding: str = "utf-8") -> np.ndarray:
    """`inputs` as an array of numbers, or of str; bytes are decoded.

    Raises
    ------
    TypeError
        If an element is neither, or rows differ in length.
    """
    try:
        x = np.asarray(inputs)
    except ValueError:
        raise TypeError(
            f"{label} expects an array with rows of one length but got rows of several. Fill the "
            f"short ones up, such as with '' and mask_token=''."
        ) from None
    if x.dtype.kind in "US" and isinstance(inputs, list | tuple):
        x = np.array(inputs, object)  # of ["a", None] and the like, NumPy makes texts silently
    if x.dtype.kind in "biufU":
        return x
    if x.dtype.kind == "S":
        return np.char.decode(x, encoding)
    texts = [t.decode(encoding) if isinstance(t, bytes) else t for t in x.astype(object).flat]
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            where = tuple(int(i) for i in np.unravel_index(place, x.shape)) if x.ndim else ()
            raise TypeError(
                f"{label} expects texts but got {brief(text)} at {where}. Turn missing values into "
                f"'' and others into text with str()."
            )
    found = np.empty(len(texts), object)
    found[:] = texts
    return found.reshape(x.shape)


def parts(data: Any, label: str, steps: int | None = None) -> Iterator[Any]:
    """What `adapt` was given: an array or list as a whole, else each batch (of a tuple, its first).

    Parameters
    ----------
    steps : int, optional
        Number of batches after which to stop.
    """
    if isinstance(data, str | bytes) or not (hasattr(data, "__iter__") or hasattr(data, "shape")):
        raise TypeError(
            f"{label}: adapt expects an array, a list or an iterable of batches but got "
            f"{brief(data)}. Write [text] for one text."
        )
    if isinstance(data, list | tuple) or hasattr(data, "shape"):
        yield data
        return
    for number, batch in enumerate(data):
        if steps is not None and number >= steps:
            return
        yield batch[0] if isinstance(batch, tuple) else batch
