"""Runs a script, notebook or module as ``python`` would, with Keras's names meaning kerasish."""

from __future__ import annotations

import ast
import importlib.util
import json
import linecache
import os
import runpy
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kerasish.compat import finder

FIGURES = "KERASISH_FIGURES"  # where `plt.show()` writes to when there is no display
SKIPPED_CELLS = ("%%bash", "%%sh", "%%html", "%%javascript", "%%writefile", "%%script", "%%latex")


def run(target: str, arguments: list[str], as_module: bool = False) -> int:
    """Run `target` with `arguments` as its command line and return its exit status.

    Parameters
    ----------
    target : str
        Path of a script or notebook, or with `as_module` the name of a module.
    arguments : list of str
        What the script finds in ``sys.argv[1:]``.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such script.
    """
    if not as_module:
        check_file(target)
    _write_figures_when_headless("module" if as_module else target)
    sys.argv = [target, *arguments]
    with finder.installed():
        if as_module:
            sys.path.insert(0, os.getcwd())
            return _status(lambda: runpy.run_module(target, run_name="__main__", alter_sys=True))
        sys.path.insert(0, str(Path(target).resolve().parent))
        main = types.ModuleType("__main__")
        main.__dict__.update(__file__=target, __builtins__=__builtins__)
        sys.modules["__main__"] = main
        if target.endswith(".ipynb"):
            return _status(lambda: _run_notebook(target, main.__dict__), target)
        return _status(lambda: _run_script(target, main.__dict__), target)


def check_file(target: str) -> None:
    """Refuse what is no file before anything runs."""
    if os.path.isdir(target):
        raise IsADirectoryError(f"run: {target!r} is a folder. Name a script or notebook in it.")
    if not os.path.exists(target):
        raise FileNotFoundError(
            f"run: there is no file {target!r}. To run a module by its name write run -m NAME."
        )


def file_of_module(name: str) -> str:
    """Where the source of a module is, found without running it.

    Raises
    ------
    FileNotFoundError
        If there is no such module.
    """
    sys.path.insert(0, os.getcwd())
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
    except ModuleNotFoundError:
        spec = None
    finally:
        sys.path.pop(0)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"run: there is no module {name!r} to be run.")
    return spec.origin


def _run_script(path: str, namespace: dict[str, Any]) -> None:
    exec(compile(Path(path).read_bytes(), path, "exec"), namespace)


def _status(body: Callable[[], Any], target: str = "") -> int:
    """Run `body`; errors are shown as Python shows them, without the frames before the script."""
    try:
        body()
    except SystemExit as leaving:
        if leaving.code is None or isinstance(leaving.code, int):
            return leaving.code or 0
        print(leaving.code, file=sys.stderr)
        return 1
    except BaseException as error:
        trace = error.__traceback__
        while trace is not None and not trace.tb_frame.f_code.co_filename.startswith(target or "<"):
            trace = trace.tb_next
        shown = (
            trace if trace is not None or isinstance(error, SyntaxError) else (error.__traceback__)
        )
        traceback.print_exception(type(error), error, shown)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


# --- notebooks ------------------------------------------------------------------------------------


def cells_of(path: str) -> Iterator[tuple[int, str]]:
    """Number and source of a notebook's code cells; magics are replaced by comments.

    Raises
    ------
    ValueError
        If the file is no notebook.
    """
    try:
        notebook = json.loads(Path(path).read_text("utf-8"))
        cells = notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"]
    except (ValueError, KeyError, TypeError, IndexError):
        raise ValueError(f"run: {path!r} is no Jupyter notebook.") from None
    number = 0
    for cell in cells:
        if cell.get("cell_type") != "code":
            continue
        number += 1
        source = cell.get("source", cell.get("input", ""))
        yield number, without_magics("".join(source))


def without_magics(source: str) -> str:
    """The Python of a cell: lines for IPython or the shell become comments, line by line.

    >>> print(without_magics("%matplotlib inline\\n!pip install keras\\nx = 5 % 3"))
    # %matplotlib inline
    # !pip install keras
    x = 5 % 3
    """
    lines = source.split("\n")
    first = lines[0].strip()
    if first.startswith(SKIPPED_CELLS):
        return "\n".join(f"# {line}" for line in lines)
    kept = []
    continued = False
    for line in lines:
        text = line.lstrip()
        magic = text.startswith(("%", "!", "?")) or (
            text.rstrip().endswith("?") and " " not in text
        )
        if magic or continued:
            indent = line[: len(line) - len(text)]
            statement = "pass  " if indent and not continued else ""
            kept.append(f"{indent}{statement}# {text}")
            continued = text.rstrip().endswith("\\")
        else:
            kept.append(line)
    return "\n".join(kept)


def _run_notebook(path: str, namespace: dict[str, Any]) -> None:
    namespace["display"] = lambda *objects, **_: print(*objects)
    namespace["get_ipython"] = _NoIPython
    for number, source in cells_of(path):
        name = f"{path}[{number}]"
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        tree = ast.parse(source, name)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, name, "exec"), namespace)
        if last is not None and source.rstrip().endswith(";"):
            exec(compile(ast.Module([last], []), name, "exec"), namespace)
        elif last is not None:  # as in a notebook, its value is shown
            exec(compile(ast.Interactive([last]), name, "single"), namespace)


class _NoIPython:
    """What `get_ipython()` gives where there is none: everything that is asked of it is ignored."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: None


# --- figures --------------------------------------------------------------------------------------


def _write_figures_when_headless(target: str) -> None:
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform == "linux" and not screen and "MPLBACKEND" not in os.environ:
        os.environ["MPLBACKEND"] = "module://kerasish.compat.figures"
        os.environ.setdefault(FIGURES, f"{Path(target).stem}_figures")
