"""Learning curves as SVG: a small chart a metric, legible without a style sheet and with one."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasish.display.markup import Markup, join, tag
from kerasish.viz import canvas
from kerasish.viz.history import RATES, heading
from kerasish.viz.runs import Run

WIDE, HIGH = 360, 210  # of a chart, in its own units
LEFT, RIGHT, TOP, BOTTOM = 54, 14, 12, 30  # margins around the plot itself
MOST_POINTS = 400  # of a curve: of more, the extremes of each stretch are kept
SPEED = "samples_per_second"
DOTS = 25  # up to so many points have a mark each
KINDS = (
    ("", "training", canvas.COLOURS[0], None),
    ("val_", "validation", canvas.COLOURS[1], "5 3"),
)


class Panel(NamedTuple):
    """The chart of one metric."""

    name: str
    title: str
    best: str  # "best 0.0421, epoch 7", or nothing
    kinds: tuple[str, ...]  # "training", "validation"
    svg: Markup


class Scale(NamedTuple):
    """From values to places along an axis; the lowest value is at `start`."""

    start: float
    stop: float
    low: float
    high: float
    log: bool = False

    def __call__(self, values: Any) -> np.ndarray:
        """Places of values."""
        low, high, values = self.low, self.high, np.asarray(values, float)
        if self.log:
            with np.errstate(all="ignore"):
                low, high, values = math.log10(low), math.log10(high), np.log10(values)
        return self.start + (values - low) / ((high - low) or 1) * (self.stop - self.start)


def panels(run: Run, names: Sequence[str]) -> list[Panel]:
    """Return the charts of metrics, without ``val_``, training and validation in one."""
    return [_panel(run, name) for name in names]


def curve_names(run: Run) -> list[str]:
    """The metrics to draw: the loss first, learning rates that change and the speed last."""
    names = list(dict.fromkeys(key.removeprefix("val_") for key in run.series))
    rates = [name for name in names if name.startswith(RATES)]
    changing = [name for name in rates if len(set(run.series[name].tolist())) > 1]
    own = [name for name in names if name not in rates and name != SPEED]
    own.sort(key=lambda name: name != "loss")
    speed = [SPEED] if len(run.series.get(SPEED, ())) > 1 else []
    return [*own, *changing, *speed]


def small_multiples(run: Run, names: Sequence[str]) -> Markup:
    """Return charts side by side, with headings and a legend, for a notebook."""
    drawn = panels(run, names)
    present = dict.fromkeys(kind for panel in drawn for kind in panel.kinds)
    figures = [
        tag(
            "figure",
            tag(
                "figcaption",
                tag("b", panel.title),
                tag("span", f"  {panel.best}", style="opacity:0.7") if panel.best else None,
            ),
            panel.svg,
            style="margin:0 1em 0.6em 0;width:360px;max-width:100%;display:inline-block",
        )
        for panel in drawn
    ]
    legend = [
        tag("span", legend_line(kind), f" {kind}", style="margin-right:1.2em") for kind in present
    ]
    return tag("div", *figures, tag("div", *legend), style="color:inherit")


def legend_line(kind: str) -> Markup:
    """A sample of the line that stands for training or validation."""
    _, _, colour, dashes = next(one for one in KINDS if one[1] == kind)
    line = tag(
        "line",
        x1=0,
        y1=5,
        x2=26,
        y2=5,
        class_=kind,
        stroke=colour,
        stroke_width=2,
        stroke_dasharray=dashes,
    )
    return tag("svg", line, width=26, height=10, viewBox="0 0 26 10", aria_hidden="true")


def _panel(run: Run, name: str) -> Panel:
    curves = []
    for prefix, kind, colour, dashes in KINDS:
        if f"{prefix}{name}" in run.series:
            x, y = run.points(f"{prefix}{name}")
            curves.append((kind, colour, dashes, *thinned(np.asarray(x, float), y)))
    best = run.best(name)
    x_scale, y_scale = _scales(name, curves, best)
    parts = [_grid(x_scale, y_scale, all(x[0] % 1 == 0 for *_, x, y in curves))]
    parts += [_curve(x_scale, y_scale, *curve) for curve in curves]
    if best:
        spot = {"cx": f"{float(x_scale(best[0])):.1f}", "cy": f"{float(y_scale(best[1])):.1f}"}
        told = tag("title", f"best: {best[1]:.4g}, epoch {best[0]}")
        parts.append(
            tag(
                "circle",
                told,
                **spot,
                r=6,
                class_="best",
                fill="none",
                stroke="currentColor",
                stroke_width=1.6,
            )
        )
    kinds = tuple(kind for kind, *_ in curves)
    title = heading(name)
    note = f"best {best[1]:.4g}, epoch {best[0]}" if best else ""
    says = f"{title}: {' and '.join(kinds)} by epoch. {note}"
    svg = tag(
        "svg",
        *parts,
        viewBox=f"0 0 {WIDE} {HIGH}",
        class_="chart",
        role="img",
        aria_label=says.strip(),
        style="width:100%;height:auto;display:block",
        font_family="system-ui,sans-serif",
        font_size=12,
        data_name=name,
        data_curves=_data(x_scale, y_scale, curves),
    )
    return Panel(name, title, note, kinds, svg)


def thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most `MOST_POINTS` of a curve: the ends, and lowest and highest of each stretch.

    >>> x, y = thinned(np.arange(10_000), np.sin(np.arange(10_000)))
    >>> len(x) <= MOST_POINTS, int(x[0]), int(x[-1])
    (True, 0, 9999)
    """
    if len(x) <= MOST_POINTS:
        return x, y
    edges = np.linspace(0, len(x), MOST_POINTS // 2).astype(int)
    keep = {0, len(x) - 1}
    for start, stop in itertools.pairwise(edges):
        part = np.where(np.isfinite(y[start:stop]), y[start:stop], y[start])
        keep |= {start + int(part.argmin()), start + int(part.argmax())}
    chosen = sorted(keep)
    return x[chosen], y[chosen]


def _scales(name: str, curves: list[Any], best: Any) -> tuple[Scale, Scale]:
    x = np.concatenate([x for *_, x, _ in curves])
    y = np.concatenate([y for *_, y in curves])
    y = y[np.isfinite(y)]
    first, last = float(x.min()), float(x.max())
    if first == last:
        first, last = first - 0.5, last + 0.5
    across = Scale(LEFT, WIDE - RIGHT, first, last)
    low, high = (float(y.min()), float(y.max())) if y.size else (0.0, 1.0)
    rate = name.startswith(RATES)
    if rate and low > 0 and high >= 8 * low:
        return across, Scale(HIGH - BOTTOM, TOP, low / 1.2, high * 1.2, log=True)
    if high - low <= 1e-9 * max(abs(high), abs(low)):
        room = abs(high) / 2 or 0.5
    else:
        room = 0.07 * (high - low)
    floor = 0.0 if 0 <= low < room else low - room  # no ticks below 0 where nothing is
    return across, Scale(HIGH - BOTTOM, TOP, floor, high + room)


def _grid(x_scale: Scale, y_scale: Scale, from_first: bool) -> Markup:
    """Lines and numbers of the axes."""
    right, foot = WIDE - RIGHT, HIGH - BOTTOM
    lines, texts = [], []
    for value, text in ticks(y_scale.low, y_scale.high, y_scale.log):
        place = f"{float(y_scale(value)):.1f}"
        lines.append(tag("line", x1=LEFT, x2=right, y1=place, y2=place))
        texts.append(tag("text", text, x=LEFT - 7, y=place, dy="0.35em", text_anchor="end"))
    for value, text in epoch_ticks(x_scale.low, x_scale.high):
        place = f"{float(x_scale(value)):.1f}"
        lines.append(tag("line", x1=place, x2=place, y1=foot, y2=foot + 4))
        texts.append(tag("text", text, x=place, y=foot + 18, text_anchor="middle"))
    return join(
        tag("g", *lines, class_="grid", stroke="currentColor", stroke_opacity=0.18),
        tag("g", *texts, class_="ticks", fill="currentColor", fill_opacity=0.75),
    )


def ticks(low: float, high: float, log: bool = False, most: int = 5) -> list[tuple[float, str]]:
    """Round numbers between two ends, and how they are written.

    >>> [text for _, text in ticks(0.02, 0.97)]
    ['0.2', '0.4', '0.6', '0.8']
    >>> [text for _, text in ticks(0, 45_000)]
    ['0', '10k', '20k', '30k', '40k']
    >>> [text for _, text in ticks(0.0009, 0.02, log=True)]
    ['0.001', '0.01']
    """
    if log:
        powers = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
        values = [10.0**p for p in powers][:: max(1, len(powers) // most)]
        values = values if len(values) > 1 else [low, high]
        return [(value, f"{value:.2g}") for value in values]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1, 2, 2.5, 5, 10) if power * k >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    values = [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]
    digits = next((d for d in range(8) if abs(round(step, d) - step) < 1e-9 * step), None)
    largest = max(abs(low), abs(high))
    if 1e4 <= largest < 1e9 and step >= 10:
        unit, letter = (1e6, "M") if largest >= 1e6 else (1e3, "k")
        return [(value, f"{value / unit:g}{letter if value else ''}") for value in values]
    if digits is None or digits > 4 or largest >= 1e5:
        return [(value, f"{value:.3g}") for value in values]
    return [(value, f"{value:.{digits}f}") for value in values]


def epoch_ticks(low: float, high: float, most: int = 6) -> list[tuple[int, str]]:
    """Whole epochs between two ends.

    >>> [value for value, _ in epoch_ticks(1, 50)]
    [1, 10, 20, 30, 40, 50]
    """
    first, last = math.ceil(low), math.floor(high)
    if last < first:
        return []
    step = next(
        k * 10**p for p in range(12) for k in (1, 2, 5) if (last - first) / (k * 10**p) <= most - 1
    )
    values = list(range(math.ceil(first / step) * step, last + 1, step))
    if first == 1 and values and values[0] - 1 >= 0.6 * step:
        values.insert(0, 1)
    return [(value, f"{value:,}") for value in values or [first]]


def _curve(
    x_scale: Scale, y_scale: Scale, kind: str, colour: str, dashes: str | None, x: Any, y: Any
) -> Markup:
    px, py = x_scale(x), y_scale(y)
    steps, pen = [], "M"
    for a, b in zip(px.tolist(), py.tolist(), strict=True):
        if b - b != 0:  # a gap where there is no number
            pen = "M"
            continue
        steps.append(f"{pen}{a:.1f} {b:.1f}")
        pen = "L"
    dots: list[Markup] = []
    if len(px) <= DOTS:
        dots = [
            tag(
                "circle",
                cx=f"{a:.1f}",
                cy=f"{b:.1f}",
                r=2.2,
                stroke="none",
                fill=colour,
                class_=f"dot {kind}",
            )
            for a, b in zip(px.tolist(), py.tolist(), strict=True)
            if b - b == 0
        ]
    line = tag(
        "path",
        d="".join(steps),
        fill="none",
        stroke=colour,
        stroke_width=1.8,
        stroke_dasharray=dashes,
        stroke_linejoin="round",
        class_=kind,
    )
    return join(line, *dots)


def _data(x_scale: Scale, y_scale: Scale, curves: list[Any]) -> str:
    """What the page's script needs to show the values under the pointer."""
    return json.dumps(
        {
            "x": [x_scale.start, x_scale.stop, x_scale.low, x_scale.high],
            "y": [y_scale.start, y_scale.stop, y_scale.low, y_scale.high, int(y_scale.log)],
            "curves": [
                [kind, [round(v, 3) for v in x.tolist()], [rounded(v) for v in y.tolist()]]
                for kind, _, _, x, y in curves
            ],
        },
        separators=(",", ":"),
        allow_nan=False,
    )


def rounded(value: float) -> float | None:
    """Six significant digits, and None for what is no number.

    >>> rounded(0.123456789), rounded(float("nan"))
    (0.123457, None)
    """
    return float(f"{value:.6g}") if math.isfinite(value) else None
