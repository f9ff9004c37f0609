"""What models, histories and confusion matrices show of themselves as the last line of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.display.markup import Markup, join, small_table, tag
from kerasish.viz.layer_rows import layer_rows, totals
from kerasish.viz.runs import Run
from kerasish.viz.web.classes import ROWS_ARE_TRUE, accuracy_line, matrix_html
from kerasish.viz.web.curves import curve_names, small_multiples


def model_html(model: Any) -> Markup:
    """The layers of a model as a table; works before it is built."""
    rows: list[list[Any]] = [
        [join("\N{EM SPACE}" * row.depth, row.name), row.kind, row.shape, row.params]
        for row in layer_rows(model.layers, expand=True)
    ]
    head = join(tag("b", model.name), f" ({type(model).__name__})")
    if not rows:
        return tag("div", head, ": no layers yet")
    table = small_table(["Layer", "Type", "Output shape", "Parameters"], rows, head)
    if not model.built:
        return tag("div", table, tag("div", "Not built yet: shapes follow from the first data."))
    counts = "; ".join(f"{label}: {text}" for label, text in totals(model).items())
    return tag("div", table, tag("div", counts, style="opacity:0.8;font-size:90%"))


def curves_html(run: Run, note: str = "") -> Markup:
    """The learning curves of a run."""
    names = curve_names(run)
    if not names:
        return tag("div", "No epochs yet. ", note)
    return tag("div", small_multiples(run, names), tag("div", note) if note else None)


def confusions_html(matrix: np.ndarray, names: Sequence[str], when: str = "") -> Markup:
    """A confusion matrix with a line that says how many were right."""
    line = f"{when}{accuracy_line(matrix)}. {ROWS_ARE_TRUE}"
    return tag("div", tag("div", line), matrix_html(matrix, names))
