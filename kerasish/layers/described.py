"""What a layer says of itself, above all when it refuses something."""

from __future__ import annotations

import contextlib
from typing import Any

from kerasish.display.markup import join, small_table, tag
from kerasish.errors import brief
from kerasish.layers.arguments import Shape, mend_shape, shape_text
from kerasish.registry import settings, snake_case

UNSAID = ("name", "trainable", "input_shape", "data_format")


class Described:
    """The part of a layer that words its names and errors."""

    name: Any
    built: bool
    position: int | None

    @property
    def label(self) -> str:
        """``Dense 'dense_2' (layer 3)``, for messages."""
        place = "" if self.position is None else f" (layer {self.position})"
        name = self.__dict__.get("name")
        return f"{type(self).__name__} {name!r}{place}" if name else type(self).__name__

    def shape_error(self, expected: str, shape: Any, fix: str = "") -> ValueError:
        """The error for an input of the wrong shape; `fix` says how to mend it."""
        fix = fix or "Check the data's shape against the model's input shape."
        return ValueError(
            f"{self.label} expects inputs of shape {expected} but got {shape_text(shape)}. {fix}"
        )

    def misfit(self, built: Shape, shape: Any) -> ValueError:
        """The error for a batch that is not of the shape that the model was built for."""
        if tuple(shape) == tuple(built[1:]):
            return ValueError(
                f"{self.label} expects inputs of shape {shape_text(built)} but got {tuple(shape)}. "
                f"This is one sample without its batch axis: pass x[None]."
            )
        return self.shape_error(shape_text(built), shape, mend_shape(built, shape))

    @property
    def single_output(self) -> bool:
        """Whether the layer returns one array, as those of a model must."""
        return True

    def require_one_output(self) -> None:
        """Refuse a layer of several outputs as part of a model."""
        if not self.single_output:
            raise ValueError(
                f"{self.label} returns several arrays, and a layer of a model has one output. Set "
                f"return_state=False (and a merge_mode, for Bidirectional). To get at the states, "
                f"call the layer by itself."
            )

    def _repr_html_(self) -> str:
        """A table for notebooks: what the layer was told, what it puts out, its weights."""
        rows = [
            [key, getattr(value, "__name__", None) or brief(value)]
            for key, value in settings(self).items()
            if not (key in UNSAID or _is_usual(self, key, value))
        ]
        owned: Any = self
        with contextlib.suppress(AttributeError, ValueError):
            rows.append(["output shape", str(owned.output_shape) if self.built else "not built"])
        for weight in owned.weights:
            learnt = "" if weight.trainable and owned.trainable else ", does not learn"
            rows.append([weight.name, f"{tuple(weight.shape)}, {weight.size:,} parameters{learnt}"])
        head = join(tag("b", type(self).__name__), f" {owned.name}")
        return small_table([], rows, head)

    def __repr__(self) -> str:
        shape = f", built={self.built}"
        return f"<{type(self).__name__} name={self.name}{shape}>"


def _is_usual(layer: Any, key: str, value: Any) -> bool:
    """Whether an argument that was a name, or left open, has become what it stands for."""
    default = getattr(type(layer), key, None)
    if key == "dtype":
        return value == "float32"
    name = getattr(value, "__name__", None) or snake_case(repr(value).removesuffix("()"))
    return isinstance(default, str) and name == default
