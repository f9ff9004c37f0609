"""Hue and saturation of colour images (N, H, W, 3), with the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.kernels.sampling import Pull, cache_blocks

LUMA = (0.2989, 0.5870, 0.1140)  # shares of red, green and blue in how bright a pixel looks


def gray(x: np.ndarray) -> tuple[np.ndarray, Pull]:
    """Brightness of each pixel (N, H, W, 1); one channel is that already."""
    if x.shape[-1] == 1:
        return x, lambda dy: dy
    weights = np.asarray(LUMA, x.dtype)
    return (x @ weights)[..., None], lambda dy: dy * weights


def turn(x: np.ndarray, hue: Any = 0.0, saturation: Any = None) -> tuple[np.ndarray, Pull]:
    """Turn the hue by `hue` sixths of a circle and multiply the saturation.

    Both are numbers or (N, 1, 1). Values start at 0; the saturation stays within 0 and 1.

    Notes
    -----
    With V the largest component, C its distance from the smallest and h the hue, a component is
    ``V - K + K f(h)``, where f is piecewise linear and the chroma K is C, or C times
    `saturation`. The hue is ``(a - b) / C`` and a whole number, a and b being two components,
    so the whole is piecewise linear in x where K is C.
    """
    each = (len(x), 1, 1)
    hues = np.broadcast_to(np.asarray(hue, x.dtype), each)
    factors = None
    if saturation is not None:
        factors = np.broadcast_to(np.asarray(saturation, x.dtype), each)

    def turn_block(images: slice) -> tuple[np.ndarray, Pull]:
        return _turn(x[images], hues[images], None if factors is None else factors[images])

    y = np.empty_like(x)
    blocks = cache_blocks(len(x), x.shape[1] * x.shape[2])
    for images in blocks:
        y[images] = turn_block(images)[0]

    def pull(dy: np.ndarray) -> np.ndarray:
        dx = np.empty(x.shape, dy.dtype)
        for images in blocks:  # computed again: what it needs is many times the images
            dx[images] = turn_block(images)[1](dy[images])
        return dx

    return y, pull


def _turn(x: np.ndarray, hue: np.ndarray, saturation: Any) -> tuple[np.ndarray, Pull]:
    """The same for a few images."""
    red, green, blue = np.ascontiguousarray(np.moveaxis(x, -1, 0))
    value = np.maximum(np.maximum(red, green), blue)
    low = np.minimum(np.minimum(red, green), blue)
    chroma = value - low
    is_red = value == red
    is_green = ~is_red & (value == green)
    numerator = np.where(is_red, green - blue, np.where(is_green, blue - red, red - green))
    inverse = (chroma > 0) / np.where(chroma > 0, chroma, 1)
    part = numerator * inverse
    h = part + np.where(
        is_red, x.dtype.type(0), np.where(is_green, x.dtype.type(2), x.dtype.type(4))
    )
    h += hue
    h -= 6 * np.floor(h / 6)
    wanted = chroma if saturation is None else chroma * saturation
    new = wanted if saturation is None else np.clip(wanted, 0, np.maximum(value, 0))
    distances = [np.abs(h - 3) - 1, 2 - np.abs(h - 2), 2 - np.abs(h - 4)]
    shares = [np.clip(d, 0, 1) for d in distances]
    y = np.empty_like(x)
    for i, share in enumerate(shares):
        y[..., i] = value + new * (share - 1)

    def pull(dy: np.ndarray) -> np.ndarray:
        centres, ups = (3, 2, 4), (1, -1, -1)
        d_new = np.zeros_like(value)
        d_part = np.zeros_like(value)
        for i, (distance, share) in enumerate(zip(distances, shares, strict=True)):
            slope = np.sign(h - centres[i]) * (ups[i] * ((distance > 0) & (distance < 1)))
            d_new += dy[..., i] * (share - 1)
            d_part += dy[..., i] * new * slope
        d_numerator = d_part * inverse
        d_chroma = -part * d_numerator
        d_value = dy.sum(axis=-1)
        if saturation is None:
            d_chroma += d_new
        else:
            d_chroma += np.where((wanted > 0) & (wanted < value), d_new * saturation, 0)
            d_value += np.where((wanted >= value) & (value > 0), d_new, 0)
        d_value += d_chroma
        is_low = [low == component for component in (red, green, blue)]
        is_low[1] &= ~is_low[0]
        is_low[2] &= ~is_low[0] & ~is_low[1]
        is_blue = ~is_red & ~is_green
        dx = np.empty(x.shape, dy.dtype)
        for i, (largest, plus, minus) in enumerate(
            [
                (is_red, is_blue, is_green),
                (is_green, is_red, is_blue),
                (is_blue, is_green, is_red),
            ]
        ):
            dx[..., i] = d_value * largest - d_chroma * is_low[i]
            dx[..., i] += d_numerator * plus - d_numerator * minus
        return dx

    return y, pull
