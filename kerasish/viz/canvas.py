"""The look that all figures share: a blank figure, a style, colours safe for the colour-blind."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Okabe and Ito (2008), "Color Universal Design", ordered by contrast on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
RIGHT, WRONG = "#0072B2", "#D55E00"
GREY = "#555555"
STYLE: dict[Any, Any] = {
    "font.size": 10.0,
    "axes.titlesize": 11.0,
    "axes.labelsize": 10.0,
    "axes.edgecolor": "#888888",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "legend.fontsize": 10.0,
    "legend.frameon": False,
    "text.usetex": False,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
}


@functools.cache
def _figure_class() -> type:
    from matplotlib.figure import Figure

    class NotebookFigure(Figure):
        """A Figure without pyplot that shows itself in notebooks."""

        def _repr_png_(self) -> bytes:
            file = io.BytesIO()
            self.savefig(file, format="png")
            return file.getvalue()

        def __reduce__(self) -> Any:
            # A class made in a function cannot be found by pickle: travel as its maker.
            return _blank, (), self.__getstate__()

    return NotebookFigure


def _blank() -> Any:
    return _figure_class()()


def new_figure(figsize: tuple[float, float] | None = None, dpi: float = 150) -> Any:
    """Return an empty matplotlib Figure that is known to no window and no pyplot state.

    Parameters
    ----------
    figsize : tuple of two floats, optional
        Width and height in inches.
    dpi : float
        Dots per inch of what is saved or shown.

    Examples
    --------
    Two pictures in one file:

    >>> from kerasish.viz import image_grid, plot_history
    >>> figure = new_figure((6, 6))
    >>> top, bottom = figure.subfigures(2, 1)
    >>> _ = plot_history({"loss": [0.9, 0.4]}, figure=top)
    >>> _ = image_grid([[[0, 1], [1, 0]]], figure=bottom)
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = _figure_class()(figsize=figsize, dpi=dpi, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


@contextmanager
def style() -> Iterator[None]:
    """Draw inside the ``with`` block in kerasish's style, whatever the user's settings are."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        yield
