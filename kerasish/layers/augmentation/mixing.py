"""Erasing parts of images, and mixing images with each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.errors import warn
from kerasish.layers.augmentation.base import (
    ImageLayer,
    above_zero,
    chosen,
    factor_range,
    of_images,
)
from kerasish.layers.augmentation.light import Colors
from kerasish.registry import register
from kerasish.step import Step


@register()
@dataclass(eq=False, repr=False)
class RandomErasing(Colors):
    """Erase a rectangle of images, in training.

    Parameters
    ----------
    factor : float or (float, float)
        Bounds of the probability, which is drawn for each image. A number f stands for (0, f).
    scale : (float, float)
        Bounds of the square of a side, as a part of the image's.
    fill_value : float or (float, float, float), optional
        What the rectangle is filled with, or each of three channels; noise if left out. It is
        clipped to the value range.
    value_range : (float, float)
        Least and largest value of a pixel.
    seed : int, optional
        Gives the layer random numbers of its own.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Notes
    -----
    Zhong et al. 2020, "Random Erasing Data Augmentation".

    Examples
    --------
    >>> y = RandomErasing((1, 1), scale=(0.25, 0.25), fill_value=0)(np.ones((1, 4, 4, 1)))
    >>> y.sum() <= 12
    np.True_
    """

    written_first: ClassVar[tuple[str, ...]] = (
        *("factor", "scale", "fill_value", "value_range", "seed"),
    )

    factor: Any = 1.0
    scale: Any = (0.02, 0.33)
    fill_value: Any = None
    value_range: Any = (0, 255)
    seed: int | None = None
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.factor = factor_range(self, "factor", self.factor, low=0)
        self.scale = factor_range(self, "scale", self.scale, low=0)
        fill = self.fill_value
        colours = fill if isinstance(fill, list | tuple) else (fill,) * 3
        if len(colours) != 3 or not all(c is None or isinstance(c, int | float) for c in colours):
            raise ValueError(
                f"{self.label}: `fill_value` must be a number, three numbers for three channels, "
                f"or None for noise, but is {fill!r}."
            )

    def draw(self, shape: tuple[int, ...], rng: Any) -> Any:
        """The pixels (N, H, W) to be erased, and what they become."""
        count, height, width, channels = shape
        sides = np.sqrt(rng.uniform(*self.scale, size=(2, count)))
        inside = boxes(rng, height, width, *sides)
        inside &= chosen(rng, self.factor, count)[:, None, None]
        fill = self.fill_value
        if fill is None:
            noise = rng.standard_normal((int(inside.sum()), channels), np.float32)
            fill = noise * self.value_range[1]
        elif isinstance(fill, list | tuple) and channels != 3:
            raise self.shape_error(
                "(N, 3, height, width)" if self.channels_first else "(N, height, width, 3)",
                self.full_shape(None, (height, width), channels),
                "`fill_value` has three numbers, one for each channel.",
            )
        return inside, np.clip(fill, *self.value_range)

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Overwrite them; no gradient passes there."""
        inside, fill = drawn
        y = x.copy()
        y[inside] = fill
        return y, lambda dy: np.where(inside[..., None], 0, dy).astype(dy.dtype, copy=False)


