"""Class distribution: how many samples each class has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerasish.viz import canvas
from kerasish.viz.classes import all_classes, class_numbers

WHO = "class_distribution"
MOST_BARS = 40  # more classes than this become thin columns without names


def class_distribution(
    labels: Any,
    class_names: Sequence[str] | None = None,
    *,
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    figure: Any = None,
) -> Any:
    """Draw how many samples each class has, in one set or in several side by side.

    Several sets are compared by shares, since their sizes differ; numbers of samples stand at
    the bars. A class of which there is no sample shows as 0.

    Parameters
    ----------
    labels : array (N,), (N, 1) or one-hot (N, classes), or dict of them
        The classes of one set, or of several by their names: ``{"train": y, "test": y_test}``.
    class_names : list of str, optional
        Names by class number.
    title : str, optional
        Title; by default what there is, and how much larger the largest class is.
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
        If there is no sample, a shape is wrong, or a class has no name.

    Examples
    --------
    >>> figure = class_distribution([0, 0, 0, 1], ["cat", "dog"])
    >>> figure.axes[0].get_title("left")
    '4 samples, 2 classes'
    """
    sets = dict(labels) if isinstance(labels, Mapping) else {"": labels}
    lists = {key: class_numbers(WHO, str(key) or "labels", y) for key, y in sets.items()}
    classes, names = all_classes(WHO, list(lists.values()), class_names)
    place = {value: index for index, value in enumerate(classes)}
    counts = {
        str(key): np.bincount([place[v] for v in values], minlength=len(classes))
        for key, values in lists.items()
    }
    lying = len(classes) <= MOST_BARS
    if figure is None:
        figure = canvas.new_figure(figsize or _size(names, len(counts), lying))
    with canvas.style():
        axes = figure.subplots()
        _draw(axes, counts, names, lying)
        heading, note = _heading(counts)
        canvas.head(axes, title or heading, note)
        if len(counts) > 1:
            legend = figure.legend(loc="outside lower center", ncols=len(counts), reverse=False)
            for text in legend.get_texts():
                text.set_parse_math(False)
    return figure


def _size(names: list[str], sets: int, lying: bool) -> tuple[float, float]:
    if not lying:
        return 9.0, 3.2
    bar = 0.26 if sets == 1 else 0.17 * sets + 0.1
    return 5.4 + 0.075 * max(map(len, names)), bar * len(names) + 1.2 + 0.35 * (sets > 1)


def _draw(axes: Any, counts: dict[str, np.ndarray], names: list[str], lying: bool) -> None:
    several = len(counts) > 1
    thick = 0.8 / len(counts)
    at = np.arange(len(names))
    for index, (label, values) in enumerate(counts.items()):
        lengths = 100 * values / max(values.sum(), 1) if several else values
        shift = (index - (len(counts) - 1) / 2) * thick
        colour = canvas.COLOURS[index % len(canvas.COLOURS)]
        draw = axes.barh if lying else axes.bar
        bars = draw(at + shift, lengths, thick, color=colour, label=label)
        if lying:
            axes.bar_label(
                bars, [f"{value:,}" for value in values], padding=3, fontsize=8, color=canvas.GREY
            )
    what = "share of the set's samples (%)" if several else "samples"
    if lying:
        axes.set_yticks(at, names, parse_math=False)
        axes.invert_yaxis()
        axes.margins(x=0.12, y=0.01)
        axes.set_xlabel(what)
        axes.tick_params(axis="y", length=0)
    else:
        axes.margins(x=0.01)
        axes.set_xlabel("class number")
        axes.set_ylabel(what)
    axes.grid(True, axis="x" if lying else "y", color="#dddddd", linewidth=0.7)
    if not several:
        from matplotlib.ticker import MaxNLocator, StrMethodFormatter

        axis = axes.xaxis if lying else axes.yaxis
        axis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _heading(counts: dict[str, np.ndarray]) -> tuple[str, str]:
    """What there is, and a note on the balance of it."""
    classes = len(next(iter(counts.values())))
    if len(counts) > 1:
        sizes = ", ".join(f"{key} {values.sum():,}" for key, values in counts.items())
        return f"{classes} classes", sizes
    (values,) = counts.values()
    total, least, most = int(values.sum()), int(values.min()), int(values.max())
    text = f"{total:,} sample{'s' * (total != 1)}, {classes} class{'es' * (classes != 1)}"
    if least == 0:
        return text, f"{int((values == 0).sum())} classes without samples"
    if least == most:
        return text, "all classes of the same size"
    return text, f"largest class {most / least:.3g} times the smallest"
