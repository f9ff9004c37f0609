"""Diagram of a model: a box a layer, drawn with matplotlib alone."""

from __future__ import annotations

import itertools
import math
from typing import Any

from kerasish.viz import canvas
from kerasish.viz.boxes import BOLD, LETTER, Box, input_box, layer_boxes

NARROW, WIDE = 1.6, 3.7  # inches: the width of the boxes is between these
GAP = 0.24  # inches: length of an arrow
LINE, PAD = 0.165, 0.075  # inches: height of a line of text, space above and below
FRAME, RIM = 0.17, 0.07  # inches: space beside, above and below what a frame is around
MOST_ROWS, MOST_COLUMNS = 14, 4  # of boxes, before the diagram goes on beside, or below
DIRECTIONS = ("TB", "LR", "BT", "RL")


def plot_model(
    model: Any,
    *,
    show_shapes: bool = True,
    show_params: bool = True,
    show_layer_names: bool = True,
    show_layer_activations: bool = True,
    show_dtype: bool = False,
    show_trainable: bool = False,
    expand_nested: bool = True,
    rankdir: str = "TB",
    title: str | None = None,
    figure: Any = None,
) -> Any:
    """Draw a model as a chain of boxes with output shapes and numbers of parameters.

    Deep models go on in further columns (with "LR" in further rows). Models within the model have
    a frame around their layers.

    Parameters
    ----------
    model : Sequential
        Shapes and counts show once it is built.
    show_shapes, show_params, show_layer_names, show_layer_activations, show_dtype : bool
        What the boxes say of a layer: the shape that it puts out (None is any number), its
        number of parameters, its name, its activation, the type that it computes in.
    show_trainable : bool
        Whether to mark layers that do not learn as frozen.
    expand_nested : bool
        Whether to draw the layers of models within; otherwise they are single boxes.
    rankdir : {"TB", "LR", "BT", "RL"}
        From top to bottom, left to right, or the other way round.
    title : str, optional
        Title; by default name and number of parameters.
    figure : Figure or SubFigure, optional
        Draw into this one.

    Returns
    -------
    matplotlib.figure.Figure
        Not shown and not known to pyplot; save it with ``savefig``.

    Raises
    ------
    ValueError
        If there is no layer, or `rankdir` is unknown.

    Examples
    --------
    >>> from kerasish import Sequential, layers
    >>> figure = plot_model(Sequential([layers.Dense(4, input_shape=(3,))], name="small"))
    >>> figure.axes[0].get_title("left")
    'small: 16 parameters'
    """
    if rankdir not in DIRECTIONS:
        raise ValueError(
            f"plot_model: `rankdir` must be one of {', '.join(DIRECTIONS)} but got {rankdir!r}."
        )
    if not hasattr(model, "layers"):
        raise TypeError(f"plot_model expects a model but got {model!r}.")
    if not model.layers:
        raise ValueError("plot_model: the model has no layers yet. Add some first.")
    say = {
        "names": show_layer_names,
        "shapes": show_shapes,
        "params": show_params,
        "activations": show_layer_activations,
        "dtype": show_dtype,
        "trainable": show_trainable,
    }
    boxes = [*input_box(model, say), *layer_boxes(model, say, expand_nested, ())]
    return _draw(boxes, rankdir, title or _heading(model), figure)


def _heading(model: Any) -> str:
    if not model.built:
        return f"{model.name}: not built yet"
    count = model.count_params()
    return f"{model.name}: {count:,} parameter{'s' * (count != 1)}"


