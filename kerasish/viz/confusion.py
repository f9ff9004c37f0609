"""Confusion matrix: which class is taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.viz import canvas
from kerasish.viz.classes import all_classes, class_numbers

WHO = "confusion_matrix"


def count_confusions(truths: Any, guesses: Any, classes: int) -> np.ndarray:
    """Return an int array whose entry (i, j) counts samples of class i that are taken for j.

    >>> count_confusions([0, 0, 1], [0, 1, 1], 2)
    array([[1, 1],
           [0, 1]])
    """
    flat = np.asarray(truths, np.int64) * classes + np.asarray(guesses, np.int64)
    return np.bincount(flat, minlength=classes**2).reshape(classes, classes)


def worst_confusions(matrix: np.ndarray, most: int) -> list[tuple[int, int, int]]:
    """The most frequent mistakes: true class, predicted class, count.

    >>> worst_confusions(np.array([[5, 1], [3, 5]]), 3)
    [(1, 0, 3), (0, 1, 1)]
    """
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [divmod(int(place), len(wrong)) for place in order]
    return [(i, j, int(wrong[i, j])) for i, j in pairs if wrong[i, j]]


def confusion_matrix(
    y_true: Any,
    y_pred: Any = None,
    class_names: Sequence[str] | None = None,
    *,
    normalize: str | None = None,
    title: str | None = None,
    cmap: str = "Blues",
    figsize: tuple[float, float] | None = None,
    figure: Any = None,
) -> Any:
    """Draw how often each class (a row) was predicted as each class (a column).

    Colour shows the share of the true class, on a scale that spreads small shares, so that errors
    are seen beside the diagonal; numbers stand in the cells up to 20 classes.

    Parameters
    ----------
    y_true : array (N,), (N, 1), or one-hot (N, classes)
        True classes: numbers from 0 on, or strings. Without `y_pred`, a ready matrix of counts
        (classes, classes) with a row for each true class.
    y_pred : array (N,), (N, 1) or (N, classes), optional
        Predicted classes, or what `predict` gave: the most probable class counts. A single
        fractional column is the probability of class 1.
    class_names : list of str, optional
        Names by class number.
    normalize : {"true", "pred", "all"}, optional
        Show percentages of the row, of the column or of all samples instead of counts.
    title : str, optional
        Title; by default the accuracy and the number of samples.
    cmap : str
        Matplotlib's name of the colours.
    figsize : tuple of two floats, optional
        Width and height in inches.
    figure : Figure or SubFigure, optional
        Draw into this one.

    Returns
    -------
    matplotlib.figure.Figure
        Not shown and not known to pyplot; save it with ``savefig``.

    Raises
    ------
    ValueError
        If shapes or lengths do not fit, a class has no name, or `normalize` is unknown.

    Examples
    --------
    >>> figure = confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], ["cat", "dog"])
    >>> figure.axes[0].get_title("left")
    'Accuracy 75.0 %, 4 samples'
    """
    if normalize not in (None, "true", "pred", "all"):
        raise ValueError(
            f"{WHO}: `normalize` must be None, 'true', 'pred' or 'all' but got {normalize!r}."
        )
    counts, names = _counted(y_true, y_pred, class_names)
    total = max(int(counts.sum()), 1)
    rows = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    columns = np.maximum(counts.sum(axis=0, keepdims=True), 1)
    divisor = {"pred": columns, "all": np.array([[total]])}.get(normalize or "true", rows)
    shares = counts / divisor
    texts = _texts(counts, shares if normalize else None)
    longest = max(len(text) for row in texts for text in row)
    if figure is None:
        figure = canvas.new_figure(figsize or _size(names, longest))
    with canvas.style():
        axes = figure.subplots()
        _draw(axes, figure, shares, cmap, normalize)
        side = min(figure.bbox.width, figure.bbox.height) / figure.dpi / (len(names) + 3)
        if len(names) <= 20:
            _write(axes, texts, shares, min(10.0, 72 * side / (0.62 * longest)))
        _label(axes, names, side)
        right = 100 * np.trace(counts) / total
        samples = "sample" if counts.sum() == 1 else "samples"
        heading = title or f"Accuracy {right:.1f} %, {int(counts.sum()):,} {samples}"
        heading += "; cells in %" if normalize and not title and len(names) <= 20 else ""
        axes.set_title(heading, loc="left", parse_math=False)
    return figure


def _counted(y_true: Any, y_pred: Any, class_names: Any) -> tuple[np.ndarray, list[str]]:
    if y_pred is None:
        counts = np.asarray(y_true)
        square = counts.ndim == 2 and counts.shape[0] == counts.shape[1] and counts.size > 0
        if not square or counts.dtype.kind not in "iuf" or counts.min() < 0:
            raise ValueError(
                f"{WHO}: without `y_pred`, `y_true` must be a square matrix of counts but got an "
                f"array of shape {counts.shape}. Pass the predictions too."
            )
        _, names = all_classes(WHO, [range(len(counts))], class_names)
        if len(names) != len(counts):
            raise ValueError(
                f"{WHO}: `class_names` has {len(names)} names for {len(counts)} classes."
            )
        return counts.astype(np.int64), names
    truths = class_numbers(WHO, "y_true", y_true)
    guesses = class_numbers(WHO, "y_pred", y_pred)
    if len(truths) != len(guesses):
        raise ValueError(
            f"{WHO}: `y_true` has {len(truths)} samples but `y_pred` has {len(guesses)}."
        )
    classes, names = all_classes(WHO, [truths, guesses], class_names)
    place = {value: index for index, value in enumerate(classes)}
    truths, guesses = ([place[value] for value in values] for values in (truths, guesses))
    return count_confusions(truths, guesses, len(classes)), names


def _texts(counts: np.ndarray, shares: np.ndarray | None) -> list[list[str]]:
    if shares is None:
        return [[f"{count:d}" for count in row] for row in counts.tolist()]
    return [[f"{100 * share:.1f}" if share else "0" for share in row] for row in shares.tolist()]


def _size(names: list[str], longest: int) -> tuple[float, float]:
    """Width and height in inches, so that numbers and names find their places."""
    count = len(names)
    cell = max(0.07 * longest + 0.12, 0.34) if count <= 20 else (0.19 if count <= 45 else 0.085)
    margin = 0.085 * max(map(len, names)) + 0.6
    side = max(count * cell, 1.8)
    return side + margin + 1.0, side + margin + 0.5


def _draw(axes: Any, figure: Any, shares: np.ndarray, cmap: str, normalize: str | None) -> None:
    from matplotlib.colors import PowerNorm

    picture = axes.imshow(
        shares, cmap=cmap, norm=PowerNorm(0.5, 0, max(shares.max(), 1e-9)), aspect="equal"
    )
    of = {"pred": "the predicted class", "all": "all samples"}.get(normalize or "", "")
    bar = figure.colorbar(picture, ax=axes, fraction=0.045, pad=0.02, shrink=0.8)
    bar.set_label(f"share of {of or 'the true class'} (%)")
    ticks = [t for t in (0, 0.01, 0.05, 0.2, 0.5, 1) if t <= shares.max()]
    bar.set_ticks(ticks, labels=[f"{100 * t:g}" for t in ticks])
    bar.outline.set_visible(False)


def _write(axes: Any, texts: list[list[str]], shares: np.ndarray, size: float) -> None:
    from matplotlib.colors import to_rgb

    picture = axes.images[0]
    for i, row in enumerate(texts):
        for j, text in enumerate(row):
            shade = to_rgb(picture.cmap(picture.norm(shares[i, j])))
            luminance = 0.299 * shade[0] + 0.587 * shade[1] + 0.114 * shade[2]
            faint = text == "0"
            colour = "white" if luminance < 0.5 else ("#999999" if faint else "black")
            axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=size)


def _label(axes: Any, names: list[str], side: float) -> None:
    count = len(names)
    every = 1 if count <= 45 else (2 if max(map(len, names)) > 3 else 5)
    size = min(9.0, max(4.0, 72 * side * every * 0.75))
    ticks = range(0, count, every)
    shown = [names[i] for i in ticks]
    flat = max(map(len, shown)) * size * 0.65 / 72 <= side * every
    axes.set_xticks(ticks, shown, fontsize=size, rotation=0 if flat else 90, parse_math=False)
    axes.set_yticks(ticks, shown, fontsize=size, parse_math=False)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.tick_params(length=2 if every > 1 else 0)
    for spine in axes.spines.values():
        spine.set_visible(True)
