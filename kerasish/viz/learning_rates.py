"""The loss over the learning rate, as `callbacks.LRFinder` has found it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.viz import canvas


def plot_learning_rates(
    rates: Sequence[float],
    losses: Sequence[float],
    suggestion: float | None = None,
    *,
    smoothed: Any = None,
    title: str = "Learning rate range test",
    figsize: tuple[float, float] | None = None,
    figure: Any = None,
) -> Any:
    """Draw the loss over the learning rate.

    Parameters
    ----------
    rates, losses : sequence of float
        One of each a batch.
    suggestion : float, optional
        A rate to mark.
    smoothed : sequence of float, optional
        The losses without their noise.
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
    >>> figure = plot_learning_rates([0.01, 0.1, 1.0], [2.0, 1.0, 9.0], 0.1)
    >>> figure.axes[0].get_xscale()
    'log'
    """
    x, y = np.asarray(rates, float), np.asarray(losses, float)
    curve = y if smoothed is None else np.asarray(smoothed, float)
    if figure is None:
        figure = canvas.new_figure(figsize or (6.0, 3.6))
    with canvas.style():
        axes = figure.subplots()
        axes.plot(x, y, color=canvas.GREY, lw=0.7, alpha=0.5, label="loss of a batch")
        if smoothed is not None:
            axes.plot(x, curve, color=canvas.COLOURS[0], lw=1.8, label="smoothed")
        axes.set_xscale("log")
        finite = curve[np.isfinite(curve)]
        if finite.size:  # the explosion at the end would flatten all before it
            low, first = float(finite.min()), float(finite[0])
            high = max(first, low) + 0.3 * max(first - low, 1e-12)
            axes.set_ylim(low - 0.15 * (high - low), min(high, float(finite.max()) * 1.05 + 1e-12))
        if suggestion is not None:
            label = f"suggestion {suggestion:.2g}"
            axes.axvline(suggestion, color=canvas.COLOURS[1], lw=1.4, ls=(0, (4, 1.5)), label=label)
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss")
        axes.grid(True, color="#dddddd", linewidth=0.7)
        canvas.head(axes, title)
        figure.legend(loc="outside lower center", ncols=3)
    return figure
