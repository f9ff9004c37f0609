"""Bars of times: what the layers of a model cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.viz import canvas
from kerasish.viz.classes import name_of


def plot_timings(
    names: Sequence[str],
    forward: Sequence[float],
    backward: Sequence[float],
    *,
    others: int = 0,
    title: str = "Time of a training step",
    figsize: tuple[float, float] | None = None,
    figure: Any = None,
) -> Any:
    """Draw a bar a layer, in order, forward and backward one behind the other.

    Parameters
    ----------
    names : sequence of str
        Names of the layers.
    forward, backward : sequence of float
        Milliseconds a batch.
    others : int
        So many of them, the last ones, are no layers.
    title : str
        Title.
    figsize : tuple of two floats, optional
        Width and height in inches.
    figure : Figure or SubFigure, optional
        Draw into this one.

    Returns
    -------
    matplotlib.figure.Figure
        Not shown and not known to pyplot; save it with ``savefig``.

    Examples
    --------
    >>> figure = plot_timings(["conv", "dense"], [2.0, 0.5], [3.0, 1.0])
    >>> figure.axes[0].get_xlabel()
    'milliseconds a batch'
    """
    shown = [name_of("plot_timings", str(name), None, 28) for name in names]
    there, back = np.asarray(forward, float), np.asarray(backward, float)
    total = there + back
    inner = len(shown) - others
    at = np.arange(len(shown))
    if figure is None:
        size = (5.5 + 0.07 * max(map(len, shown)), 0.25 * len(shown) + 1.4)
        figure = canvas.new_figure(figsize or size)
    with canvas.style():
        axes = figure.subplots()
        axes.barh(at[:inner], there[:inner], 0.75, color=canvas.COLOURS[0], label="forward")
        axes.barh(
            at[:inner], back[:inner], 0.75, there[:inner], color=canvas.COLOURS[4], label="backward"
        )
        if others:
            axes.barh(at[inner:], total[inner:], 0.75, color="#999999", label="other")
        whole = total.sum() or 1.0
        for place, value in zip(at, total, strict=True):
            axes.annotate(
                f"{value:.3g} ms, {100 * value / whole:.0f} %",
                (value, place),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=canvas.GREY,
            )
        axes.set_yticks(at, shown, parse_math=False)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.25 * max(float(total.max()), 1e-9))
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("milliseconds a batch")
        axes.grid(True, axis="x", color="#dddddd", linewidth=0.7)
        canvas.head(axes, title, f"{whole:.3g} ms in all")
        figure.legend(loc="outside lower center", ncols=3)
    return figure
