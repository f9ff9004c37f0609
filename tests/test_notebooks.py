"""The notebooks in examples/: what is kept in them is in order, and they run.

The runs take half a minute in all, so they are asked for: pytest -m notebooks.
"""

import json
import re

import pytest

from tests import notebooks

PATHS = notebooks.paths()
NAMES = [
    "01_quickstart.ipynb",
    "02_images.ipynb",
    "03_callbacks_and_live_plots.ipynb",
    "04_custom_layers_and_losses.ipynb",
]
# A path of a machine, or the address of an object in its memory
OF_A_MACHINE = re.compile(r"(?<![\w.])/(home|root|Users|tmp|opt|usr|work|var)/|[A-Z]:\\|at 0x\w+")


def of(path):
    return json.loads(path.read_text("utf-8"))


def codes(book):
    return [cell for cell in book["cells"] if cell["cell_type"] == "code"]


def texts(outputs):
    """All that the outputs say in words."""
    for output in outputs:
        yield notebooks.text_of(output.get("text", ""))
        for kind, value in output.get("data", {}).items():
            if kind.startswith("text/"):
                yield notebooks.text_of(value)


def kinds(cell):
    """What a cell puts out, in order."""
    return [(output["output_type"], *sorted(output.get("data", {}))) for output in cell["outputs"]]


def test_there_are_these():
    assert [path.name for path in PATHS] == NAMES


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_outputs_are_kept_and_tell_nothing_of_a_machine(path):
    book = of(path)
    assert notebooks.lines(notebooks.normalized(book)) == book, (
        f"run: python -m tests.notebooks {path.name}"
    )
    assert path.stat().st_size < 400_000
    for cell in codes(book):
        for output in cell["outputs"]:
            assert output["output_type"] != "error"
            assert output.get("name") != "stderr"
    said = "\n".join(text for cell in codes(book) for text in texts(cell["outputs"]))
    sources = "\n".join(notebooks.text_of(cell["source"]) for cell in book["cells"])
    assert not OF_A_MACHINE.search(said + sources)
    assert "Warning" not in said


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_every_notebook_has_pictures_and_texts(path):
    book = of(path)
    outputs = [output for cell in codes(book) for output in cell["outputs"]]
    assert any("text" in output for output in outputs)
    pictures = sum("image/png" in output.get("data", {}) for output in outputs)
    assert pictures >= 4 or path.name.startswith("04")


@pytest.mark.notebooks
@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_it_runs(path):
    ran, kept = notebooks.normalized(notebooks.execute(path)), of(path)
    for cell, before in zip(codes(ran), codes(kept), strict=True):
        for output in cell["outputs"]:
            assert output.get("name") != "stderr", output["text"]
        assert kinds(cell) == kinds(before), cell["source"]
