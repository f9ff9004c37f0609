"""Augmentation by several operations, chosen at random for each image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.layers.arguments import positive
from kerasish.layers.augmentation.base import (
    ImageLayer,
    above_zero,
    clip,
    factor_range,
    in_turn,
    of_images,
)
from kerasish.layers.augmentation.colors import RandomColorDegeneration
from kerasish.layers.augmentation.filters import RandomSharpness
from kerasish.layers.augmentation.geometry import RandomRotation, RandomShear, RandomTranslation
from kerasish.layers.augmentation.histograms import AutoContrast, Equalization
from kerasish.layers.augmentation.light import Colors, RandomBrightness, RandomContrast
from kerasish.layers.augmentation.tones import RandomPosterization, Solarization
from kerasish.layers.spatial import one_of
from kerasish.registry import register


class Policy(Colors):
    """A layer that applies others, chosen at random for each image."""

    moves: ClassVar[bool] = True

    factor: Any
    interpolation: str
    _operations: ClassVar[list[ImageLayer]]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.factor = factor_range(self, "factor", self.factor, low=0)
        self.interpolation = one_of(
            self, "interpolation", self.interpolation, ("nearest", "bilinear")
        )

    def make_operations(self, colours: bool = True) -> None:
        """Make the layers; without `colours` those that are not in tests of robustness."""
        f, name = self.factor, f"{self.name}_operation"
        how: Any = {"interpolation": self.interpolation, "name": name}
        values: Any = {"value_range": self.value_range, "name": name}
        found: list[ImageLayer] = [
            RandomShear(f, f, **how),
            RandomTranslation(f, f, **how),
            RandomRotation(f, **how),
            RandomPosterization(max(1, int(8 * f[1])), **values),
            Solarization(f, f, **values),
            AutoContrast(**values),
            Equalization(**values),
        ]
        if colours:
            kinds = (RandomBrightness, RandomColorDegeneration, RandomContrast, RandomSharpness)
            found += [kind(f, **values) for kind in kinds]
        self.__dict__["_operations"] = found  # nothing that the model needs to know of

    def draw_choice(self, choice: np.ndarray, shape: tuple[int, ...], rng: Any) -> Any:
        """For each layer that is chosen: the layer, for which images, and what it draws."""
        found = []
        for number, operation in enumerate(self._operations):
            images = np.flatnonzero(choice == number)
            if images.size:
                drawn = operation.draw((len(images), *shape[1:]), rng)
                found.append((_OnSome(operation, images), drawn))
        return found


@register()
@dataclass(eq=False, repr=False)
class RandAugment(Policy):
    """Change each image by a few operations, drawn from eleven, in training.

    Shear, translation, rotation, brightness, colour, contrast, sharpness, posterization,
    solarization, automatic contrast and equalization.

    Parameters
    ----------
    value_range : (float, float)
        Least and largest value of a pixel.
    num_ops : int
        Operations on an image.
    factor : float or (float, float)
        Bounds of their strength, from 0 to 1. A number f stands for (0, f).
    interpolation : {"bilinear", "nearest"}
        How images are read between their pixels.
    seed : int, optional
        Gives the layer random numbers of its own.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Notes
    -----
    Cubuk et al. 2020, "RandAugment". As there, each image has operations of its own, where Keras
    draws them for a whole batch.

    Examples
    --------
    >>> RandAugment()(np.zeros((4, 8, 8, 3))).shape
    (4, 8, 8, 3)
    """

    written_first: ClassVar[tuple[str, ...]] = (
        *("value_range", "num_ops", "factor", "interpolation", "seed"),
    )

    value_range: Any = (0, 255)
    num_ops: int = 2
    factor: Any = 0.5
    interpolation: str = "bilinear"
    seed: int | None = None
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.num_ops = positive(self, "num_ops", self.num_ops)
        self.make_operations()

    def draw(self, shape: tuple[int, ...], rng: Any) -> Any:
        """The operations of each image, one after the other."""
        choices = rng.integers(len(self._operations), size=(self.num_ops, shape[0]))
        return [pair for choice in choices for pair in self.draw_choice(choice, shape, rng)]

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Apply them; masks follow where pixels move."""
        if interpolation:
            drawn = [pair for pair in drawn if pair[0].layer.moves]
        return in_turn(x, drawn, interpolation)


