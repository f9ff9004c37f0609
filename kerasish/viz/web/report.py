"""The sections of a report on a training, from plain values to HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerasish.display.markup import Markup, tag
from kerasish.display.status import clock, four_digits
from kerasish.viz.layer_rows import LayerRow, layer_rows, totals
from kerasish.viz.runs import Run
from kerasish.viz.web import classes as web_classes
from kerasish.viz.web.curves import legend_line, panels
from kerasish.viz.web.diagram import MOST_ROWS, model_svg


def section(title: str, *content: Any, **attributes: Any) -> Markup:
    """A part of the page with its heading."""
    return tag("section", tag("h2", title), *content, **attributes)


def head(name: str, state: str, said: str, when: str, share: float) -> Markup:
    """Name, state, what the dates are, and how much is done."""
    percent = f"{100 * min(max(share, 0.0), 1.0):.1f}"
    return tag(
        "header",
        tag("div", tag("h1", name), tag("span", said, class_=f"state {state}"), class_="title"),
        tag("p", when, " ", tag("span", id="age") if state == "running" else None, class_="when"),
        tag(
            "div",
            tag("div", style=f"width:{percent}%"),
            class_="bar",
            role="progressbar",
            aria_label="Part of the epochs that are done",
            aria_valuenow=percent,
        ),
        class_=state,
    )


def alert(state: str, title: str, text: str = "") -> Markup:
    """What went wrong."""
    return tag(
        "div",
        tag("strong", title),
        tag("pre", text) if text else None,
        class_=f"alert {state}",
        role="alert",
    )


def tiles(values: Mapping[str, Any]) -> Markup:
    """A few facts in large letters; a pair is a number and a smaller remark."""
    boxes = []
    for label, value in values.items():
        main, remark = value if isinstance(value, tuple) else (value, None)
        shown = tag("dd", main, tag("small", f" {remark}") if remark else None)
        boxes.append(tag("div", tag("dt", label), shown))
    return tag("dl", *boxes, class_="tiles")


def charts(run: Run, names: Sequence[str]) -> Markup:
    """The curves, each with its newest values and its best one."""
    cards = []
    for panel in panels(run, names):
        keys = {"training": panel.name, "validation": f"val_{panel.name}"}
        legend = [
            tag("span", legend_line(kind), kind, " ", tag("b", _newest(run, keys[kind])))
            for kind in panel.kinds
        ]
        top = tag("div", tag("strong", panel.title), tag("span", panel.best), class_="head")
        caption = tag("figcaption", top, tag("div", *legend, class_="legend"))
        cards.append(tag("figure", caption, panel.svg, class_="card"))
    return tag("div", *cards, class_="charts")


def _newest(run: Run, key: str) -> str:
    values = run.points(key)[1]
    if not len(values):
        return ""
    value = float(values[-1])
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else four_digits(value)


def class_section(
    matrix: np.ndarray, names: Sequence[str], mistakes: Sequence[dict[str, Any]], epoch: int | None
) -> Markup:
    """The confusion matrix and the worst mistakes of a validation."""
    when = "" if epoch is None else f" after epoch {epoch}"
    listed = web_classes.confusions_list(matrix, names)
    aside = [tag("p", f"{web_classes.accuracy_line(matrix)}. {web_classes.ROWS_ARE_TRUE}")]
    if listed:
        aside += [tag("h3", "Most frequent confusions"), listed]
    table = tag("div", web_classes.matrix_html(matrix, names), class_="scroll")
    cards = [tag("div", table, tag("div", *aside), class_="card classes")]
    if mistakes:
        lead = "The class that each was taken for, with its probability, and the true one."
        gallery = tag("div", web_classes.mistakes_html(mistakes, names), class_="mistakes")
        top = tag("h3", "Worst mistakes")
        cards.append(tag("div", top, tag("p", lead, class_="soft"), gallery, class_="card"))
    return section(f"Validation{when}", tag("div", *cards, class_="stack"))


def breakable(name: str) -> list[Any]:
    """A name that a line may break at its underscores."""
    parts = name.split("_")
    joints = [[f"{part}_", tag("wbr")] for part in parts[:-1]]
    return [piece for joint in joints for piece in joint] + [parts[-1]]


def below(row: LayerRow) -> list[Markup]:
    """Small letters below the name of a layer: its type, and on narrow screens its shape."""
    indent = "\N{EM SPACE}" * row.depth
    return [
        tag("span", indent, row.kind, class_="kind"),
        tag("span", indent, row.shape, class_="kind slim"),
    ]


def model_section(model: Any) -> Markup:
    """Table and diagram of a model."""
    rows = layer_rows(model.layers, expand=True)
    body = [
        tag(
            "tr",
            tag("td", "\N{EM SPACE}" * row.depth, *breakable(row.name), *below(row)),
            tag("td", row.shape),
            tag("td", row.params),
        )
        for row in rows
    ]
    header = tag("tr", tag("th", "Layer"), tag("th", "Output shape"), tag("th", "Params"))
    counts = [
        tag("div", tag("dt", label), tag("dd", text)) for label, text in totals(model).items()
    ]
    table = tag(
        "div",
        tag(
            "div",
            tag("table", tag("thead", header), tag("tbody", *body), class_="layers"),
            class_="scroll",
        ),
        tag("dl", *counts, class_="totals"),
        class_="card",
    )
    diagram = tag("div", tag("div", model_svg(model), class_="diagrams"), class_="card")
    narrow = "model narrow" if len(rows) < MOST_ROWS else "model"
    return section("Model", tag("div", table, diagram, class_=narrow))


def facts(values: Mapping[str, Any]) -> Markup:
    """A list of names and values; those that are None are left out."""
    pairs = []
    for label, value in values.items():
        if value is not None and value != "":
            pairs += [tag("dt", label), tag("dd", value)]
    return tag("div", tag("dl", *pairs, class_="facts"), class_="card")


def duration(seconds: float) -> str:
    """Write a duration so that short ones have digits.

    >>> duration(0.00051), duration(0.123), duration(4.25), duration(75), duration(7380)
    ('0.51 ms', '123 ms', '4.2 s', '01:15', '2:03:00')
    """
    if seconds < 0.01:
        return f"{1000 * seconds:.2g} ms"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)
