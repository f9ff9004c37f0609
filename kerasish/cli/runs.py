"""``python -m kerasish runs``: what trainings there were, and which was the best."""

from __future__ import annotations

import argparse
import math
import sys
from typing import Any

from kerasish import errors
from kerasish.cli import CommandError
from kerasish.display import clock, encodable, four_digits
from kerasish.viz.run_files import RunRecord, names_of, read_run, run_paths

HELP = """\
Lists training runs that were logged with kerasish.callbacks.RunLog.

For each run: how it ended, its epochs and time, the best value of each metric, and whatever of
optimizer, learning rate, batch size, parameters, seed, threads and data is not the same in all.
"""
EXAMPLES = """\
examples:
  python -m kerasish runs logs/                      all runs below a folder
  python -m kerasish runs logs/ --sort val_accuracy  the best first
  python -m kerasish runs a.jsonl b.jsonl --plot compared.png
"""


def add_parser(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    parser = commands.add_parser(
        "runs",
        help="list and compare training runs",
        description=HELP,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths",
        nargs="*",
        default=["."],
        metavar="PATH",
        help="files of RunLog, or folders of them (*.jsonl, at any depth); '.' by default",
    )
    parser.add_argument(
        "--metric",
        action="append",
        metavar="NAME",
        help="show this metric, such as val_loss; may be repeated; by default up to four",
    )
    parser.add_argument("--sort", metavar="NAME", help="order by the best value of this metric")
    parser.add_argument("--plot", metavar="FILE", help="draw the runs into a .png or .svg, too")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    records = _read(arguments.paths)
    names = dict(zip(map(id, records), names_of(records), strict=True))
    known = _known(records)
    for name in [*(arguments.metric or ()), *([arguments.sort] if arguments.sort else ())]:
        if name not in known:
            raise CommandError(
                f"no run has a metric '{name}'.{errors.did_you_mean(name, known)} "
                f"There are: {', '.join(known)}."
            )
    shown = arguments.metric or known[:4]
    if arguments.sort:
        if arguments.sort not in shown:
            shown = [*shown, arguments.sort]
        records.sort(key=lambda record: _rank(record, arguments.sort))
    rows = [_row(record, names[id(record)], shown, _differing(records)) for record in records]
    print(encodable(_table(rows), sys.stdout))
    print("A metric is given by its best value @ the epoch of that.")
    if arguments.plot:
        from kerasish import viz

        try:
            runs = [record.run() for record in records]
            labels = [names[id(record)] for record in records]
            figure = viz.compare_runs(runs, arguments.metric, labels=labels)
            viz.save_figure(figure, arguments.plot)
        except ValueError as error:
            raise CommandError(str(error)) from None
    return 0


def _read(paths: list[str]) -> list[RunRecord]:
    """Read all runs, oldest first; other files in a folder are told of and passed over."""
    records = []
    for path in run_paths(paths):
        try:
            records.append(read_run(path))
        except OSError as error:
            raise CommandError(f"cannot read '{path}': {error.strerror}.") from None
        except ValueError as error:
            if path in paths:
                raise CommandError(str(error)) from None
            print(f"passed over: {error}", file=sys.stderr)
    if not records:
        raise CommandError(
            f"no runs (*.jsonl) in {', '.join(paths)}. Log some with "
            f"model.fit(..., callbacks=[kerasish.callbacks.RunLog('logs/')])."
        )
    return sorted(records, key=lambda record: str(record.header.get("time", "")))


def _known(records: list[RunRecord]) -> list[str]:
    """All metrics, those of validation first."""
    names = dict.fromkeys(name for record in records for logs in record.metrics for name in logs)
    return sorted(names, key=lambda name: (not name.startswith("val_"), "loss" not in name))


def _best(record: RunRecord, name: str) -> tuple[int, float] | None:
    """Epoch, counted from 1, and value of the best epoch; of the last if none is better."""
    run = record.run()
    if name not in run.series:
        return None
    good = run.direction(name)
    pairs = [(int(e), float(v)) for e, v in zip(*run.points(name), strict=True) if math.isfinite(v)]
    if not pairs:
        return None
    if good is None:
        return pairs[-1]
    return (min if good == "min" else max)(pairs, key=lambda pair: pair[1])


def _rank(record: RunRecord, name: str) -> tuple[bool, float]:
    best = _best(record, name)
    if best is None:
        return True, 0.0
    return False, -best[1] if record.run().direction(name) == "max" else best[1]


def _row(record: RunRecord, name: str, metrics: list[str], differing: list[str]) -> dict[str, str]:
    planned = record.header.get("epochs")
    done = len(record.epochs)
    seconds = sum(entry.get("seconds") or 0 for entry in record.records)
    speeds = [s for entry in record.records if (s := entry.get("samples_per_second"))]
    row = {
        "run": name,
        "began": str(record.header.get("time") or "")[:16].replace("T", " "),
        "ended": str(record.end.get("reason") or "not yet"),
        "epochs": f"{done}/{planned}" if planned and planned != done else f"{done}",
        "time": clock(seconds) if seconds >= 99.95 else f"{seconds:.1f}s",
        "samples/s": f"{sorted(speeds)[len(speeds) // 2]:,.0f}" if speeds else "-",
    }
    for metric in metrics:
        best = _best(record, metric)
        row[metric] = f"{four_digits(best[1])} @{best[0]}" if best else "-"
    row.update({key: facts(record).get(key) or "-" for key in differing})
    return row


def facts(record: RunRecord) -> dict[str, str]:
    """What may tell one run from another."""
    header = record.header
    optimizer = _dict(header.get("optimizer"))
    options = _dict(optimizer.get("config"))
    rate = options.get("learning_rate")
    data = _dict(header.get("data"))
    found = {
        "optimizer": optimizer.get("class_name"),
        "lr": _dict(rate).get("class_name") if isinstance(rate, dict) else rate,
        "loss function": header.get("loss"),
        "batch": data.get("batch_size"),
        "rows": data.get("rows"),
        "parameters": header.get("parameters"),
        "seed": header.get("seed"),
        "threads": header.get("threads"),
    }
    return {
        key: f"{value:.4g}" if isinstance(value, float) else str(value)
        for key, value in found.items()
        if value is not None
    }


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _differing(records: list[RunRecord]) -> list[str]:
    told = [facts(record) for record in records]
    keys = dict.fromkeys(key for each in told for key in each)
    return [key for key in keys if len({each.get(key) for each in told}) > 1]


def _table(rows: list[dict[str, str]]) -> str:
    """Columns as wide as they need be; numbers to the right."""
    titles = list(rows[0])
    widths = [max(len(title), *(len(row[title]) for row in rows)) for title in titles]
    to_left = {"run", "began", "ended", "optimizer", "loss function"}

    def line(cells: list[str]) -> str:
        parts = [
            cell.ljust(w) if title in to_left else cell.rjust(w)
            for title, cell, w in zip(titles, cells, widths, strict=True)
        ]
        return "  ".join(parts).rstrip()

    return "\n".join([line(titles), *(line([row[title] for title in titles]) for row in rows)])
