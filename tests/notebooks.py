"""The notebooks in examples/notebooks: run them and keep what they show.

    python -m tests.notebooks [NAME...]

Runs the notebooks whose names contain one of the words, all by default, each in a folder that is
thrown away, and writes them back with their outputs and without what differs from one machine to
the next. Needs nbclient and ipykernel (extra `dev`); without ipywidgets the bars are text.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "examples" / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
EMPTY = {"text/plain": ""}  # what a bar that has ended leaves
SECONDS = 120  # a cell may take


def paths(words: list[str] | None = None) -> list[Path]:
    """The notebooks whose names contain one of `words`, in order."""
    return [
        path
        for path in sorted(FOLDER.glob("*.ipynb"))
        if not words or any(word in path.name for word in words)
    ]


def execute(path: Path) -> Any:
    """Run a notebook in an empty folder and without the network; returns it with its outputs.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell raises; the message has the cell and the traceback.
    """
    import nbclient
    import nbformat

    book = nbformat.read(path, as_version=4)
    root = str(FOLDER.parent.parent)
    with tempfile.TemporaryDirectory() as folder:
        env = {
            **os.environ,
            "IPYTHONDIR": os.path.join(folder, "ipython"),
            "KERASISH_OFFLINE": "1",
            "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])]),
        }
        work = os.path.join(folder, "work")
        os.mkdir(work)
        client = nbclient.NotebookClient(
            book,
            timeout=SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": work}},
            coalesce_streams=False,  # it loses carriage returns; `normalized` does it
            extra_arguments=["--log-level=ERROR"],
        )
        return client.execute(env=env)


def normalized(book: dict[str, Any]) -> dict[str, Any]:
    """A notebook without times, names of people and machines, and states of an editor.

    >>> cell = {"cell_type": "code", "execution_count": 7, "source": "1", "outputs": [],
    ...         "metadata": {"execution": {"iopub.status.busy": "2020-01-01"}}, "id": "a1b2"}
    >>> normalized({"cells": [cell], "metadata": {"widgets": {}}})["cells"]
    [{'cell_type': 'code', 'execution_count': 1, 'source': '1', 'outputs': [], 'metadata': {}, \
'id': 'cell-1'}]
    """
    cells, count = [], 0
    for number, cell in enumerate(book["cells"], 1):
        cell = {**cell, "metadata": {}, "id": f"cell-{number}"}
        if cell["cell_type"] == "code":
            count += 1
            outputs = _joined([_output(output, count) for output in cell["outputs"]])
            outputs = [output for output in outputs if output.get("data") != EMPTY]
            cell.update(execution_count=count, outputs=outputs)
        cells.append(cell)
    return {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}


def _output(output: dict[str, Any], count: int) -> dict[str, Any]:
    output = dict(output)
    output.pop("transient", None)
    if output["output_type"] == "execute_result":
        output["execution_count"] = count
    if output["output_type"] == "stream":
        output["text"] = text_of(output["text"])
    return output


def _small(picture: str) -> str:
    """A picture in 256 colours, which takes half the room."""
    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    file = io.BytesIO()
    image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _joined(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Neighbouring pieces of one stream as one, with what it left on the screen."""
    joined: list[dict[str, Any]] = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if "text" in output and output.get("name") == last.get("name"):
            last["text"] += output["text"]
        else:
            joined.append(output)
    return [{**o, "text": as_shown(o["text"])} if "text" in o else o for o in joined]


def text_of(text: str | list[str]) -> str:
    """A text of a notebook, which may be kept as a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def as_shown(text: str) -> str:
    r"""What is left on the screen of a text whose lines are written over after ``\r``.

    >>> as_shown("10 %\r100 %\r    \rdone\nnext")
    'done\nnext'
    """
    return re.sub(r"(?m)^.*\r", "", text.replace("\r\n", "\n"))


def write(book: dict[str, Any], path: Path) -> None:
    """Write a notebook as editors do: keys in order, pictures in 256 colours."""
    for cell in book["cells"]:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output["data"]["image/png"] = _small(output["data"]["image/png"])
    text = json.dumps(lines(book), indent=1, ensure_ascii=False, sort_keys=True)
    path.write_text(text + "\n", "utf-8")


def lines(book: dict[str, Any]) -> dict[str, Any]:
    """A notebook with each text as a list of its lines, as it stands in a file."""
    cells = [
        {
            **cell,
            "source": text_of(cell["source"]).splitlines(keepends=True),
            **({"outputs": [_lines(o) for o in cell["outputs"]]} if "outputs" in cell else {}),
        }
        for cell in book["cells"]
    ]
    return {**book, "cells": cells}


def _lines(output: dict[str, Any]) -> dict[str, Any]:
    output = dict(output)
    if "text" in output:
        output["text"] = text_of(output["text"]).splitlines(keepends=True)
    for kind, value in output.get("data", {}).items():
        if kind.startswith("text/"):
            output["data"] = {
                **output["data"],
                kind: text_of(value).splitlines(keepends=True),
            }
    return output


def main(words: list[str]) -> None:
    """Run and rewrite notebooks."""
    from time import perf_counter

    for path in paths(words):
        start = perf_counter()
        write(normalized(execute(path)), path)
        print(f"{path.name}: {perf_counter() - start:.0f} s, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
