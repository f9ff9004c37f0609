"""The page of `HTMLReport`: what is told of a training at one moment, and how it is arranged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from kerasish.display.markup import join, tag
from kerasish.display.status import clock, printable
from kerasish.viz.classes import name_of
from kerasish.viz.runs import Run
from kerasish.viz.web import report as web
from kerasish.viz.web.curves import SPEED, curve_names
from kerasish.viz.web.page import page

RECENT = 10  # epochs whose mean tells how long the next will take


@dataclass
class Moment:
    """A training at one moment. Epochs and batches are counted from 1 here."""

    model: Any
    header: dict[str, Any]  # what `RunLog` writes first
    run: Run
    records: list[dict[str, Any]]  # of the epochs: metrics, seconds, samples_per_second
    done: int  # epochs
    epochs: int | None  # in all
    steps: int | None  # batches of an epoch
    epoch: int | None  # that is running
    batch: int  # of that, the last one done
    epoch_seconds: float  # since it began
    validating: bool
    seconds: float  # since the training began
    rates: dict[str, float]
    judged: dict[str, Any] | None  # matrix, mistakes, epoch
    names: list[str] | None  # of the classes
    end: dict[str, Any] | None  # reason and error, once it has ended
    notes: list[str]  # of the error
    now: datetime
    updated: int  # milliseconds since 1970
    next: float  # seconds until the page will be written again, about

    @property
    def state(self) -> str:
        """``"running"``, ``"done"``, ``"interrupted"``, ``"not-finite"`` or ``"error"``."""
        if self.end is None:
            return "running"
        reason = str(self.end["reason"]).replace(" ", "-")
        return reason if reason in ("interrupted", "not-finite", "error") else "done"

    @property
    def share(self) -> float:
        """The part of all epochs that is done."""
        within = self.batch / self.steps if self.epoch is not None and self.steps else 0.0
        return (self.done + min(within, 1.0)) / self.epochs if self.epochs else 0.0

    @property
    def seconds_an_epoch(self) -> float | None:
        """How long an epoch takes, as far as that can be told."""
        recent = [record["seconds"] for record in self.records[-RECENT:]]
        if recent:
            return float(np.median(recent))  # the first may have compiled kernels
        if self.epoch is None or not self.steps or not self.batch:
            return None
        return self.epoch_seconds * self.steps / self.batch

    @property
    def remaining(self) -> float | None:
        """Seconds until the last epoch is done."""
        each = self.seconds_an_epoch
        if each is None or self.epochs is None:
            return None
        return max(each * (self.epochs - self.done) - self.epoch_seconds, 0.0)


def report_of(moment: Moment, parts: dict[str, Any]) -> str:
    """Return the whole page; what does not change is kept in `parts` for the next one."""
    if "model" not in parts:
        parts["model"] = web.model_section(moment.model)
        parts["setup"] = _setup(moment)
    said = _said(moment)
    name = printable(str(moment.header["name"] or "training"))
    sections = [
        web.head(name, moment.state, said, _when(moment), moment.share),
        *_alerts(moment),
        web.tiles(_tiles(moment)),
        _curves(moment),
        _classes(moment),
        parts["model"],
        parts["setup"],
    ]
    version = moment.header["versions"]["kerasish"]
    written = f"Written by kerasish {version} at {moment.now:%Y-%m-%d %H:%M:%S %Z}."
    shown = said if moment.epoch is None else f"epoch {moment.epoch} of {moment.epochs or '?'}"
    return page(
        f"{name}: {shown}",
        *sections,
        tag("footer", written),
        data_state=moment.state,
        data_updated=moment.updated,
        data_next=f"{moment.next:.0f}",
    )


def _said(moment: Moment) -> str:
    if moment.end is None:
        return "validating" if moment.validating else "running"
    return str(moment.end["reason"])


def _when(moment: Moment) -> str:
    started = moment.header["time"].replace("T", " ")[:19]
    if moment.epoch is None:
        return f"Started {started}" + (f", ended {moment.now:%H:%M:%S}." if moment.end else ".")
    of = f" of {moment.epochs:,}" if moment.epochs else ""
    batch = f"batch {moment.batch:,}" + (f" of {moment.steps:,}" if moment.steps else "")
    return f"Epoch {moment.epoch:,}{of}, {batch}. Started {started}."


def _alerts(moment: Moment) -> list[Any]:
    if moment.end is None:
        return []
    where = f" in epoch {moment.epoch}" if moment.epoch is not None else ""
    if moment.state == "error":
        text = "\n".join([str(moment.end.get("error", "")), *moment.notes])
        return [web.alert("error", f"An error has ended the training{where}.", text)]
    if moment.state == "interrupted":
        return [web.alert("interrupted", f"The training was interrupted{where} (Ctrl-C).")]
    if moment.state == "not-finite":
        text = "The loss or a gradient was not finite. Look for bad values in the data, lower the "
        text += "learning rate, or clip gradients with clipnorm=1.0."
        return [web.alert("error", "The training was stopped.", text)]
    return []


def _tiles(moment: Moment) -> dict[str, Any]:
    of = f"of {moment.epochs:,}" if moment.epochs else None
    values: dict[str, Any] = {"Epochs done": (f"{moment.done:,}", of)}
    values["Time"] = web.duration(moment.seconds)
    if moment.end is None:
        left = moment.remaining
        values["Time left"] = "?" if left is None else f"about {clock(left)}"
    if moment.seconds_an_epoch is not None:
        values["Time of an epoch"] = web.duration(moment.seconds_an_epoch)
    speeds = [r[SPEED] for r in moment.records[-RECENT:] if r.get(SPEED)]
    if speeds:
        speed = float(np.mean(speeds))
        values["Speed"] = (f"{speed:,.0f}" if speed >= 100 else f"{speed:.3g}", "samples/s")
    for key, rate in moment.rates.items():
        values["Learning rate" + key.removeprefix("learning_rate").replace("_", " ")] = (
            f"{rate:.4g}"
        )
    return values


def _curves(moment: Moment) -> Any:
    names = curve_names(moment.run)
    if not names:
        return web.section("Curves", tag("p", "There is nothing to draw yet.", class_="soft"))
    return web.section("Curves", web.charts(moment.run, names))


def _classes(moment: Moment) -> Any:
    judged = moment.judged
    if judged is None or moment.names is None:
        return None
    names = [name_of("HTMLReport", number, moment.names) for number in range(len(moment.names))]
    return web.class_section(
        np.asarray(judged["matrix"]), names, judged["mistakes"], judged["epoch"]
    )


def _setup(moment: Moment) -> Any:
    """How the training was set up, and where it runs."""
    header = moment.header
    machine = header["machine"]
    versions = [f"{name} {number}" for name, number in header["versions"].items() if number]
    values = {
        "Command": tag("code", header["command"]),
        "Optimizer": tag("code", header["optimizer_said"]),
        "Loss": header["loss"],
        "Metrics": ", ".join(header["metrics"]),
        "Training data": _data(header["data"]),
        "Validation data": _data(header["validation_data"]),
        "Seed": str(header["seed"]),
        "Threads": f"{header['threads']} (of {machine['cpus']} processors)",
        "Versions": ", ".join(versions),
        "Machine": f"{machine['host']}, {machine['system']}",
    }
    return web.section("Environment", web.facts(values))


def _data(data: dict[str, Any] | None) -> str | None:
    if data is None:
        return None
    parts: list[str] = [] if data["rows"] is None else [f"{data['rows']:,} samples"]
    parts += [f"{key} {_array(data[key])}" for key in ("x", "y") if key in data]
    if data["batch_size"]:
        parts.append(f"batches of {data['batch_size']:,}")
    return ", ".join(parts) or str(data["kind"])


def _array(one: dict[str, Sequence[int]]) -> str:
    shape = " x ".join(map(str, one["shape"]))
    return join(f"{one['dtype']} ({shape})" if shape else f"{one['dtype']}")
