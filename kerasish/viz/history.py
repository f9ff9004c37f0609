"""Learning curves: one panel a metric, training and validation on the same axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish import errors
from kerasish.viz import canvas
from kerasish.viz.runs import Run, read_runs, smoothed

_INITIALS = {"auc", "ce", "iou", "kld", "mae", "mape", "mse", "msle", "pr", "rmse", "roc"}
RATES = ("learning_rate", "lr")
_DASHES: Any = (0, (4, 1.5))


def plot_history(
    history: Any,
    metrics: str | Sequence[str] | None = None,
    *,
    labels: Sequence[str] | None = None,
    title: str | None = None,
    log_scale: bool = False,
    mark_best: bool = True,
    smooth: float = 0,
    columns: int | None = None,
    figsize: tuple[float, float] | None = None,
    figure: Any = None,
) -> Any:
    """Draw the curves of a training run, or of several for comparison.

    Each metric has one panel, in which training is a solid line and validation a dashed one.
    A ring marks the best epoch (of validation, where there is one), and for a single run its
    value stands above the panel. Metrics whose name does not say which end is good get no ring.
    Metrics that are arrays are drawn by their mean. Epochs count from 1.

    Parameters
    ----------
    history : History, dict, or list of them
        What `fit` returned, its ``.history``, or ``{"loss": [...], "val_loss": [...]}``. A list,
        or a dict of name to history, draws each run in its own colour. A list of the logs of
        single epochs, ``[{"loss": 0.9}, {"loss": 0.4}]``, is one run; so is a list of losses.
    metrics : str or list of str, optional
        Which to draw, without ``val_``. All by default, the loss first.
    labels : list of str, optional
        Names of the runs.
    title : str, optional
        Title of the whole figure.
    log_scale : bool
        Logarithmic vertical axes, where all values are positive.
    mark_best : bool
        Whether to mark the best epoch.
    smooth : float
        From 0 to less than 1: how much of a curve's moving average is history. The curve itself
        shows pale behind it; the best epoch is that of the curve itself.
    columns : int, optional
        Panels in a row; at most 3 by default.
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
    TypeError
        If `history` is not one of the forms above.
    ValueError
        If there is nothing to draw, no run has one of `metrics`, or `smooth` is out of range.

    Examples
    --------
    >>> figure = plot_history({"loss": [0.9, 0.4, 0.3], "val_loss": [0.8, 0.5, 0.6]})
    >>> [axes.get_title("left") for axes in figure.axes]
    ['Loss']
    """
    if not 0 <= smooth < 1:
        raise ValueError(f"plot_history: `smooth` must be from 0 to less than 1 but is {smooth}.")
    runs = read_runs(history, labels)
    names = _chosen(runs, metrics)
    columns = max(1, min(columns or 3, len(names)))
    rows = math.ceil(len(names) / columns)
    if figure is None:
        figure = canvas.new_figure(figsize or (max(3.4 * columns, 4.8), 2.8 * rows + 0.5))
    with canvas.style():
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, name in zip(panels, names, strict=False):
            note = _draw_panel(axes, runs, name, log_scale, mark_best, smooth)
            # Where one panel has a note with its best value, all titles stand as high.
            noted = mark_best and len(runs) == 1 and any(runs[0].best(name) for name in names)
            canvas.head(axes, heading(name), note, room=noted)
        for axes in panels[len(names) :]:
            axes.remove()
        _draw_legend(figure, runs, names, mark_best)
        if title:
            figure.suptitle(title, fontsize=13, parse_math=False)
    return figure


def _chosen(runs: list[Run], metrics: str | Sequence[str] | None) -> list[str]:
    """Names of the panels, without ``val_``; the loss first and the learning rate last."""
    have = list(dict.fromkeys(name.removeprefix("val_") for run in runs for name in run.series))
    have.sort(key=lambda name: (name != "loss", name in RATES))
    if not have:
        raise ValueError(
            "plot_history: the history holds no epochs. Call fit with epochs of at least 1 first."
        )
    if metrics is None:
        return have
    wanted = [metrics] if isinstance(metrics, str) else list(metrics)
    wanted = list(dict.fromkeys(name.removeprefix("val_") for name in wanted))
    for name in wanted:
        if name not in have:
            raise ValueError(
                f"plot_history: the history has no metric '{name}'."
                f"{errors.did_you_mean(name, have)} It has: {', '.join(have)}."
            )
    if not wanted:
        raise ValueError(f"plot_history: `metrics` is empty. The history has: {', '.join(have)}.")
    return wanted


def _colours(runs: list[Run], index: int) -> tuple[str, str]:
    """Colours of training and validation; runs that are compared have one for both."""
    if len(runs) == 1:
        return canvas.COLOURS[0], canvas.COLOURS[1]
    if len(runs) <= len(canvas.COLOURS):
        colour = canvas.COLOURS[index]
    else:  # too many to tell apart by colour alone: in the order of the runs
        from matplotlib import colormaps
        from matplotlib.colors import to_hex

        colour = to_hex(colormaps["viridis"](0.95 * index / (len(runs) - 1)))
    return colour, colour


def _marker(runs: list[Run]) -> str:
    return "o" if max(len(run.epochs) for run in runs) <= 25 else ""


def _draw_panel(
    axes: Any, runs: list[Run], name: str, log_scale: bool, mark_best: bool, smooth: float
) -> str:
    """Draw one metric; return a note on its best value."""
    values, epochs, note = [], [], ""
    smooth = 0 if name in RATES else smooth
    for index, run in enumerate(runs):
        for key, colour, dashes in zip(
            (name, f"val_{name}"), _colours(runs, index), ("-", _DASHES), strict=True
        ):
            if key not in run.series:
                continue
            x, y = run.points(key)
            if smooth:
                axes.plot(x, y, color=colour, linewidth=0.8, alpha=0.35)
            axes.plot(
                x,
                smoothed(y, smooth) if smooth else y,
                color=colour,
                linestyle=dashes,
                linewidth=1.6,
                marker="" if smooth else _marker(runs),
                markersize=3,
            )
            values.append(y)
            epochs.append(x)
        best = run.best(name) if mark_best else None
        if best:
            axes.plot(*best, "o", ms=10, mew=1.6, mfc="none", mec="black", zorder=5, clip_on=False)
            note = f"best {best[1]:.4g}, epoch {best[0]}"
    _scale_axes(axes, name, np.concatenate(epochs), np.concatenate(values), log_scale)
    return note if len(runs) == 1 else ""


def _scale_axes(axes: Any, name: str, epochs: Any, values: Any, log_scale: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    first, last = epochs.min(), epochs.max()
    # At most half an epoch to the left, so that no tick stands at an epoch 0.
    margin = 0.03 * (last - first) or 0.5
    axes.set_xlim(first - min(margin, 0.5), last + margin)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")
    axes.grid(True, axis="y", color="#dddddd", linewidth=0.7)
    finite = values[np.isfinite(values)]
    positive = finite.size > 0 and finite.min() > 0
    decades = name in RATES and positive and finite.max() >= 8 * finite.min()
    if positive and (log_scale or decades):
        axes.set_yscale("log")
    else:
        axes.margins(y=0.08)
        largest = np.abs(finite).max() if finite.size else 0
        if 0 < largest < 1e-3 or largest >= 1e6:
            # Matplotlib's common factor would stand where the best value is written.
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:.3g}")
        else:
            axes.ticklabel_format(axis="y", useOffset=False)


def heading(name: str) -> str:
    """A metric's name as a heading.

    >>> heading("sparse_top_k"), heading("root_mse")
    ('Sparse top k', 'Root MSE')
    """
    words = [word.upper() if word in _INITIALS else word for word in name.split("_")]
    text = " ".join(word for word in words if word)
    return text[:1].upper() + text[1:]


def _draw_legend(figure: Any, runs: list[Run], names: list[str], mark_best: bool) -> None:
    from matplotlib.lines import Line2D

    entries = []
    if len(runs) > 1:
        for index, run in enumerate(runs):
            entries.append((Line2D([], [], color=_colours(runs, index)[0], lw=2.5), run.label))
    several = (canvas.GREY, canvas.GREY) if len(runs) > 1 else _colours(runs, 0)
    shown = {key for run in runs for key in run.series}
    look: dict[str, Any] = {"lw": 1.6, "marker": _marker(runs), "ms": 3}
    if shown & set(names):
        entries.append((Line2D([], [], color=several[0], **look), "training"))
    if shown & {f"val_{name}" for name in names}:
        dashed = Line2D([], [], color=several[1], ls=_DASHES, **look)
        entries.append((dashed, "validation"))
    if mark_best and any(run.best(name) for run in runs for name in names):
        ring = Line2D([], [], ls="", marker="o", ms=8, mew=1.6, mfc="none", mec="black")
        entries.append((ring, "best epoch"))
    # A letter is about 0.075 inches wide and a line sample with its gaps 0.7.
    width = 0.7 + 0.075 * max(len(text) for _, text in entries)
    inches = figure.bbox.width / figure.dpi
    legend = figure.legend(
        *zip(*entries, strict=True),
        loc="outside lower center",
        ncols=max(1, min(len(entries), int(inches / width))),
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