def _draw(boxes: list[Box], rankdir: str, title: str, figure: Any) -> Any:
    high = max(box.lines for box in boxes) * LINE + 2 * PAD
    wide = min(max(NARROW, *(box.wide for box in boxes)), WIDE)
    size = (wide, high)
    deepest = max(len(box.frames) for box in boxes)
    step_x, step_y = wide + GAP + 2 * FRAME * deepest, high + GAP + 2 * RIM * deepest
    along = MOST_ROWS if rankdir in ("TB", "BT") else MOST_COLUMNS
    runs = math.ceil(len(boxes) / along)
    along = math.ceil(len(boxes) / runs)
    places = [(i // along, i % along) for i in range(len(boxes))]
    if rankdir in ("LR", "RL"):
        places = [(b, a) for a, b in places]
    columns, rows = (1 + max(place[k] for place in places) for k in (0, 1))
    places = [
        (columns - 1 - a if rankdir == "RL" else a, rows - 1 - b if rankdir == "BT" else b)
        for a, b in places
    ]
    width, height = max(columns * step_x, 0.1 * len(title) + 0.2), rows * step_y
    if figure is None:
        figure = canvas.new_figure((width, height + 0.4))
    with canvas.style():
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        axes.set_aspect("equal")
        axes.set_title(title, loc="left", parse_math=False)
        corners = [
            ((a + 0.5) * step_x - wide / 2, (b + 0.5) * step_y - high / 2) for a, b in places
        ]
        scale = _scale(figure, width, height)
        _draw_frames(axes, boxes, corners, size, scale, along)
        for box, corner in zip(boxes, corners, strict=True):
            _draw_box(axes, box, corner, size, scale)
        for before, after in itertools.pairwise(corners):
            _draw_arrow(axes, before, after, size)
    return figure


def _scale(figure: Any, width: float, height: float) -> float:
    """How much smaller than in inches the diagram is drawn, where the figure is the user's."""
    box = figure.bbox
    return min(1.0, box.width / figure.dpi / width, box.height / figure.dpi / (height + 0.4))


def _draw_box(axes: Any, box: Box, corner: Any, size: Any, scale: float) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.patches import FancyBboxPatch, Rectangle

    (x, y), (wide, high) = corner, size
    pale = [0.9 + 0.1 * c for c in to_rgb(box.colour)]
    style = "round,pad=0,rounding_size=0.04"
    axes.add_patch(
        FancyBboxPatch((x, y), wide, high, style, facecolor=pale, edgecolor=box.colour, lw=0.8)
    )
    axes.add_patch(Rectangle((x, y + 0.03), 0.06, high - 0.06, color=box.colour, lw=0))
    middle = y + high / 2
    first = middle - LINE / 2 if box.lines == 2 else middle
    second = middle + LINE / 2
    look = {"va": "center", "parse_math": False, "clip_on": False}
    left, right = x + 0.14, x + wide - 0.08
    kind = _fitting(box.kind, wide - 0.3 - LETTER * len(box.shape), BOLD)
    axes.text(left, first, kind, fontsize=8.5 * scale, fontweight="bold", **look)
    axes.text(right, first, box.shape, fontsize=8 * scale, ha="right", **look)
    name = _fitting(box.name, wide - 0.3 - LETTER * len(box.note), LETTER)
    axes.text(left, second, name, fontsize=7.5 * scale, color=canvas.GREY, **look)
    axes.text(right, second, box.note, fontsize=7.5 * scale, color=canvas.GREY, ha="right", **look)


def _fitting(text: str, room: float, letter: float) -> str:
    """Shorten a text so that it takes no more than `room` inches."""
    most = max(int(room / letter), 2)
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _draw_frames(
    axes: Any, boxes: list[Box], corners: Any, size: Any, scale: float, along: int
) -> None:
    """Draw a frame around the layers of each model within, column by column."""
    from matplotlib.patches import FancyBboxPatch

    deepest = max(len(box.frames) for box in boxes)
    for depth in range(deepest):
        start = 0
        while start < len(boxes):
            own = boxes[start].frames[: depth + 1]
            stop = start + 1
            while (
                stop < len(boxes)
                and boxes[stop].frames[: depth + 1] == own
                and stop // along == start // along
            ):
                stop += 1
            if len(own) == depth + 1:
                beside, above = FRAME * (deepest - depth), RIM * (deepest - depth)
                xs = [corners[i][0] for i in range(start, stop)]
                ys = [corners[i][1] for i in range(start, stop)]
                x, y = min(xs) - beside, min(ys) - above
                wide, high = max(xs) + size[0] + beside - x, max(ys) + size[1] + above - y
                look: dict[str, Any] = {
                    "facecolor": (0, 0, 0, 0.035),
                    "edgecolor": "#888888",
                    "lw": 0.8,
                }
                style = "round,pad=0,rounding_size=0.06"
                axes.add_patch(FancyBboxPatch((x, y), wide, high, style, ls=(0, (3, 2)), **look))
                axes.text(
                    x + 0.03,
                    y + high / 2,
                    _fitting(own[-1], high, LETTER),
                    fontsize=7 * scale,
                    color=canvas.GREY,
                    rotation=90,
                    ha="left",
                    va="center",
                    parse_math=False,
                )
            start = stop


def _draw_arrow(axes: Any, before: Any, after: Any, size: Any) -> None:
    (x0, y0), (x1, y1), (wide, high) = before, after, size
    arrow = {"arrowstyle": "-|>,head_width=0.18,head_length=0.3", "color": canvas.GREY, "lw": 0.9}
    if x0 == x1:  # below or above
        down = y1 > y0
        start = (x0 + wide / 2, y0 + high if down else y0)
        end = (x1 + wide / 2, y1 if down else y1 + high)
    elif y0 == y1:  # beside
        right = x1 > x0
        start = (x0 + wide if right else x0, y0 + high / 2)
        end = (x1 if right else x1 + wide, y1 + high / 2)
    else:
        _draw_detour(axes, before, after, size, arrow)
        return
    axes.annotate("", end, start, arrowprops={**arrow, "shrinkA": 0, "shrinkB": 0})


def _draw_detour(axes: Any, before: Any, after: Any, size: Any, arrow: dict[str, Any]) -> None:
    """Draw the way from the end of a column (or row) to the beginning of the next."""
    (x0, y0), (x1, y1), (wide, high) = before, after, size
    from_side = abs(x1 - x0) < 1.5 * (wide + 1) and abs(y1 - y0) > 1.5 * high
    if from_side and x1 > x0:
        lane = (x0 + wide + x1) / 2
        points = [(x0 + wide, y0 + high / 2), (lane, y0 + high / 2), (lane, y1 + high / 2)]
        end = (x1, y1 + high / 2)
    else:
        lane = (y0 + high + y1) / 2
        points = [(x0 + wide / 2, y0 + high), (x0 + wide / 2, lane), (x1 + wide / 2, lane)]
        end = (x1 + wide / 2, y1)
    axes.plot(*zip(*points, strict=True), color=arrow["color"], lw=arrow["lw"])
    axes.annotate("", end, points[-1], arrowprops={**arrow, "shrinkA": 0, "shrinkB": 0})
