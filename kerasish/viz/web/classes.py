"""Which class was taken for which: a confusion matrix as an HTML table, images with captions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.display.markup import Markup, join, tag
from kerasish.viz.confusion import worst_confusions
from kerasish.viz.web.png import png_uri

MOST_CELLS = 20  # classes with a number in each cell; of more, an image
RIGHT, WRONG = (0, 114, 178), (213, 94, 0)
_CELL = "min-width:2.2em;padding:0.3em 0.35em;text-align:center;border:1px solid transparent;"


def matrix_html(matrix: np.ndarray, names: Sequence[str]) -> Markup:
    """Return a confusion matrix whose looks need no style sheet, in light and dark.

    Right predictions are blue and wrong ones orange, the stronger the greater their share of the
    true class, on a scale that spreads small shares.

    >>> matrix_html(np.array([[3, 1], [0, 2]]), ["cat", "dog"]).count("predicted")
    4
    """
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    if len(matrix) > MOST_CELLS:
        return _matrix_image(shares)
    wide = max(len(name) for name in names) > 4
    turned = "writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;" if wide else ""
    head = "font-weight:normal;padding:0.3em;background:transparent;color:inherit;"
    top = [
        tag(
            "th",
            tag("span", name, style=f"{turned}display:inline-block;max-height:9em"),
            scope="col",
            style=f"{head}text-align:center;vertical-align:bottom",
        )
        for name in names
    ]
    rows = [tag("tr", tag("td", style="background:transparent"), *top)]
    for i, name in enumerate(names):
        cells = [
            _cell(int(matrix[i, j]), float(shares[i, j]), name, other, i == j)
            for j, other in enumerate(names)
        ]
        rows.append(
            tag("tr", tag("th", name, scope="row", style=f"{head}text-align:right"), *cells)
        )
    style = "border-collapse:separate;border-spacing:1px;font-variant-numeric:tabular-nums"
    return tag("table", *rows, class_="confusion", style=f"{style};border:0;color:inherit")


def _cell(count: int, share: float, true: str, guess: str, right: bool) -> Markup:
    alpha = 0.15 + 0.75 * share**0.5  # a single mistake is to be seen on a dark page, too
    red, green, blue = RIGHT if right else WRONG
    colour = "#fff" if alpha > 0.5 else "inherit"
    back = f"rgba({red},{green},{blue},{alpha:.2f})" if count else "rgba(128,128,128,0.08)"
    return tag(
        "td",
        f"{count:,}" if count else "",
        title=f"{true}, predicted {guess}: {count:,} ({100 * share:.1f} %)",
        style=f"{_CELL}background:{back};color:{colour}",
    )


def _matrix_image(shares: np.ndarray) -> Markup:
    """A pixel a cell: colour with opacity, for light and dark pages."""
    right = np.eye(len(shares), dtype=bool)[..., None]
    colours = np.where(right, np.array(RIGHT), np.array(WRONG)).astype(np.uint8)
    alpha = np.rint(255 * np.sqrt(shares.clip(0, 1))).astype(np.uint8)[..., None]
    return tag(
        "img",
        src=png_uri(np.concatenate([colours, alpha], axis=-1)),
        alt=f"Confusion matrix of {len(shares)} classes; a row is a true class",
        style="width:100%;max-width:480px;image-rendering:pixelated;border:1px solid "
        "rgba(128,128,128,0.4)",
    )


ROWS_ARE_TRUE = "A row is a true class, a column a predicted one."


def accuracy_line(matrix: np.ndarray) -> str:
    """``"90 of 100 right, 90.0 %"``."""
    right, total = int(np.trace(matrix)), int(matrix.sum())
    return f"{right:,} of {total:,} right, {100 * right / max(total, 1):.1f} %"


def confusions_list(matrix: np.ndarray, names: Sequence[str], most: int = 6) -> Markup | None:
    """The most frequent confusions as a list; None where all was right."""
    found = worst_confusions(matrix, most)
    totals = matrix.sum(axis=1)
    items = [
        tag(
            "li",
            tag("b", names[i]),
            " taken for ",
            tag("b", names[j]),
            f": {count:,} of {int(totals[i]):,}",
        )
        for i, j, count in found
    ]
    return tag("ol", *items, class_="confusions") if items else None


def mistakes_html(mistakes: Sequence[dict[str, Any]], names: Sequence[str]) -> Markup:
    """Images that were taken for another class; each is ``uri, side, true, guess, share``."""
    return join(
        *(
            tag(
                "figure",
                tag(
                    "img",
                    src=one["uri"],
                    class_="small" if one["side"] <= 64 else None,
                    alt=f"{names[one['true']]}, taken for {names[one['guess']]}",
                    loading="lazy",
                ),
                tag(
                    "figcaption",
                    tag("b", names[one["guess"]]),
                    f" {100 * one['share']:.0f} %",
                    tag("br"),
                    f"is {names[one['true']]}",
                ),
            )
            for one in mistakes
        )
    )
