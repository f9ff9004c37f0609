"""Run kerasish and its peers in turn on the same work and compare: ``python -m tests.benchmarks``.

    python -m tests.benchmarks mnist_mlp cifar_cnn              training
    python -m tests.benchmarks mnist_mlp.predict import memory
    python -m tests.benchmarks all --data ~/mnist --json results.json

Every peer has a process of its own, which lives through all rounds; in a round each gets one turn
while the others wait. Peers that are not installed are left out; `--python PEER=PATH` (or
KERASISH_BENCH_PYTHON, several separated by commas) says which interpreter has one.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.peers import PEERS
from tests.benchmarks.workloads import WORKLOADS

ROOT = Path(__file__).parents[2]
SIZES = (1, 32, 10_000)
IMPORTS = {  # kerasish loads its parts when they are first used
    "kerasish": "import kerasish",
    "kerasish in use": "import kerasish; kerasish.Sequential([kerasish.layers.Dense(1)])",
    "torch": "import torch",
    "keras-torch": "import keras",
    "keras-jax": "import keras",
    "keras-tensorflow": "import keras",
    "scikit-learn": "import sklearn.neural_network",
}


class Worker:
    """A peer in its own process."""

    def __init__(self, peer: str, workload: str, options: argparse.Namespace) -> None:
        told = {"peer": peer, "workload": workload, "data": options.data}
        self.name = peer
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the worker)
        self.process = subprocess.Popen(
            [python_of(peer, options), "-m", "tests.benchmarks.worker", json.dumps(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            cwd=ROOT,
        )
        self.about = self._answer()

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.errors.seek(0)
        text = self.errors.read().decode(errors="replace").strip()
        return {"missing": (text.splitlines() or ["it ended without a word"])[-1]}

    def close(self) -> None:
        """Let the process end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
        self.errors.close()


def python_of(peer: str, options: argparse.Namespace) -> str:
    """The interpreter that has a peer."""
    return options.python.get(peer, sys.executable)


def start(workload: str, options: argparse.Namespace) -> list[Worker]:
    """Start the peers that are there, and say of the others why they are not."""
    workers = []
    for peer in options.peers:
        if workload != "digits_mlp" and peer == "torch-1-thread":
            continue
        worker = Worker(peer, workload, options)
        if "missing" in worker.about:
            print(f"  without {peer}: {worker.about['missing']}", file=sys.stderr)
            worker.close()
        else:
            workers.append(worker)
    return workers


