"""What layers on sequences, images and volumes share: axes, formats, and their arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish import config
from kerasish.errors import warn
from kerasish.layers.arguments import Shape
from kerasish.layers.base import Layer

AXES = {1: ("steps",), 2: ("height", "width"), 3: ("depth", "height", "width")}
_warned: set[str] = set()


@dataclass(eq=False, repr=False)
class Spatial(Layer):
    """A layer on arrays (N, *spatial, channels), with `rank` spatial axes.

    Subclasses compute with the channels last. With ``data_format="channels_first"`` the arrays
    are transposed on the way in and out.
    """

    rank: ClassVar[int] = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        given = vars(self)
        if "data_format" in given:
            given["data_format"] = data_format(self, given["data_format"])

    @property
    def channels_first(self) -> bool:
        """Whether the channels are on axis 1."""
        return getattr(self, "data_format", None) == "channels_first"

    def channels_last(self, x: np.ndarray) -> np.ndarray:
        """`x`, or dLoss/dy, with the channels last."""
        return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if self.channels_first else x

    def restore(self, y: np.ndarray) -> np.ndarray:
        """The inverse of `channels_last`."""
        return np.ascontiguousarray(np.moveaxis(y, -1, 1)) if self.channels_first else y

    def last_shape(self, shape: Shape) -> Shape:
        """A shape of inputs with its channels last, if the rank is right."""
        shape = tuple(shape)
        names = AXES[self.rank]
        if len(shape) != self.rank + 2:
            axes = ("channels", *names) if self.channels_first else (*names, "channels")
            fix = ""
            if len(shape) == self.rank + 1:
                channel = "x[:, None]" if self.channels_first else "x[..., None]"
                fix = f"Add the channel axis: {channel}."
            raise self.shape_error(f"(N, {', '.join(axes)})", shape, fix)
        return (shape[0], *shape[2:], shape[1]) if self.channels_first else shape

    def full_shape(self, batch: int | None, spatial: Shape, channels: int | None) -> Shape:
        """A shape in the layer's own format."""
        if self.channels_first:
            return (batch, channels, *spatial)
        return (batch, *spatial, channels)

    def check_call(self, shape: tuple[int, ...]) -> None:
        """Compare rank and channels; the spatial sizes may be others than at building."""
        channels = self.last_shape(shape)[-1]
        built = self._build_shape
        if built is None or not self._own_weights:
            return
        expected = self.last_shape(built)[-1]
        if channels != expected:
            raise self.shape_error(
                f"(N, {', '.join(AXES[self.rank])}, {expected})"
                if not self.channels_first
                else f"(N, {expected}, {', '.join(AXES[self.rank])})",
                shape,
                f"Its weights were made for {expected} channels.",
            )


def data_format(layer: Any, value: Any) -> str:
    """Check a `data_format`; say once that channels first costs time."""
    value = config.image_data_format() if value is None else str(value).lower()
    if value not in ("channels_last", "channels_first"):
        raise ValueError(
            f"{layer.label}: `data_format` must be 'channels_last' or 'channels_first' but is "
            f"{value!r}."
        )
    if value == "channels_first" and value not in _warned:
        _warned.add(value)
        warn(
            f"{layer.label}: data_format='channels_first' is computed by transposing the input "
            f"and the output of each such layer, which costs time and memory. Prefer "
            f"channels_last: transpose the data once, np.moveaxis(x, 1, -1)."
        )
    return value


def sizes(
    layer: Any, argument: str, value: Any, rank: int | None = None, least: int = 1
) -> tuple[int, ...]:
    """Check an argument that is one whole number for each spatial axis, or one for all."""
    rank = layer.rank if rank is None else rank
    given = (value,) * rank if isinstance(value, int | np.integer) else value
    try:
        given = tuple(given)
        good = len(given) == rank and all(
            isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= least
            for n in given
        )
    except TypeError:
        good = False
    if not good or isinstance(value, bool):
        kind = "positive whole number" if least else "whole number from 0 up"
        several = f" or a tuple of {rank} of them" if rank > 1 else ""
        raise ValueError(f"{layer.label}: `{argument}` must be a {kind}{several} but is {value!r}.")
    return tuple(int(n) for n in given)


def padding_name(layer: Any, value: Any, causal: bool = False) -> str:
    """Check a `padding` that is a word."""
    known = ("valid", "same", "causal") if causal else ("valid", "same")
    name = value.lower() if isinstance(value, str) else value
    if name not in known:
        hint = " Only Conv1D pads causally." if name == "causal" else ""
        raise ValueError(
            f"{layer.label}: `padding` must be {' or '.join(map(repr, known))} but is "
            f"{value!r}.{hint}"
        )
    return name


def one_of(layer: Any, argument: str, value: Any, known: Sequence[str]) -> str:
    """Check an argument that is one of a few words."""
    name = value.lower() if isinstance(value, str) else value
    if name not in known:
        listed = ", ".join(map(repr, known[:-1]))
        raise ValueError(
            f"{layer.label}: `{argument}` must be {listed} or {known[-1]!r} but is {value!r}."
        )
    return name
