"""Moving, turning, shearing and zooming images, and changing their brightness."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import config
from kerasish.data.images import array_to_img, img_to_array
from kerasish.errors import did_you_mean
from kerasish.kernels import sampling

FILL_MODES = ("constant", "nearest", "reflect", "wrap")


def affine_matrix(
    theta: float, tx: float, ty: float, shear: float, zx: float, zy: float, height: int, width: int
) -> np.ndarray:
    """Return the (2, 3) matrix from (row, column, 1) of the result to the place it is read from.

    Rotation by `theta`, shift by `tx` columns and `ty` rows, shear and zoom (`zx` across, `zy`
    down) act about the centre of the image, one after the other; angles are in degrees.

    >>> affine_matrix(0, 1, 2, 0, 1, 1, 4, 4).tolist()
    [[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]]
    """
    a, s = np.deg2rad(theta), np.deg2rad(shear)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])  # of (column, row)
    slant = np.array([[1, -np.sin(s)], [0, np.cos(s)]])
    linear = turn @ slant @ np.diag([zx, zy])
    centre = np.array([width / 2 - 0.5, height / 2 - 0.5])
    offset = centre + turn @ np.array([tx, ty]) - linear @ centre
    return np.c_[linear[::-1, ::-1], offset[::-1]]


def read_affine(
    x: np.ndarray, matrices: np.ndarray, fill_mode: str, cval: float, order: int
) -> np.ndarray:
    """Images (N, H, W, C), each read at the places of its matrix (2, 3); as scipy.ndimage does."""
    count, height, width, _ = x.shape
    rows, columns = np.arange(height)[:, np.newaxis], np.arange(width)
    found = np.empty_like(x)
    block = max(1, 2**20 // (height * width))  # the places of so many images are in memory
    for start in range(0, count, block):
        part = slice(start, start + block)
        m = matrices[part, :, :, np.newaxis, np.newaxis]
        down, across = (m[:, k, 0] * rows + m[:, k, 1] * columns + m[:, k, 2] for k in (0, 1))
        outside = _outside(down, height) | _outside(across, width)
        mode = "nearest"
        if fill_mode == "wrap":
            down, across = _wrapped(down, height), _wrapped(across, width)
        elif fill_mode == "reflect":
            mode = "reflect"
        how = "bilinear" if order else "nearest"
        found[part] = sampling.sample(x[part], down, across, how, mode, 0.0)[0]
        if fill_mode == "constant":
            found[part][outside] = cval
    return found


def _outside(places: np.ndarray, count: int) -> np.ndarray:
    slack = 1e-9  # of a place on the border that was rounded
    return (places < -slack) | (places > count - 1 + slack)


def _wrapped(places: np.ndarray, count: int) -> np.ndarray:
    """Repeat an axis so that its last pixel is its first one, as "wrap" does in SciPy."""
    period = max(count - 1, 1)
    below = places + period * (np.trunc(-places / period) + 1)
    above = places - period * np.trunc(places / period)
    return np.where(places < 0, below, np.where(places > count - 1, above, places))


def check_fill(fill_mode: Any, order: Any, who: str) -> None:
    """Refuse a fill mode or an order of interpolation that is none."""
    if fill_mode not in FILL_MODES:
        raise ValueError(
            f"{who}: `fill_mode` must be one of {', '.join(map(repr, FILL_MODES))} but got "
            f"{fill_mode!r}.{did_you_mean(fill_mode, FILL_MODES)}"
        )
    if order not in (0, 1):
        raise ValueError(
            f"{who}: the order of interpolation must be 0 (nearest pixel) or 1 (linear) but got "
            f"{order!r}. Splines of higher order are not available."
        )


def apply_affine_transform(
    x: Any,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> np.ndarray:
    """Turn, move, shear and zoom one image.

    Parameters
    ----------
    x : array-like
        An image with three axes.
    theta, shear : float
        Angles in degrees.
    tx, ty : float
        Shift in pixels, to the left and up.
    zx, zy : float
        Zoom across and down; above 1 the image becomes smaller.
    row_axis, col_axis, channel_axis : int
        Which axis is which.
    fill_mode : {"nearest", "constant", "reflect", "wrap"}
        What is beyond the border.
    cval : float
        Its value, with "constant".
    order : {1, 0}
        Linear interpolation or the nearest pixel.

    Examples
    --------
    >>> x = np.arange(9.0).reshape(3, 3, 1)
    >>> axes = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}
    >>> apply_affine_transform(x, ty=1, fill_mode="constant", **axes)[..., 0].tolist()
    [[3.0, 4.0, 5.0], [6.0, 7.0, 8.0], [0.0, 0.0, 0.0]]
    """
    who = "apply_affine_transform"
    check_fill(fill_mode, order, who)
    x = np.asarray(x)
    if x.ndim != 3 or sorted((row_axis, col_axis, channel_axis)) != [0, 1, 2]:
        raise ValueError(
            f"{who}: Input arrays must be multi-channel 2D images with three axes, of which "
            f"`row_axis`, `col_axis` and `channel_axis` name each, but got shape {x.shape} and "
            f"axes {row_axis}, {col_axis}, {channel_axis}. For (H, W, C) pass row_axis=0, "
            "col_axis=1, channel_axis=2."
        )
    image = np.transpose(x, (row_axis, col_axis, channel_axis))
    matrix = affine_matrix(theta, tx, ty, shear, zx, zy, *image.shape[:2])
    if x.dtype.kind != "f":
        image = image.astype(config.floatx())
    image = np.ascontiguousarray(image)
    found = read_affine(image[np.newaxis], matrix[np.newaxis], fill_mode, cval, order)[0]
    found = np.transpose(found, np.argsort((row_axis, col_axis, channel_axis)))
    return found.astype(x.dtype) if x.dtype.kind in "iu" else found


def apply_channel_shift(x: Any, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """Add a number to all pixels, which keep within the range that they had."""
    x = np.asarray(x)
    return np.clip(x + x.dtype.type(intensity), x.min(), x.max())


def apply_brightness_shift(x: Any, brightness: float, scale: bool = True) -> np.ndarray:
    """Multiply the brightness of an image (H, W, C).

    Parameters
    ----------
    x : array-like
        Values from 0 to 255, which are rounded to whole numbers.
    brightness : float
        Factor; what is beyond 255 becomes 255.
    scale : bool
        Stretch values to 0 to 255 first. Those that are not within 0 to 255 are in any case.
    """
    from PIL import ImageEnhance

    x = np.asarray(x)
    low, high = x.min(), x.max()
    stretches = bool(low < 0 or high > 255)
    image = ImageEnhance.Brightness(array_to_img(x, scale=stretches or scale)).enhance(brightness)
    found = img_to_array(image)
    return found / 255 * (high - low) + low if stretches and not scale else found


def generator_of(seed: Any = None) -> np.random.Generator:
    """Return a generator: the one given, one of that seed, or one that `set_random_seed` leads."""
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(config.next_seed() if seed is None else seed)


def random_rotation(
    x: Any,
    rg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
    seed: Any = None,
) -> np.ndarray:
    """Turn an image by up to `rg` degrees either way."""
    theta = generator_of(seed).uniform(-rg, rg)
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(
        x, theta, 0, 0, 0, 1, 1, *axes, fill_mode, cval, interpolation_order
    )


def random_shift(
    x: Any,
    wrg: float,
    hrg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
    seed: Any = None,
) -> np.ndarray:
    """Move an image by up to the fractions `wrg` of its width and `hrg` of its height."""
    rng, shape = generator_of(seed), np.shape(x)
    tx = rng.uniform(-wrg, wrg) * shape[col_axis]
    ty = rng.uniform(-hrg, hrg) * shape[row_axis]
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(
        x, 0, tx, ty, 0, 1, 1, *axes, fill_mode, cval, interpolation_order
    )


def random_shear(
    x: Any,
    intensity: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
    seed: Any = None,
) -> np.ndarray:
    """Shear an image by up to `intensity` degrees either way."""
    shear = generator_of(seed).uniform(-intensity, intensity)
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(
        x, 0, 0, 0, shear, 1, 1, *axes, fill_mode, cval, interpolation_order
    )


def random_zoom(
    x: Any,
    zoom_range: tuple[float, float],
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
    seed: Any = None,
) -> np.ndarray:
    """Zoom an image by factors out of `zoom_range`, one for each direction."""
    low, high = _pair(zoom_range, "random_zoom", "zoom_range")
    zx, zy = (1.0, 1.0) if low == high == 1 else generator_of(seed).uniform(low, high, 2)
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(
        x, 0, 0, 0, 0, zx, zy, *axes, fill_mode, cval, interpolation_order
    )


def random_channel_shift(
    x: Any, intensity_range: float, channel_axis: int = 0, seed: Any = None
) -> np.ndarray:
    """Add a number of up to `intensity_range` to all pixels."""
    intensity = generator_of(seed).uniform(-intensity_range, intensity_range)
    return apply_channel_shift(x, intensity, channel_axis)


def random_brightness(
    x: Any, brightness_range: tuple[float, float], scale: bool = True, seed: Any = None
) -> np.ndarray:
    """Multiply the brightness by a factor out of `brightness_range`."""
    low, high = _pair(brightness_range, "random_brightness", "brightness_range")
    return apply_brightness_shift(x, generator_of(seed).uniform(low, high), scale)


def _pair(value: Any, who: str, name: str) -> tuple[float, float]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ValueError(
            f"{who}: `{name}` should be a tuple or list of two floats. Received: {value!r}. Write "
            f"(0.8, 1.2), for instance."
        )
    return float(value[0]), float(value[1])