def train(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Samples a second in training, and how good the model is after it."""
    workers = start(name, options)
    speeds: dict[str, list[float]] = {w.name: [] for w in workers}
    for turn in range(options.rounds + 1):
        for worker in workers:
            answer = worker.ask(do="train", turn=turn)
            if turn and "missing" not in answer:  # the first turn compiles and warms up
                speeds[worker.name].append(answer["samples_a_second"])
    found = {
        w.name: {
            "samples_a_second": speeds[w.name],
            "score": w.ask(do="score")["score"],
            "megabytes": w.ask(do="memory")["megabytes"],
            "versions": w.about["versions"],
        }
        for w in workers
    }
    for worker in workers:
        worker.close()
    w = WORKLOADS[name]
    print(f"\n### {name}: training, batch {w.batch}, {w.turn} rows x {w.epochs} a turn")
    score = "test error" if w.reconstructs else "accuracy"
    rows = []
    for peer, result in found.items():
        ratio = _ratio(speeds.get("kerasish"), speeds[peer])
        rows.append(
            (
                peer,
                f"{median(result['samples_a_second']):,.0f}",
                ratio if peer != "kerasish" else "",
                f"{result['score']:.4f}",
                f"{result['megabytes']:,.0f}",
                result["versions"],
            )
        )
    table(("", "samples/s", "kerasish is", score, "peak MB", "versions"), rows)
    return found


def predict(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Time of predictions for 1, 32 and 10,000 samples."""
    workers = start(name, options)
    for worker in workers:
        worker.ask(do="train", turn=0)
    times: dict[str, dict[str, list[float]]] = {}
    for _ in range(options.rounds):
        for size in SIZES:
            for worker in workers:
                answer = worker.ask(do="predict", rows=size, seconds=options.seconds)
                for call, seconds in answer.items():
                    key = f"{worker.name} {call}"
                    times.setdefault(key, {}).setdefault(str(size), []).append(seconds)
    versions = {w.name: w.about["versions"] for w in workers}
    for worker in workers:
        worker.close()
    ours: dict[str, list[float]] = {}
    for key, sizes in times.items():
        if key.startswith("kerasish "):
            for size, seconds in sizes.items():
                best = ours.get(size)
                ours[size] = seconds if best is None or median(seconds) < median(best) else best
    print(f"\n### {name}: predictions")
    rows = []
    for key, sizes in times.items():
        row = [key]
        for size in map(str, SIZES):
            seconds = sizes.get(size)
            row.append(_seconds(median(seconds)) if seconds else "")
            mine = key.startswith("kerasish ") or seconds is None
            row.append("" if mine else _ratio(seconds, ours.get(size)))
        rows.append(tuple(row))
    table(("", *(t for n in SIZES for t in (f"{n:,} samples", "kerasish is"))), rows)
    return {"seconds": times, "versions": versions}


def imports(options: argparse.Namespace) -> dict[str, Any]:
    """Time of an import, beyond that of NumPy."""
    times: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for peer, statement in IMPORTS.items():
            if peer.split()[0] not in options.peers:
                continue
            code = (
                "import time, numpy; t = time.perf_counter(); "
                f"{statement}; print(time.perf_counter() - t)"
            )
            env = {**os.environ, "KERAS_BACKEND": peer.partition("-")[2] or "torch"}
            run = subprocess.run(
                [python_of(peer, options), "-c", code],
                env=env,
                cwd=ROOT,
                capture_output=True,
                text=True,
            )
            if run.returncode == 0:
                times.setdefault(peer, []).append(float(run.stdout.split()[-1]))
    print("\n### import, beyond that of numpy")
    table(("", "time"), [(peer, _seconds(median(t))) for peer, t in times.items()])
    return times


def memory(options: argparse.Namespace) -> dict[str, Any]:
    """Most memory during one epoch of mnist_mlp, in processes that load the data alike."""
    found = {}
    for peer in options.peers:
        worker = Worker(peer, "mnist_mlp", options)
        if "missing" not in worker.about:
            worker.ask(do="train", turn=0)
            found[peer] = worker.ask(do="memory")["megabytes"]
        worker.close()
    print("\n### peak memory of one epoch of mnist_mlp")
    table(("", "MB"), [(peer, f"{mb:,.0f}") for peer, mb in found.items()])
    return found


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print a table in Markdown."""
    lines = [head, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for number, line in enumerate(lines):
        print("| " + " | ".join(c.ljust(n) for c, n in zip(line, widths, strict=True)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (n + 2) for n in widths) + "|", flush=True)
    sys.stdout.flush()


def _ratio(a: list[float] | None, b: list[float] | None) -> str:
    """Median of the ratios round by round, which noise that lasts longer than a round leaves."""
    if not a or not b:
        return ""
    return f"{median(x / y for x, y in zip(a, b, strict=False)):.2f} x"


def _seconds(seconds: float) -> str:
    for scale, unit in ((1, "s"), (1e3, "ms")):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"


def _options() -> argparse.Namespace:
    every = [*WORKLOADS, *(f"{name}.predict" for name in WORKLOADS), "import", "memory"]
    about, _, examples = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=about,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("workload", nargs="+", metavar="WORKLOAD", help=f"all, {', '.join(every)}")
    parser.add_argument("--peers", help=f"of {', '.join(PEERS)}; by default all")
    parser.add_argument("--rounds", type=int, default=5, help="turns of every peer (5)")
    parser.add_argument("--seconds", type=float, default=0.5, help="of calls to predict a turn")
    parser.add_argument("--python", action="append", default=[], metavar="PEER=PATH")
    parser.add_argument(
        "--data",
        default=os.environ.get("KERASISH_BENCH_DATA"),
        help="folder with MNIST's files and cifar10*.npz (or KERASISH_BENCH_DATA); else synthetic",
    )
    parser.add_argument("--json", help="file for all figures")
    options = parser.parse_args()
    if "all" in options.workload:
        options.workload = every
    for name in options.workload:
        if name not in every:
            parser.error(f"no workload {name!r}. There are: {', '.join(every)}")
    options.peers = list(PEERS) if options.peers is None else options.peers.split(",")
    for peer in options.peers:
        if peer not in PEERS:
            parser.error(f"no peer {peer!r}. There are: {', '.join(PEERS)}")
    pairs = [*os.environ.get("KERASISH_BENCH_PYTHON", "").split(","), *options.python]
    options.python = dict(pair.split("=", 1) for pair in pairs if pair)
    return options


def main() -> None:
    """Measure what the command line asks for."""
    options = _options()
    machine = {
        "date": datetime.date.today().isoformat(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "rounds": options.rounds,
        "data": "real" if options.data else "synthetic (digits are real)",
    }
    print(", ".join(f"{key} {value}" for key, value in machine.items()))
    results: dict[str, Any] = {"machine": machine}
    began = time.perf_counter()
    for name in options.workload:
        if name == "import":
            results[name] = imports(options)
        elif name == "memory":
            results[name] = memory(options)
        elif name.endswith(".predict"):
            results[name] = predict(name.removesuffix(".predict"), options)
        else:
            results[name] = train(name, options)
        if options.json:
            Path(options.json).write_text(json.dumps(results, indent=1) + "\n")
    print(f"\n{time.perf_counter() - began:.0f} s")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(li.partition(":")[2].strip() for li in lines if li.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


if __name__ == "__main__":
    main()
