"""Sheets of images, with what they are and what a model took them for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.viz import canvas
from kerasish.viz.classes import class_numbers, name_of


def image_grid(
    images: Any,
    labels: Any = None,
    predictions: Any = None,
    class_names: Sequence[str] | None = None,
    *,
    max_images: int = 24,
    columns: int | None = None,
    title: str | None = None,
    cmap: str = "gray_r",
    value_range: tuple[float, float] | None = None,
    figsize: tuple[float, float] | None = None,
    figure: Any = None,
) -> Any:
    """Draw images in rows, with labels and predictions above them.

    Where both are given, a right prediction is blue and a wrong one orange, in bold, with a
    cross before it, the true class in brackets and a thick frame; a line below counts them.

    Parameters
    ----------
    images : array (N, H, W), (N, H, W, 1), (N, H, W, 3) or (N, H, W, 4)
        Grey values share one scale, from the lowest to the highest shown. Colours are taken as
        they are when they are uint8 or lie in [0, 1], as 0 to 255 when they fit, and are
        stretched otherwise.
    labels : array (N,), (N, 1), or one-hot (N, classes), optional
        The true classes.
    predictions : array (N,), (N, 1) or (N, classes), optional
        Class numbers, or what `predict` gave: the most probable class is shown. A single
        fractional column is the probability of class 1.
    class_names : list of str, optional
        Names by class number.
    max_images : int
        Only so many, the first ones, are drawn.
    columns : int, optional
        Images in a row.
    title : str, optional
        Title of the whole figure.
    cmap : str
        Matplotlib's name of the colours for grey values; ``"gray"`` shows high values white.
    value_range : tuple of two floats, optional
        Grey values at the two ends of `cmap`.
    figsize : tuple of two floats, optional
        Width and height in inches.
    figure : Figure or SubFigure, optional
        Draw into this one, for instance ``plt.figure()``.

    Returns
    -------
    matplotlib.figure.Figure
        Not shown and not known to pyplot; save it with ``savefig``.

    Raises
    ------
    ValueError
        If the arrays have the wrong shape or different lengths.

    Examples
    --------
    >>> from kerasish.datasets import digits
    >>> (x, y), _ = digits.load_data()
    >>> figure = image_grid(x[:12], y[:12])
    >>> len(figure.axes)
    12
    """
    images = _checked(images)
    truths = class_numbers("image_grid", "labels", labels, len(images))
    guesses = class_numbers("image_grid", "predictions", predictions, len(images))
    images = images[: max(1, max_images)]
    count = len(images)
    columns = max(1, min(columns or math.ceil(math.sqrt(1.5 * count)), count))
    rows = math.ceil(count / columns)
    truths, guesses = truths and truths[:count], guesses and guesses[:count]
    captions = [_caption(i, truths, guesses, class_names) for i in range(count)]
    letters = max(len(line) for text, _ in captions for line in ("m", *text.split("\n")))
    lines = max(text.count("\n") + 1 for text, _ in captions) if truths or guesses else 0
    if figure is None:
        wide = max(1.0, min(0.09 * letters, 2.0))
        high = wide * images.shape[1] / images.shape[2] + 0.2 * lines
        extra = 0.35 * bool(truths and guesses) + 0.4 * bool(title)
        figsize = figsize or (columns * (wide + 0.1), rows * (high + 0.1) + extra)
        figure = canvas.new_figure(figsize)
    cell = figure.bbox.width / figure.dpi / columns
    size = min(10.0, max(5.0, 72 * cell / (0.68 * letters)))  # a letter is 0.68 of its size wide
    scaled, options = _shades(images, value_range)
    with canvas.style():
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, image, (text, right) in zip(panels, scaled, captions, strict=False):
            axes.imshow(image, cmap=cmap, interpolation="nearest", **options)
            if right is False:
                canvas.bare(axes, canvas.WRONG, 2.5)
            else:
                canvas.bare(axes)
            colour = {None: "black", True: canvas.RIGHT, False: canvas.WRONG}[right]
            weight = "bold" if right is False else "normal"
            axes.set_title(
                text, fontsize=size, pad=3, color=colour, fontweight=weight, parse_math=False
            )
        for axes in panels[count:]:
            axes.remove()
        if truths and guesses:
            good = sum(bool(right) for _, right in captions)
            note = f"{good} of {count} right" + ("; \N{MULTIPLICATION SIGN} wrong" * (good < count))
            figure.supxlabel(note, fontsize=9, color=canvas.GREY)
        if title:
            figure.suptitle(title, fontsize=13, parse_math=False)
    return figure


def _checked(images: Any) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    shape_is_right = images.ndim == 3 or (images.ndim == 4 and images.shape[-1] in (3, 4))
    if not shape_is_right or images.size == 0:
        hint = " Add an axis for a single image: image[None]." if images.ndim == 2 else ""
        raise ValueError(
            "image_grid expects images of shape (N, height, width) or (N, height, width, channels) "
            f"with 1, 3 or 4 channels but got {images.shape}.{hint}"
        )
    return images


def _named(value: Any, class_names: Sequence[str] | None) -> str:
    return name_of("image_grid", value, class_names)


def _caption(
    index: int, truths: list | None, guesses: list | None, class_names: Sequence[str] | None
) -> tuple[str, bool | None]:
    """Text above an image, and whether the prediction is right (None: not known)."""
    if truths is None and guesses is None:
        return "", None
    if truths is None or guesses is None:
        return _named((truths or guesses or [])[index], class_names), None
    guess, truth = _named(guesses[index], class_names), _named(truths[index], class_names)
    if guesses[index] == truths[index]:
        return guess, True
    gap = " " if len(guess) + len(truth) <= 6 else "\n"
    return f"\N{MULTIPLICATION SIGN} {guess}{gap}(is {truth})", False


def _shades(images: np.ndarray, value_range: Any) -> tuple[np.ndarray, dict[str, Any]]:
    """Images as matplotlib takes them, and the ends of the grey scale."""
    if images.ndim == 4 and images.dtype == np.uint8:
        return images, {}
    images = images.astype(float)
    finite = images[np.isfinite(images)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    if images.ndim == 3:
        low, high = value_range or (low, high)
        return images, {"vmin": low, "vmax": high if high > low else low + 1}
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    return np.clip((np.nan_to_num(images, nan=low) - low) / ((high - low) or 1), 0, 1), {}
