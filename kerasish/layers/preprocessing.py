"""Layers that scale the data: Rescaling and Normalization."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish.layers.arguments import Shape, shape_text
from kerasish.layers.base import Backward
from kerasish.layers.same_shape import SameShape
from kerasish.registry import plain, register
from kerasish.step import Step
from kerasish.store import Array, as_array

ROWS_AT_ONCE = 4096


@register()
@dataclass(eq=False, repr=False)
class Rescaling(SameShape):
    """``x * scale + offset``; both may be arrays that broadcast to the last axes.

    Examples
    --------
    >>> Rescaling(1 / 255)(np.array([[0, 255]], "uint8"))
    Array([[0., 1.]], dtype=float32)
    """

    scale: Any
    offset: Any = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.scale, self.offset = _unpacked(self.scale), _unpacked(self.offset)

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Scale and shift."""
        scale, offset = (np.asarray(v, x.dtype) for v in (self.scale, self.offset))
        y = x * scale + offset
        return y, (lambda dy: dy * scale) if step.recording else None


@register()
class Normalization(SameShape):
    """``(x - mean) / sqrt(variance)``, with statistics that are given or learnt from data.

    Parameters
    ----------
    axis : int, tuple of int or None
        Axes whose positions each have their own mean and variance; None for one of all.
    mean, variance : float or array, optional
        The statistics. Without them call `adapt` before training.
    invert : bool
        Undo instead: ``x * sqrt(variance) + mean``.

    Examples
    --------
    >>> layer = Normalization(axis=None)
    >>> layer.adapt(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    >>> layer(np.array([1.0, 3.0]))
    Array([-1.4142135,  0. ], dtype=float32)
    """

    def __init__(
        self,
        axis: Any = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        axes = () if axis is None else (axis,) if isinstance(axis, int | np.integer) else axis
        self.axis = tuple(int(a) for a in axes)
        self.input_mean, self.input_variance = _unpacked(mean), _unpacked(variance)
        self.invert = invert
        if (mean is None) != (variance is None):
            raise ValueError(
                f"{self.label}: give both `mean` and `variance` or neither, not "
                f"mean={mean} and variance={variance}."
            )
        shapes = np.shape(self.input_mean), np.shape(self.input_variance)
        if mean is not None and (shapes[0] != shapes[1] or len(shapes[0]) > len(self.axis)):
            raise ValueError(
                f"{self.label}: `mean` and `variance` must have the same shape, of at most "
                f"{len(self.axis)} axes (as `axis`), but have the shapes {shapes[0]} and "
                f"{shapes[1]}."
            )

    def build(self, input_shape: Shape) -> None:
        """Make the weights mean, variance and count, unless the statistics are given."""
        kept = self._kept_axes(input_shape)
        shape: Any = tuple(input_shape[axis] for axis in kept)
        if None in shape:
            raise self.shape_error(
                f"of known size along axis={self.axis}",
                input_shape,
                "Pass axis=None to use one mean and variance for all elements.",
            )
        self._broadcast: Any = [n if i in kept else 1 for i, n in enumerate(input_shape)]
        if self.input_mean is None:
            self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
            self.count = self.add_weight((), "zeros", "int32", trainable=False, name="count")
        else:
            self._given = tuple(
                np.broadcast_to(np.asarray(v, self.dtype), shape).reshape(self._broadcast)
                for v in (self.input_mean, self.input_variance)
            )

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Shift and scale; a deviation below 1e-7 counts as 1e-7."""
        mean, variance = (v.astype(x.dtype, copy=False) for v in self._statistics())
        deviation = np.maximum(np.sqrt(variance), x.dtype.type(1e-7))
        if self.invert:
            y = x * deviation + mean
            return y, (lambda dy: dy * deviation) if step.recording else None
        y = (x - mean) / deviation
        return y, (lambda dy: dy / deviation) if step.recording else None

    def adapt(self, data: Any) -> None:
        """Set mean and variance to those of `data`, forgetting earlier ones.

        Parameters
        ----------
        data : array or iterable
            An array (also HDF5 or memory-mapped, read in parts), or an iterable of batches:
            arrays, or tuples whose first entry is the array.
        """
        if self.input_mean is not None:
            raise ValueError(f"{self.label} was given its mean and variance: it cannot adapt.")
        count, mean, apart = 0, np.zeros(()), np.zeros(())
        for batch in _batches(data, self.label, whole=0 in self.axis):
            self._accept(batch)
            reduced = tuple(i for i, n in enumerate(self._broadcast) if self._is_reduced(i, batch))
            size = math.prod(batch.shape[i] for i in reduced)
            batch_mean = batch.mean(axis=reduced, dtype=np.float64)
            spread = batch.var(axis=reduced, dtype=np.float64) * size
            total = count + size  # joined as in Chan et al. 1979
            shift = batch_mean - mean
            mean = mean + shift * (size / total)
            apart = apart + spread + shift**2 * (count * size / total)
            count = total
        if not count:
            raise ValueError(f"{self.label}: adapt got no data. Pass at least one batch.")
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(apart / count)

    @property
    def mean(self) -> Array | None:
        """Mean in use, in a shape that broadcasts to the input; None before `build`."""
        return as_array(self._statistics()[0]) if self.built else None

    @property
    def variance(self) -> Array | None:
        """Variance in use, in a shape that broadcasts to the input; None before `build`."""
        return as_array(self._statistics()[1]) if self.built else None

    def _statistics(self) -> tuple[np.ndarray, ...]:
        if self.input_mean is not None:
            return self._given
        weights = self.adapt_mean, self.adapt_variance
        return tuple(w.value.reshape(self._broadcast) for w in weights)

    def _kept_axes(self, shape: Shape) -> list[int]:
        ndim = len(shape)
        if any(not -ndim <= axis < ndim for axis in self.axis):
            raise self.shape_error(f"with the axes {self.axis}", shape, "Change `axis`.")
        return sorted({axis % ndim for axis in self.axis})

    def _is_reduced(self, axis: int, batch: np.ndarray) -> bool:
        return axis not in self._kept_axes(batch.shape)

    def _accept(self, batch: np.ndarray) -> None:
        """Build from the first batch, compare later ones."""
        kept = self._kept_axes(batch.shape)
        shape = tuple(n if i in kept else None for i, n in enumerate(batch.shape))
        self.ensure_built(shape)
        expected = self._broadcast
        if len(expected) != batch.ndim or any(expected[i] != batch.shape[i] for i in kept):
            raise ValueError(
                f"{self.label} was built for inputs of shape {shape_text(self.input_shape)} but "
                f"adapt got data of incompatible shape {batch.shape}."
            )

    def get_config(self) -> dict[str, Any]:
        """Arguments, in the order of Keras's files."""
        config = super().get_config()
        config.update(axis=list(self.axis), invert=self.invert)
        config.update(mean=plain(self.input_mean), variance=plain(self.input_variance))
        return config


def _batches(data: Any, label: str, whole: bool) -> Iterator[np.ndarray]:
    """The parts of `data`, each an array."""
    if hasattr(data, "shape") and hasattr(data, "__getitem__"):
        rows = len(data) if whole else ROWS_AT_ONCE
        data = getattr(data, "values", data)  # a DataFrame's array
        for start in range(0, len(data), max(rows, 1)):
            yield np.asarray(data[start : start + rows])
        return
    if isinstance(data, str) or not (hasattr(data, "__iter__") or hasattr(data, "__getitem__")):
        raise TypeError(
            f"{label}: adapt expects an array or an iterable of batches but got "
            f"{type(data).__name__}."
        )
    parts = data if hasattr(data, "__iter__") else (data[i] for i in range(len(data)))
    for part in parts:
        batch = part[0] if isinstance(part, tuple) else part
        if not hasattr(batch, "shape"):
            raise TypeError(
                f"{label}: adapt expects batches that are arrays but got one of type "
                f"{type(batch).__name__}. Pass np.asarray(data) for a list of numbers."
            )
        yield np.asarray(batch)


def _unpacked(value: Any) -> Any:
    """An array as Keras writes it to files, or the value itself."""
    if isinstance(value, dict) and value.get("class_name") == "__numpy__":
        return np.asarray(value["config"]["value"], value["config"]["dtype"])
    return value
