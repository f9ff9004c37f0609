"""The look that all figures share: a blank figure, a style, colours safe for the colour-blind."""

from __future__ import annotations

import functools
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kerasish.atomic import atomic_write

# Okabe and Ito (2008), "Color Universal Design", ordered by contrast on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
CSS_PIXELS = 96  # that a browser counts for an inch
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

        def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
            """The picture, and the size to show it in: as large as text, sharp on any screen."""
            file = io.BytesIO()
            self.savefig(file, format="png")
            wide, high = (round(CSS_PIXELS * inches) for inches in self.get_size_inches())
            return file.getvalue(), {"width": wide, "height": high}

        def __reduce__(self) -> Any:
            # A class made in a function cannot be found by pickle: travel as its maker.
            return _blank, (), self.__getstate__()

    # pyplot, once imported, makes a notebook show figures its own way: large and blurred.
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    formatter = getattr(shell, "display_formatter", None)
    if formatter is not None:
        formatter.formatters["image/png"].for_type(NotebookFigure, NotebookFigure._repr_png_)
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


def save_figure(figure: Any, path: Any, dpi: float | str = "figure") -> None:
    """Write a figure so that a reader of the file never sees half of it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    path : str or PathLike
        Its ending says the format: ``.png``, ``.svg``, ``.pdf`` or another of matplotlib's; PNG
        where there is none.
    dpi : float, optional
        Dots per inch, by default those of the figure.

    Raises
    ------
    ValueError
        If matplotlib cannot write this format.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from kerasish.viz import plot_history
    >>> path = pathlib.Path(tempfile.mkdtemp(), "curves.svg")
    >>> save_figure(plot_history({"loss": [0.9, 0.4]}), path)
    >>> path.read_text()[:5]
    '<?xml'
    """
    form = image_format(path, "save_figure")
    with atomic_write(path) as file:
        figure.savefig(file, format=form, dpi=dpi)


def image_format(path: Any, who: str) -> str:
    """Return the format that the ending of a path stands for, or say which ones there are."""
    from matplotlib.backend_bases import FigureCanvasBase

    form = os.path.splitext(os.fspath(path))[1].lower().lstrip(".") or "png"
    known = FigureCanvasBase.get_supported_filetypes()
    if form not in known:
        raise ValueError(
            f"{who}: '{os.fspath(path)}' ends in .{form}, which is no format of matplotlib. Use "
            f".png or .svg; there are {', '.join(sorted(known))}."
        )
    return form


@contextmanager
def style() -> Iterator[None]:
    """Draw inside the ``with`` block in kerasish's style, whatever the user's settings are."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        yield


def head(axes: Any, title: str, note: str = "", room: bool = False) -> None:
    """Write a title above the left end of `axes`, and a smaller note below it.

    With `room`, the title stands as high as one with a note.
    """
    axes.set_title(title, loc="left", pad=17 if note or room else 6, parse_math=False)
    if note:
        axes.annotate(
            note,
            (0, 1),
            xytext=(0, 5),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=9,
            color=GREY,
            parse_math=False,
        )


def bare(axes: Any, colour: str = "#bbbbbb", width: float = 0.6) -> None:
    """Leave nothing of `axes` but a thin frame around an image."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(colour)
        spine.set_linewidth(width)
