"""Where progress is shown: a redrawn line in a terminal or a notebook, or plain lines.

tqdm draws: it knows the other bars on a terminal (an outer loop's, other threads') and keeps
the lines apart. What stands in a line is composed here.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import Any

from kerasish.display.status import Status, clock

BLOCKS = "▏▎▍▌▋▊▉█"
BAR_WIDTHS = (20, 10)  # the widest that fits is taken; no bar where none does


def encodable(text: str, file: Any) -> str:
    """`text` with what the encoding of `file` does not have replaced by ``?``."""
    encoding = getattr(file, "encoding", None)
    return text.encode(encoding, "replace").decode(encoding) if encoding else text


def has_blocks(file: Any) -> bool:
    """Whether the encoding of `file` can write the characters of a smooth bar."""
    try:
        BLOCKS.encode(getattr(file, "encoding", None) or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def width(file: Any) -> int:
    """Columns of the terminal behind `file`; 80 where it does not say."""
    try:
        columns = os.get_terminal_size(file.fileno()).columns
    except (OSError, ValueError, AttributeError):
        columns = 0
    return columns or int(os.environ.get("COLUMNS") or 0) or 80


def write_line(text: str, file: Any) -> None:
    """Write a line at once, above any bars that are on the same screen."""
    text = encodable(text, file)
    if "tqdm" in sys.modules and kernel() != "notebook":
        sys.modules["tqdm"].tqdm.write(text, file=file)
    else:
        file.write(text + "\n")
    if hasattr(file, "flush"):
        file.flush()


_muted = False


def mute() -> None:
    """Show nothing from now on: another process, whose output people read, does."""
    global _muted
    _muted = True


def is_muted() -> bool:
    """Whether nothing is to be shown."""
    return _muted


def say(text: str) -> None:
    """Print a callback's message without breaking the bars on the screen."""
    if sys.stdout is not None and not _muted:
        write_line(text, sys.stdout)