@register()
@dataclass(eq=False, repr=False)
class AugMix(Policy):
    """Blend each image with several versions of it, changed by chains of operations, in training.

    Parameters
    ----------
    value_range : (float, float)
        Least and largest value of a pixel; the result is clipped to it.
    num_chains, chain_depth : int
        Versions of an image, and the most operations of one.
    factor : float or (float, float)
        Bounds of their strength, from 0 to 1. A number f stands for (0, f).
    alpha : float
        Parameter of the distributions of the shares: Dirichlet among the versions, beta of the
        image itself.
    all_ops : bool
        Whether brightness, colour, contrast and sharpness are among the operations. They are what
        the robustness benchmark ImageNet-C tests.
    interpolation : {"bilinear", "nearest"}
        How images are read between their pixels.
    seed : int, optional
        Gives the layer random numbers of its own.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Notes
    -----
    Hendrycks et al. 2020, "AugMix". As there, each image has chains and shares of its own, where
    Keras draws them for a whole batch.

    Examples
    --------
    >>> AugMix()(np.zeros((4, 8, 8, 3))).shape
    (4, 8, 8, 3)
    """

    moves: ClassVar[bool] = False
    written_first: ClassVar[tuple[str, ...]] = (
        *("value_range", "num_chains", "chain_depth", "factor", "alpha", "all_ops"),
        *("interpolation", "seed"),
    )

    value_range: Any = (0, 255)
    num_chains: int = 3
    chain_depth: int = 3
    factor: Any = 0.3
    alpha: float = 1.0
    all_ops: bool = True
    interpolation: str = "bilinear"
    seed: int | None = None
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.num_chains = positive(self, "num_chains", self.num_chains)
        self.chain_depth = positive(self, "chain_depth", self.chain_depth)
        self.alpha = above_zero(self, "alpha", self.alpha)
        self.make_operations(self.all_ops)

    def draw(self, shape: tuple[int, ...], rng: Any) -> Any:
        """The shares of the chains and of the image, and the operations of each chain."""
        count = shape[0]
        shares = rng.dirichlet([self.alpha] * self.num_chains, size=count)
        kept = rng.beta(self.alpha, self.alpha, size=count)
        chains = []
        for _ in range(self.num_chains):
            # One more than there are operations: that is to do nothing.
            size = (self.chain_depth, count)
            choices = rng.integers(len(self._operations) + 1, size=size)
            chains.append([p for choice in choices for p in self.draw_choice(choice, shape, rng)])
        return shares, kept, chains

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Sum of the image and its versions, each in its share."""
        shares, kept, chains = drawn
        parts: list[Any] = [(kept, x, None)]
        for share, chain in zip(shares.T, chains, strict=True):
            parts.append(((1 - kept) * share, *in_turn(x, chain)))
        total = np.zeros(x.shape, x.dtype)
        for share, version, _ in parts:
            total += of_images(share, x.dtype) * version
        y, inside = clip(total, self.value_range)

        def pull(dy: np.ndarray) -> np.ndarray:
            dy = dy * inside
            dx = np.zeros(x.shape, dy.dtype)
            for share, _, pull_version in parts:
                part = of_images(share, dy.dtype) * dy
                dx += part if pull_version is None else pull_version(part)
            return dx

        return y, pull

    def transform_masks(self, masks: np.ndarray, drawn: Any) -> np.ndarray:
        """Masks cannot follow."""
        raise ValueError(
            f"{self.label} blends images whose pixels have moved in different ways: masks cannot "
            f"follow. Use RandAugment."
        )


class _OnSome:
    """A layer that acts on some images of a batch."""

    def __init__(self, layer: ImageLayer, images: np.ndarray) -> None:
        self.layer, self.images = layer, images

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Change those images; the others stay."""
        part, pull_part = self.layer.transform(x[self.images], drawn, interpolation)
        y = x.copy()
        y[self.images] = part

        def pull(dy: np.ndarray) -> np.ndarray:
            dx = dy.copy()
            dx[self.images] = pull_part(dy[self.images])
            return dx

        return y, pull
