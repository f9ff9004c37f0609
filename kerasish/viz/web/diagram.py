"""Diagram of a model as SVG: a box a layer, in columns side by side where there is room."""

from __future__ import annotations

import math
from typing import Any

from kerasish.display.markup import Markup, join, tag
from kerasish.viz.boxes import Box, input_box, layer_boxes

WIDE, BOX, GAP = 320, 46, 18  # of a column, a box, an arrow
INDENT, RIM = 12, 7  # of the layers of a model within; of the frame around them
MOST_ROWS = 12  # of boxes in a column
MOST_BOXES = 240  # of a whole model
BOLD, LETTER = 7.9, 6.3  # width of a letter at most, of 13 and 11.5 pixels
SAY = {
    "names": True,
    "shapes": True,
    "params": True,
    "activations": True,
    "dtype": False,
    "trainable": True,
}


def model_svg(model: Any) -> Markup:
    """Return the diagram of a model: one SVG a column, for a container that wraps.

    >>> from kerasish import Sequential, layers
    >>> str(model_svg(Sequential([layers.Dense(2, input_shape=(3,))]))).count("<rect")
    4
    """
    boxes = [*input_box(model, SAY), *layer_boxes(model, SAY, True, ())]
    if len(boxes) > MOST_BOXES:
        left = len(boxes) - MOST_BOXES
        boxes = [*boxes[:MOST_BOXES], Box(f"... and {left:,} more layers")]
    columns = max(1, math.ceil(len(boxes) / MOST_ROWS))
    rows = max(1, math.ceil(len(boxes) / columns))
    parts = [boxes[start : start + rows] for start in range(0, len(boxes), rows)]
    return join(*(_column(part, k > 0, k < len(parts) - 1, rows) for k, part in enumerate(parts)))


def _column(boxes: list[Box], comes: bool, goes: bool, rows: int) -> Markup:
    """One column, with the ends of arrows to those before and after it."""
    high = GAP + rows * (BOX + GAP)
    drawn = _frames(boxes)
    for k, box in enumerate(boxes):
        y = GAP + k * (BOX + GAP)
        if k or comes:
            drawn.append(_arrow(y))
        drawn.append(_box(box, y))
    if goes:
        drawn.append(_arrow(GAP + len(boxes) * (BOX + GAP)))
    names = ", ".join(box.kind for box in boxes)
    return tag(
        "svg",
        *drawn,
        viewBox=f"0 0 {WIDE} {high}",
        class_="diagram",
        role="img",
        aria_label=f"Layers in their order: {names}",
        font_family="system-ui,sans-serif",
        font_size=11.5,
    )


def _left(box: Box) -> int:
    return 1 + INDENT * len(box.frames)


def _box(box: Box, y: float) -> Markup:
    left, right = _left(box), WIDE - 1 - INDENT * len(box.frames)
    wide = right - left
    first, second = y + BOX / 2 - 4, y + BOX / 2 + 14
    if box.lines == 1:
        first = y + BOX / 2 + 4.5
    kind = fitting(box.kind, (wide - 30 - LETTER * len(box.shape)) / BOLD)
    name = fitting(box.name, (wide - 30 - LETTER * len(box.note)) / LETTER)
    soft = {"fill": "currentColor", "fill_opacity": 0.75}
    ends = {"x": right - 8, "text_anchor": "end"}
    return join(
        tag(
            "rect",
            x=left,
            y=y,
            width=wide,
            height=BOX,
            rx=5,
            fill=box.colour,
            fill_opacity=0.1,
            stroke=box.colour,
            stroke_opacity=0.7,
        ),
        tag("rect", x=left, y=y + 4, width=5, height=BOX - 8, rx=1, fill=box.colour),
        tag("text", kind, x=left + 13, y=first, fill="currentColor", font_weight=600, font_size=13),
        tag("text", box.shape, y=first, **ends, **soft),
        tag("text", name, x=left + 13, y=second, **soft) if name else None,
        tag("text", box.note, y=second, **ends, **soft) if box.note else None,
    )


def _arrow(y: float) -> Markup:
    """An arrow that ends at `y`."""
    x = WIDE / 2
    return tag(
        "path",
        d=f"M{x} {y - GAP + 2}V{y - 3}M{x - 3.5} {y - 7}L{x} {y - 2}L{x + 3.5} {y - 7}",
        fill="none",
        stroke="currentColor",
        stroke_opacity=0.6,
        stroke_width=1.3,
    )


def _frames(boxes: list[Box]) -> list[Markup]:
    """Dashed frames around the layers of models within."""
    drawn = []
    for depth in range(max((len(box.frames) for box in boxes), default=0)):
        start = 0
        while start < len(boxes):
            own = boxes[start].frames[: depth + 1]
            stop = start + 1
            while stop < len(boxes) and boxes[stop].frames[: depth + 1] == own:
                stop += 1
            if len(own) == depth + 1:
                left = 1 + INDENT * depth + 3
                y = GAP + start * (BOX + GAP) - RIM
                tall = (stop - start) * (BOX + GAP) - GAP + 2 * RIM
                told = tag("title", own[-1])
                drawn.append(
                    tag(
                        "rect",
                        told,
                        x=left,
                        y=y,
                        width=WIDE - 2 * left,
                        height=tall,
                        rx=7,
                        fill="currentColor",
                        fill_opacity=0.04,
                        stroke="currentColor",
                        stroke_opacity=0.45,
                        stroke_dasharray="4 3",
                    )
                )
            start = stop
    return drawn


def fitting(text: str, letters: float) -> str:
    """Shorten a text to a number of letters.

    >>> fitting("convolution", 6)
    'convo…'
    """
    most = max(int(letters), 2)
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