class Lines:
    """Output that is no terminal: one plain line when all is done, nothing before."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def show(self, status: Status) -> None:
        """Show how far things are."""

    def hide(self) -> None:
        """Leave the screen to others until `show`."""

    def drop(self) -> None:
        """End without a line that stays."""

    def close(self) -> None:
        """Nothing more will be shown."""

    def finish(self, status: Status) -> None:
        """Leave the line that stays."""
        seconds = f"{status.seconds:.1f}s" if status.seconds < 99.95 else f"{status.seconds:.0f}s"
        parts = [status.label, status.result(), seconds, status.rate(), *status.values()]
        text = encodable(" - ".join(parts), self.file)
        # One write, and no tqdm: it would mix the codes that move the cursor into a file.
        self.file.write(text + "\n")
        if hasattr(self.file, "flush"):
            self.file.flush()


class Terminal(Lines):
    """A line that is redrawn in place; the finished line stays above bars that still run."""

    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self.bar: Any = None
        self.shown = False

    def show(self, status: Status) -> None:
        """Draw the line anew."""
        columns = max(width(self.file) - 1, 10)  # the last column would wrap
        text = bar_format(status, columns, self.file)
        total = None if status.total is None else max(status.total, status.done)
        if self.bar is None:
            self.bar = _bar_class()(
                initial=status.done,
                total=total,
                file=self.file,
                ncols=columns,
                bar_format=text,
                ascii=not has_blocks(self.file),
                leave=False,
                disable=False,
                mininterval=0,
            )
        else:
            self.bar.n, self.bar.total = status.done, total
            self.bar.ncols, self.bar.bar_format = columns, text
            self.bar.refresh()
        self.shown = True

    def hide(self) -> None:
        """Clear the line, for others to print there."""
        if self.bar is not None and self.shown:
            self.bar.clear()
            self.file.flush()
            self.shown = False

    def drop(self) -> None:
        """Clear the line for good."""
        if self.bar is not None:
            self.bar.clear()  # close alone leaves the cursor in the middle of a line
            self.bar.close()
            self.bar = None

    def finish(self, status: Status) -> None:
        """Replace the moving line by the finished one."""
        self.drop()
        write_line(line(status, width(self.file) - 1, self.file), self.file)


class Notebook(Lines):
    """One line that the notebook itself updates in place; finished ones gather below it as text.

    It is one output of the cell however many epochs there are (JupyterLab folds a cell's outputs
    after the fiftieth), needs no ipywidgets, and what is saved with the notebook is text.
    """

    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self._handle: Any = None

    def show(self, status: Status) -> None:
        """Put the line where the old one is."""
        self._put(line(status, None, self.file))

    def finish(self, status: Status) -> None:
        """Write the finished line below, as text; the bar waits for what comes next."""
        write_line(line(status, 0, self.file), self.file)

    def drop(self) -> None:
        """Clear the moving line."""
        self.close()

    def close(self) -> None:
        """Clear the moving line; its place can be taken again."""
        if self._handle is not None:
            self._put("")

    def _put(self, text: str) -> None:
        from IPython.display import display

        bundle = {"text/plain": text}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


def choose(file: Any) -> Lines:
    """The way to show progress on `file`: a line that moves, or plain lines."""
    if os.environ.get("TQDM_DISABLE", "").lower() not in ("", "0", "false"):
        return Lines(file)
    if file is sys.stdout and (served := kernel()):
        return Notebook(file) if served == "notebook" else Terminal(file)
    terminal = bool(getattr(file, "isatty", lambda: False)())
    return Terminal(file) if terminal and os.environ.get("TERM") != "dumb" else Lines(file)


def kernel() -> str:
    """What this process serves: ``"notebook"``, ``"console"`` (Spyder, qtconsole) or ``""``."""
    if "IPython.utils._process_emscripten" in sys.modules:
        return "notebook"  # JupyterLite
    shell = "ipykernel.zmqshell" in sys.modules and sys.modules["IPython"].get_ipython()
    if not shell:
        return ""
    console = any(word in type(shell).__name__.lower() for word in ("qt", "spyder")) or any(
        name == "QT_API" or name.startswith("SPYDER") for name in os.environ
    )
    return "console" if console else "notebook"


@functools.cache
def _bar_class() -> Any:
    """tqdm's class without its monitoring thread, which makes a later fork unsafe."""
    from tqdm.std import tqdm

    return type("Bar", (tqdm,), {"monitor_interval": 0})


def line(status: Status, columns: int | None, file: Any) -> str:
    """The line as tqdm draws it."""
    text: str = _bar_class().format_meter(
        n=status.done,
        total=None if status.total is None else max(status.total, status.done),
        elapsed=status.seconds,
        ascii=not has_blocks(file),
        bar_format=bar_format(status, columns, file),
    )
    return text


def bar_format(status: Status, columns: int | None, file: Any) -> str:
    """The line as tqdm's `bar_format`, without the bar where it does not fit `columns`."""
    head, tail = (encodable(text, file) for text in _ends(status))
    bar = ""
    if status.total:
        from tqdm.utils import disp_len

        free = BAR_WIDTHS[-1] if columns is None else columns - disp_len(head + tail + " 100%||")
        best = next((w for w in BAR_WIDTHS if w <= free), None)
        bar = "" if best is None else f"{{percentage:3.0f}}%|{{bar:{best}}}| "
    return _escaped(head) + bar + _escaped(tail)


def _ends(status: Status) -> tuple[str, str]:
    """What stands before and behind the bar."""
    times = clock(status.seconds)
    if status.total is not None and not status.activity:
        times += f"<{status.remaining()}"
    notes = [times, status.rate(), *([status.activity] if status.activity else ())]
    notes += [value.replace(": ", "=") for value in status.values()]
    return f"{status.label}: ", f"{status.position()} [{', '.join(notes)}]"


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
