"""What layers share that change images: random decisions, formats, single images, dicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.autodiff import is_traced
from kerasish.kernels.sampling import Pull
from kerasish.layers import custom, symbol
from kerasish.layers.arguments import Shape
from kerasish.layers.base import Backward
from kerasish.layers.same_shape import let_through
from kerasish.layers.spatial import Spatial
from kerasish.step import Step
from kerasish.store import as_array

PARTS = ("images", "labels", "segmentation_masks")


@dataclass(eq=False, repr=False)
class ImageLayer(Spatial):
    """A layer that changes each image of a batch by itself, by default in training only.

    Subclasses split the work: `draw` makes all random decisions for a batch, `transform` carries
    them out. They see images (N, height, width, channels) of floats.

    Outside of models such a layer changes images unless ``training=False`` is said, as in Keras.
    It also takes a single image (height, width, channels), or a dict of ``images`` with
    ``labels`` and ``segmentation_masks``.
    """

    rank: ClassVar[int] = 2
    always: ClassVar[bool] = False  # whether images change in inference, too
    moves: ClassVar[bool] = False  # whether pixels change places, so that masks must follow
    written_first: ClassVar[tuple[str, ...]] = ()
    refused_arguments: ClassVar[dict[str, str]] = {
        "bounding_box_format": "bounding boxes are not supported"
    }

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator | None) -> Any:
        """Make the random decisions for images of this shape; `rng` is None in inference."""

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Change the images; return them, and the function from dLoss/dy to dLoss/dx.

        Layers that move pixels take another `interpolation` than their own for masks.
        """
        raise TypeError(f"{type(self).__name__} must define `transform`.")

    def transform_labels(self, labels: np.ndarray, drawn: Any) -> np.ndarray:
        """Change the labels of a dict."""
        return labels

    def transform_masks(self, masks: np.ndarray, drawn: Any) -> np.ndarray:
        """Change the masks of a dict as the images; numbers of classes are never averaged."""
        if not self.moves:
            return masks
        moved, _ = self.transform(masks.astype(self.dtype), drawn, "nearest")
        return moved.astype(masks.dtype)

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Draw and transform, with the channels last."""
        self.compute_output_shape(x.shape)
        if not (step.training or self.always):
            return let_through(x, step)
        images = self.channels_last(x)
        y, pull = self.transform(images, self.draw(images.shape, self._rng(step)))

        def backward(dy: np.ndarray) -> np.ndarray | None:
            if not step.needs_dx(self):
                return None
            return self.restore(pull(self.channels_last(dy)))

        return self.restore(y), backward if step.recording else None

    def _rng(self, step: Step) -> np.random.Generator | None:
        return step.rng_for(getattr(self, "seed", None)) if step.training else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        self.last_shape(input_shape)
        return tuple(input_shape)

    def __call__(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Change images (N, height, width, channels), one image, or a dict of images and more."""
        training = True if training is None else bool(training)
        if isinstance(inputs, dict):
            return self._call_on_dict(inputs, training)
        if isinstance(inputs, tuple):
            raise TypeError(
                f"{self.label} takes images, or a dict of images and more, but got a tuple. Pass "
                f"{{'images': x, 'labels': y}} for both."
            )
        inner = is_traced(inputs) or symbol.is_symbolic(inputs) or custom.current_step()
        if not inner and np.ndim(inputs) == 3:
            return super().__call__(np.asarray(inputs)[None], training, mask)[0]
        return super().__call__(inputs, training, mask)

    def _call_on_dict(self, data: dict[str, Any], training: bool) -> dict[str, Any]:
        if "images" not in data or set(data) - set(PARTS):
            raise ValueError(
                f"{self.label} takes a dict with 'images' and, if you like, 'labels' and "
                f"'segmentation_masks', but got one with {', '.join(map(repr, data))}."
            )
        single = np.ndim(data["images"]) == 3
        parts = {key: np.asarray(v)[None] if single else np.asarray(v) for key, v in data.items()}
        images = self.prepare_input(parts["images"])
        self.ensure_built((None, *images.shape[1:]))
        self.compute_output_shape(images.shape)
        if training or self.always:
            images = self.channels_last(images)
            drawn = self.draw(images.shape, self._rng(self.new_step(len(images), training)))
            images = self.restore(self.transform(images, drawn)[0])
            if "labels" in parts:
                parts["labels"] = self.transform_labels(parts["labels"], drawn)
            if "segmentation_masks" in parts:
                masks = self.channels_last(parts["segmentation_masks"])
                parts["segmentation_masks"] = self.restore(self.transform_masks(masks, drawn))
        parts["images"] = images
        return {key: as_array(part[0] if single else part) for key, part in parts.items()}

    def get_config(self) -> dict[str, Any]:
        """Arguments, in the order of Keras's files."""
        config = super().get_config()
        first = ("name", "trainable", "dtype", "data_format", *self.written_first)
        return {**{key: config[key] for key in first}, **config}


