"""Where a live picture is shown: a notebook's output, a window, a file, or a terminal's text.

A screen shows one `Run` (or whatever its function draws) after another in the same place.
matplotlib and IPython are imported when the first is shown, except that `choose_screens` asks
pyplot for a window where there can be one.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from time import perf_counter
from typing import Any

from kerasish import viz
from kerasish.display import kernel, say, width
from kerasish.errors import warn
from kerasish.viz.runs import Run
from kerasish.viz.text import text_plot

Draw = Callable[[Any, Any], Any]  # draws what is shown into a figure, a new one for None
EVENTS = 0.1  # seconds between two looks at what the user does to a window


class Screen:
    """Shows a plot; `is_open` turns False when it is not to be shown any more."""

    is_open = True
    redraws = True  # False: only the end is worth showing

    def __init__(self, draw: Draw) -> None:
        self.draw = draw

    def show(self, run: Any) -> None:
        """Show the run as it is now."""

    def breathe(self) -> None:
        """Between batches: let a window move."""


class FileScreen(Screen):
    """A picture in a file, replaced at once so that no reader sees half of it."""

    def __init__(self, draw: Draw, path: str) -> None:
        super().__init__(draw)
        self.path = path

    def show(self, run: Any) -> None:
        """Write the file; a full disk costs the picture, not the training."""
        try:
            viz.save_figure(self.draw(run, None), self.path)
        except OSError as error:
            self.is_open = False
            warn(f"No more pictures are drawn: {error}")


class NotebookScreen(Screen):
    """One output of a notebook's cell, updated in place; it stands above what comes later."""

    def __init__(self, draw: Draw) -> None:
        super().__init__(draw)
        from IPython.display import display

        self._handle: Any = display({"text/plain": ""}, raw=True, display_id=True)

    def show(self, run: Any) -> None:
        """Put the new picture where the old one is."""
        figure = self.draw(run, None)
        picture, size = figure._repr_png_()
        text = f"<Figure: {figure.get_suptitle()}>"
        self._handle.update(
            {"image/png": picture, "text/plain": text}, metadata={"image/png": size}, raw=True
        )


class WindowScreen(Screen):
    """A window on the desktop, which neither blocks nor takes the focus."""

    def __init__(self, draw: Draw, figure: Any) -> None:
        super().__init__(draw)
        self.figure = figure
        self._shown = False
        self._last = 0.0

    def show(self, run: Any) -> None:
        """Draw into the window, which opens with the first picture."""
        import matplotlib

        if not self._still_there():
            return
        self.figure.clear()
        self.draw(run, self.figure)
        if self._shown:
            self.figure.canvas.draw_idle()
        else:
            with matplotlib.rc_context({"figure.raise_window": False}):
                self.figure.canvas.manager.show()
            self._shown = True
        self._handle_events()

    def breathe(self) -> None:
        """Handle what has happened to the window, now and then."""
        if self._shown and perf_counter() - self._last >= EVENTS and self._still_there():
            self._handle_events()

    def _still_there(self) -> bool:
        import matplotlib.pyplot as plt

        self.is_open = self.is_open and plt.fignum_exists(self.figure.number)
        return self.is_open

    def _handle_events(self) -> None:
        self.figure.canvas.flush_events()
        self._last = perf_counter()


class TextScreen(Screen):
    """Plots of characters between the lines of the progress bar."""

    def __init__(self, names: Callable[[Run], list[str]], redraws: bool) -> None:
        super().__init__(lambda run, figure: None)
        self.names = names
        self.redraws = redraws

    def show(self, run: Any) -> None:
        """Print the plots."""
        columns = max(20, min(60, width(sys.stdout) - 16))
        say("\n".join(text_plot(run, name, columns) for name in self.names(run)))


def choose_screens(
    draw: Draw,
    names: Callable[[Run], list[str]],
    path: str | None,
    figsize: tuple[float, float] | None,
) -> list[Screen]:
    """The screens that there are in this place: a file if asked for, and what shows pictures."""
    screens: list[Screen] = [] if path is None else [FileScreen(draw, path)]
    if kernel() == "notebook":
        return [NotebookScreen(draw), *screens]
    if screens:
        return screens
    figure = open_window(figsize)
    if figure is not None:
        return [WindowScreen(draw, figure)]
    terminal = bool(getattr(sys.stdout, "isatty", lambda: False)())
    return [TextScreen(names, redraws=terminal)]


def open_window(figsize: tuple[float, float] | None) -> Any:
    """Return a figure of pyplot that has a window, not shown yet; None where there is none."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return None
    if threading.current_thread() is not threading.main_thread():
        return None  # toolkits of windows live in the main thread
    import matplotlib
    import matplotlib.pyplot as plt

    interactive = plt.isinteractive()
    try:
        with matplotlib.rc_context({"figure.raise_window": False}):
            plt.ioff()  # else the window would open empty, and with the focus
            figure = plt.figure(figsize=figsize, layout="constrained", facecolor="white")
    except Exception as error:  # whatever a toolkit raises without its display
        warn(f"LivePlot opens no window: {error}")
        return None
    finally:
        if interactive:
            plt.ion()
    if getattr(figure.canvas, "required_interactive_framework", None) is None:
        plt.close(figure)
        return None
    return figure
