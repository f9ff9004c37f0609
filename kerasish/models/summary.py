"""The table that `model.summary()` prints."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from typing import Any

from kerasish.layers.base import Layer
from kerasish.viz.layer_rows import LayerRow, layer_rows, totals

Row = list[str]


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: list[float] | None = None,
    print_fn: Callable[..., Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> None:
    """Print layers, output shapes and parameter counts; works before the model is built.

    Parameters
    ----------
    line_length : int, optional
        Width of the table.
    positions : list of float, optional
        Where columns end, as shares of the width.
    print_fn : callable, optional
        Called with the text instead of `print`.
    expand_nested, show_trainable : bool
        Whether to show the layers of models inside, and which layers learn.
    layer_range : pair of str, optional
        Names, or patterns, of the first and last layer to show.
    """
    width = line_length or max(40, min(88, shutil.get_terminal_size().columns - 4))
    shares = positions or ([0.38, 0.68, 0.84, 1.0] if show_trainable else [0.45, 0.80, 1.0])
    if shares[-1] > 1:
        shares = [p / shares[-1] for p in shares]
    header = ["Layer (type)", "Output Shape", "Param #"]
    if show_trainable:
        header.append("Trainable")
    layers = _in_range(model.layers, layer_range)
    rows = [_cells_of(row, show_trainable) for row in layer_rows(layers, expand_nested)]
    counts = "".join(f" {label}: {count}\n" for label, count in totals(model).items())
    text = [f'Model: "{model.name}"', _table(header, rows, width, shares), counts]
    (print_fn or print)("\n".join(text))


def _in_range(layers: list[Layer], layer_range: Any) -> list[Layer]:
    if layer_range is None:
        return layers
    if not isinstance(layer_range, list | tuple) or len(layer_range) != 2:
        raise ValueError(f"summary: `layer_range` must hold two names but is {layer_range!r}.")
    ends = []
    for pattern, found in zip(layer_range, (min, max), strict=True):
        places = [i for i, layer in enumerate(layers) if re.match(pattern, layer.name)]
        if not places:
            raise ValueError(
                f"summary: no layer is called {pattern!r}. Layers: {[x.name for x in layers]}."
            )
        ends.append(found(places))
    return layers[min(ends) : max(ends) + 1]


def _cells_of(row: LayerRow, show_trainable: bool) -> Row:
    cells = [f"{'  ' * row.depth}{row.name} ({row.kind})", row.shape, row.params]
    return [*cells, row.trainable] if show_trainable else cells


def _table(header: Row, rows: list[Row], width: int, shares: list[float]) -> str:
    edges = [int(share * (width - 1)) for share in shares]
    widths = [b - a - 1 for a, b in zip([0, *edges], edges, strict=False)]
    lines = ["┏" + "┳".join("━" * w for w in widths) + "┓"]
    lines += _cells(header, widths, "┃")
    lines.append("┡" + "╇".join("━" * w for w in widths) + "┩")
    for i, row in enumerate(rows):
        if i:
            lines.append("├" + "┼".join("─" * w for w in widths) + "┤")
        lines += _cells(row, widths, "│")
    lines.append("└" + "┴".join("─" * w for w in widths) + "┘")
    return "\n".join(lines)


def _cells(row: Row, widths: list[int], bar: str) -> list[str]:
    """One row of the table; cells that are too long go on in further lines."""
    columns = [_wrap(cell, w - 2) for cell, w in zip(row, widths, strict=True)]
    lines = []
    for i in range(max(map(len, columns))):
        parts = []
        for k, (column, w) in enumerate(zip(columns, widths, strict=True)):
            part = column[i] if i < len(column) else ""
            aligned = {2: part.rjust(w - 2), 3: part.center(w - 2)}.get(k, part.ljust(w - 2))
            parts.append(f" {aligned} ")
        lines.append(bar + bar.join(parts) + bar)
    return lines


def _wrap(text: str, width: int) -> list[str]:
    width = max(1, width)
    lines = [""]
    for word in re.split(r"(?<=\S) (?=\()|(?<=,) ", text):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if len(joined) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    return [line[i : i + width] for line in lines for i in range(0, max(1, len(line)), width)]