def unchanged(dy: np.ndarray) -> np.ndarray:
    """The way back through a layer that did nothing."""
    return dy


def factor_range(
    layer: Any, argument: str, value: Any, low: float = -1, high: float = 1, whole: float = 100
) -> tuple[float, float]:
    """Check a factor: a pair of bounds, or a number f for the bounds -f (or `low`) and f.

    `whole` is what 1 stands for in the unit that is easily confused with it: 100 %, 360 degrees.
    """
    pair = value if isinstance(value, list | tuple) else (value,)
    good = len(pair) in (1, 2) and all(
        isinstance(v, int | float | np.number) and not isinstance(v, bool) and low <= v <= high
        for v in pair
    )
    if not good or (isinstance(value, list | tuple) and len(pair) == 1):
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else 0
        unit = "%" if whole == 100 else "degrees"
        hint = ""
        if high == 1 and 1 < abs(number) <= whole:
            hint = f" For {number:g} {unit} write {number / whole:g}."
        raise ValueError(
            f"{layer.label}: `{argument}` must be a number from {low:g} to {high:g}, or a pair of "
            f"them, but is {value!r}.{hint}"
        )
    if len(pair) == 1:
        return max(-abs(value), low), abs(value)
    return min(pair), max(pair)


def above_zero(layer: Any, argument: str, value: Any) -> float:
    """Check an argument that is a number above 0."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or value <= 0:
        raise ValueError(f"{layer.label}: `{argument}` must be a number above 0 but is {value!r}.")
    return value


def value_bounds(layer: Any, value: Any) -> list[float]:
    """Check a `value_range`: the least and the largest value of a pixel."""
    good = isinstance(value, list | tuple) and len(value) == 2
    good = good and all(isinstance(v, int | float | np.number) for v in value)
    if not good or value[0] == value[1]:
        raise ValueError(
            f"{layer.label}: `value_range` must be the least and the largest value of a pixel, "
            f"such as (0, 255) or (0, 1), but is {value!r}."
        )
    return sorted(value)


def clip(y: np.ndarray, value_range: Any) -> tuple[np.ndarray, np.ndarray]:
    """`y` within a value range, in place, and where it was inside before."""
    low, high = value_range
    inside = (y >= low) & (y <= high)
    np.clip(y, low, high, out=y)
    return y, inside


def of_images(values: np.ndarray, dtype: Any) -> np.ndarray:
    """One number for each image, as (N, 1, 1, 1)."""
    return np.asarray(values, dtype).reshape(-1, 1, 1, 1)


def chosen(rng: np.random.Generator, bounds: tuple[float, float], count: int) -> np.ndarray:
    """Which of `count` images a layer acts on, the probability being drawn between bounds, too."""
    return rng.random(count) < rng.uniform(*bounds, size=count)


def in_turn(x: np.ndarray, pairs: Any, interpolation: str = "") -> tuple[np.ndarray, Pull]:
    """Transform by one layer after the other, each with what it drew."""
    pulls = []
    for layer, drawn in pairs:
        x, pull = layer.transform(x, drawn, interpolation)
        pulls.append(pull)

    def pull_all(dy: np.ndarray) -> np.ndarray:
        for pull in reversed(pulls):
            dy = pull(dy)
        return dy

    return x, pull_all