class Mixing(ImageLayer):
    """A layer that mixes images, and their labels, with others of the batch."""

    shardable: bool = False  # the whole batch takes part

    def forward(self, x: np.ndarray, step: Step) -> Any:
        """Mix the images; in a model their labels are out of reach."""
        if step.training and self.position is not None:
            warn(
                f"{self.label} mixes the images in a model, but not their labels. Use it on the "
                f"data instead: layer({{'images': x, 'labels': one_hot}}, training=True)."
            )
        return super().forward(x, step)

    def mix_labels(self, labels: np.ndarray, order: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """``weight * labels + (1 - weight) * labels[order]``."""
        if labels.ndim < 2:
            raise ValueError(
                f"{self.label} mixes labels that are vectors, such as one-hot ones, but got an "
                f"array of shape {labels.shape}. Use to_categorical(labels) first."
            )
        share = np.asarray(weight).reshape(-1, *(1,) * (labels.ndim - 1))
        return (share * labels + (1 - share) * labels[order]).astype(self.dtype)


@register()
@dataclass(eq=False, repr=False)
class MixUp(Mixing):
    """Blend each image, and its label, with another one of the batch, in training.

    Parameters
    ----------
    alpha : float
        The share of the image itself has a beta distribution with both parameters `alpha`: the
        smaller, the less is mixed.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.
    seed : int, optional
        Gives the layer random numbers of its own.

    Notes
    -----
    Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization". Labels take part if it is
    called on a dict.

    Examples
    --------
    >>> found = MixUp()({"images": np.zeros((4, 8, 8, 3)), "labels": np.eye(4)})
    >>> found["labels"].sum(axis=1).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """

    written_first: ClassVar[tuple[str, ...]] = ("alpha", "seed")

    alpha: float = 0.2
    data_format: Any = None
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.alpha = above_zero(self, "alpha", self.alpha)

    def draw(self, shape: tuple[int, ...], rng: Any) -> Any:
        """The other image of each, and the share of itself."""
        return rng.permutation(shape[0]), rng.beta(self.alpha, self.alpha, size=shape[0])

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Blend."""
        order, weight = drawn
        share = of_images(weight, x.dtype)
        y = share * x + (1 - share) * x[order]

        def pull(dy: np.ndarray) -> np.ndarray:
            dx = share * dy
            dx[order] += (1 - share) * dy
            return dx

        return y, pull

    def transform_masks(self, masks: np.ndarray, drawn: Any) -> np.ndarray:
        """Blend masks of shares; numbers of classes cannot be blended."""
        if masks.dtype.kind != "f":
            raise ValueError(
                f"{self.label} blends masks that hold shares of classes, as floats, but got "
                f"{masks.dtype}. Use CutMix, or one-hot masks."
            )
        return self.transform(masks, drawn)[0]

    def transform_labels(self, labels: np.ndarray, drawn: Any) -> np.ndarray:
        """Blend the labels in the same shares."""
        return self.mix_labels(labels, *drawn)


@register()
@dataclass(eq=False, repr=False)
class CutMix(Mixing):
    """Put a rectangle of another image of the batch into each, in training; blend the labels.

    Parameters
    ----------
    factor : float or (float, float)
        Bounds, from 0 to 1, of the parameter of the beta distribution that the share of the image
        itself has. A number f stands for (0, f).
    seed : int, optional
        Gives the layer random numbers of its own.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Notes
    -----
    Yun et al. 2019, "CutMix". Labels take part if it is called on a dict.

    Examples
    --------
    >>> found = CutMix()({"images": np.zeros((4, 8, 8, 3)), "labels": np.eye(4)})
    >>> found["labels"].sum(axis=1).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """

    moves: ClassVar[bool] = True
    written_first: ClassVar[tuple[str, ...]] = ("factor", "seed")

    factor: Any = 1.0
    seed: int | None = None
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.factor = factor_range(self, "factor", self.factor, low=0)

    def draw(self, shape: tuple[int, ...], rng: Any) -> Any:
        """The other image of each, the pixels (N, H, W) it gives, and the share that stays."""
        count, height, width = shape[:3]
        alpha = rng.uniform(*self.factor) + 1e-6
        side = np.sqrt(1 - rng.beta(alpha, alpha, size=count))
        inside = boxes(rng, height, width, side, side)
        return rng.permutation(count), inside, 1 - side**2

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Take those pixels from the other image."""
        order, inside, _ = drawn
        from_other = inside[..., None]

        def pull(dy: np.ndarray) -> np.ndarray:
            dx = np.where(from_other, 0, dy).astype(dy.dtype, copy=False)
            dx[order] += np.where(from_other, dy, 0)
            return dx

        return np.where(from_other, x[order], x), pull

    def transform_labels(self, labels: np.ndarray, drawn: Any) -> np.ndarray:
        """Blend the labels in the share of the area that stays."""
        order, _, weight = drawn
        return self.mix_labels(labels, order, weight)


def boxes(
    rng: np.random.Generator, height: int, width: int, across: np.ndarray, down: np.ndarray
) -> np.ndarray:
    """Pixels (N, height, width) within a rectangle of each image at a random place.

    `across` and `down` (N,) are its sides, as parts of the image's.
    """
    found = []
    for size, part in ((width, across), (height, down)):
        length = part * size
        start = rng.random(len(part)) * (size - length)
        places = np.arange(size)
        found.append((places >= start[:, None]) & (places < (start + length)[:, None]))
    return found[1][:, :, None] & found[0][:, None]
