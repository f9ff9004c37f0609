"""Random changes of perspective and elastic distortions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.kernels import sampling
from kerasish.layers.arguments import fraction
from kerasish.layers.augmentation.base import ImageLayer, chosen, clip, factor_range, value_bounds
from kerasish.layers.augmentation.filters import gaussian
from kerasish.layers.spatial import one_of
from kerasish.registry import register


@register()
@dataclass(eq=False, repr=False)
class RandomPerspective(ImageLayer):
    """Show images as if seen from another place, in training.

    Parameters
    ----------
    factor : float or (float, float)
        Bounds of the probability, which is drawn for each image. A number f stands for (0, f).
    scale : float
        How far corners move, from 0 to 1: a coordinate by up to half of `scale` of itself.
    interpolation : {"bilinear", "nearest"}
        How the image is read between its pixels.
    fill_value : float
        What is beyond the border.
    seed : int, optional
        Gives the layer random numbers of its own.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Notes
    -----
    As in Keras, coordinates are multiplied by a random number, so that the upper left corner
    stays.

    Examples
    --------
    >>> RandomPerspective(scale=0.5)(np.zeros((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    moves: ClassVar[bool] = True
    written_first: ClassVar[tuple[str, ...]] = (
        *("factor", "scale", "interpolation", "fill_value", "seed"),
    )

    factor: Any = 1.0
    scale: float = 1.0
    interpolation: str = "bilinear"
    fill_value: float = 0.0
    seed: int | None = None
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.factor = factor_range(self, "factor", self.factor, low=0)
        self.scale = fraction(self, "scale", self.scale)
        self.interpolation = one_of(
            self, "interpolation", self.interpolation, ("nearest", "bilinear")
        )
        self.fill_value = float(self.fill_value)

    def draw(self, shape: tuple[int, ...], rng: Any) -> Any:
        """Which images change, and where (N, 4, 2) their corners go, as columns and rows."""
        apply = chosen(rng, self.factor, shape[0])
        moves = rng.uniform(-self.scale / 2, self.scale / 2, size=(shape[0], 4, 2))
        return apply, corners(shape) * (1 + moves)

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Sample where the homography says."""
        apply, ends = drawn
        m = homography(ends[apply], np.broadcast_to(corners(x.shape), ends[apply].shape))
        rows, columns = np.arange(x.shape[1])[:, None], np.arange(x.shape[2])
        a, b, c, d, e, f, g, h = m.T[:, :, None, None]
        depth = g * columns + h * rows + 1
        with np.errstate(divide="ignore", invalid="ignore"):
            down = ((d * columns + e * rows + f) / depth).astype(x.dtype)
            across = ((a * columns + b * rows + c) / depth).astype(x.dtype)
        how = (interpolation or self.interpolation, "constant", self.fill_value)
        return sampled(x, apply, _finite(down), _finite(across), how)


@register()
@dataclass(eq=False, repr=False)
class RandomElasticTransform(ImageLayer):
    """Distort images as if they were drawn on rubber, in training.

    Parameters
    ----------
    factor : float or (float, float)
        Bounds of the probability, which is drawn for each image. A number f stands for (0, f).
    scale : float or (float, float)
        Bounds of the strength, from 0 to 1. A number f stands for (0, f).
    interpolation : {"bilinear", "nearest"}
        How the image is read between its pixels.
    fill_mode : {"reflect", "wrap", "constant", "nearest", "mirror"}
        What is beyond the border; "mirror" does not repeat the last pixel as "reflect" does.
    fill_value : float
        Of ``fill_mode="constant"``.
    value_range : (float, float)
        Least and largest value of a pixel; the result is clipped to it.
    seed : int, optional
        Gives the layer random numbers of its own.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Notes
    -----
    Simard et al. 2003. Pixels are read at places moved by ``0.1 * s * max(height, width)`` times
    a random field, of deviation ``0.05 * s * min(height, width)`` and smoothed with the same.

    Examples
    --------
    >>> RandomElasticTransform(scale=0.5)(np.zeros((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    moves: ClassVar[bool] = True
    written_first: ClassVar[tuple[str, ...]] = (
        *("factor", "scale", "interpolation", "fill_mode", "fill_value", "value_range", "seed"),
    )

    factor: Any = 1.0
    scale: Any = 1.0
    interpolation: str = "bilinear"
    fill_mode: str = "reflect"
    fill_value: float = 0.0
    value_range: Any = (0, 255)
    seed: int | None = None
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.factor = factor_range(self, "factor", self.factor, low=0)
        self.scale = factor_range(self, "scale", self.scale, low=0)
        self.value_range = value_bounds(self, self.value_range)
        self.interpolation = one_of(
            self, "interpolation", self.interpolation, ("nearest", "bilinear")
        )
        self.fill_mode = one_of(self, "fill_mode", self.fill_mode, (*sampling.FILL_MODES, "mirror"))
        self.fill_value = float(self.fill_value)

    def draw(self, shape: tuple[int, ...], rng: Any) -> Any:
        """Which images change, and by how much (2, N, H, W) their pixels move down and across."""
        count, height, width = shape[:3]
        apply = chosen(rng, self.factor, count)
        scale = rng.uniform(*self.scale, size=count)
        sigma = 0.05 * scale * min(height, width)
        field = rng.standard_normal((2, count, height, width, 1)) * sigma[:, None, None, None]
        moves = np.empty(field.shape[:-1])
        for i, deviation in enumerate(sigma):
            size = int(6 * deviation) | 1
            rows, columns = (
                gaussian(n, sigma[i : i + 1], size, np.float64) for n in (height, width)
            )
            moves[:, i] = sampling.along_both(field[:, i], rows[0], columns[0])[..., 0]
        return apply, moves * (0.1 * scale * max(height, width))[:, None, None]

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Sample at the moved places; clip, but for masks."""
        apply, (down, across) = drawn
        rows, columns = np.arange(x.shape[1])[:, None], np.arange(x.shape[2])
        down = (down[apply] + rows).astype(x.dtype)
        across = (across[apply] + columns).astype(x.dtype)
        how = (interpolation or self.interpolation, self.fill_mode, self.fill_value)
        y, pull = sampled(x, apply, down, across, how)
        if interpolation:
            return y, pull
        y, inside = clip(y, self.value_range)
        return y, lambda dy: pull(dy * inside)


def sampled(x: np.ndarray, apply: np.ndarray, down: Any, across: Any, how: Any) -> Any:
    """Sample those images that `apply` says; the others stay."""
    part, pull_part = sampling.sample(x[apply], down, across, *how)
    y = x.copy()
    y[apply] = part

    def pull(dy: np.ndarray) -> np.ndarray:
        dx = dy.copy()
        dx[apply] = pull_part(dy[apply])
        return dx

    return y, pull


def corners(shape: tuple[int, ...]) -> np.ndarray:
    """Columns and rows (4, 2) of the corner pixels, row by row."""
    bottom, right = shape[1] - 1, shape[2] - 1
    return np.array([[0, 0], [right, 0], [0, bottom], [right, bottom]], float)


def homography(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The eight numbers (N, 8) of the perspective that takes points (N, 4, 2) to others.

    (x, y) goes to ``(a x + b y + c, d x + e y + f) / (g x + h y + 1)``.
    """
    x, y = source[..., 0], source[..., 1]
    one, zero = np.ones_like(x), np.zeros_like(x)
    u, v = target[..., 0], target[..., 1]
    across = np.stack([x, y, one, zero, zero, zero, -x * u, -y * u], axis=-1)
    down = np.stack([zero, zero, zero, x, y, one, -x * v, -y * v], axis=-1)
    system = np.concatenate([across, down], axis=1)
    return np.linalg.solve(system, np.concatenate([u, v], axis=1)[..., None])[..., 0]


def _finite(places: np.ndarray) -> np.ndarray:
    """Places at the horizon are far outside."""
    return np.nan_to_num(np.clip(places, -1e6, 1e6), nan=1e6)
