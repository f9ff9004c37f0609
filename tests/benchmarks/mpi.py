"""Data-parallel training on MPI ranks: ``python -m tests.benchmarks.mpi [WORKLOAD...]``.

Every setting is a job of its own, one after the other, again and again, so that a machine that is
slow for a while does not decide. A job trains for some steps that are not counted and then times
each, on the first rank: all of it, the exchanges (with the wait for the slower rank), the sum of
the gradients. Told are medians over the steps of the job, and of the jobs the median.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np

import kerasish as ks
from kerasish.distributed import Cluster
from tests.benchmarks.peers import Kerasish
from tests.benchmarks.workloads import WORKLOADS, Workload, load

ROUNDS, WARM_UP = 5, 8
ROOT = pathlib.Path(__file__).parents[2]
MPIEXEC = shutil.which("mpiexec", path=os.path.dirname(sys.executable)) or shutil.which("mpiexec")


class Clock(ks.callbacks.Callback):
    """Notes when batches end, and what the cluster has taken of the time."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []
        self.spent: list[tuple[float, float]] = []
        self._exchanged = self._summed = 0.0
        self._watch("_collect", "_exchanged")
        self._watch("total", "_summed")

    def _watch(self, method: str, counter: str) -> None:
        original = getattr(Cluster, method)

        def timed(*args: Any) -> Any:
            start = time.perf_counter()
            value = original(*args)
            setattr(self, counter, getattr(self, counter) + time.perf_counter() - start)
            return value

        setattr(Cluster, method, timed)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.ends.append(time.perf_counter())
        self.spent.append((self._exchanged, self._summed))


def job(name: str, batch: int, steps: int, target: str) -> None:
    """Train, and write the times of a step in milliseconds (in a job's process)."""
    workload = WORKLOADS[name]
    data = load(workload, os.environ.get("KERASISH_BENCH_DATA"))
    model, (x, y, *_) = Kerasish(workload, data).model, data
    rows = batch * (steps + WARM_UP)
    take = np.arange(rows) % len(x)
    x, y = x[take], (x[take] if workload.reconstructs else y[take])
    clock = Clock()
    model.fit(x, y, batch_size=batch, epochs=1, verbose=0, callbacks=[clock])
    if ks.distributed.rank() == 0:
        times = np.diff(clock.ends)[WARM_UP - 1 :]
        spent = np.diff(np.array(clock.spent), axis=0)[WARM_UP - 1 :]
        found = [float(np.median(t)) * 1000 for t in (times, spent[:, 0], spent[:, 1])]
        size = sum(weight.size for weight in model.trainable_weights)
        pathlib.Path(target).write_text(json.dumps([*found, size]), "utf-8")


def run(name: str, batch: int, ranks: int, threads: int, steps: int) -> list[float]:
    """One job: milliseconds of a step, its exchanges and its sum; number of weights."""
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "times.json")
        command = [sys.executable, "-m", "tests.benchmarks.mpi", "--job", name, str(batch)]
        environment = os.environ | {"KERASISH_NUM_THREADS": str(threads)}
        if ranks > 1:
            command = [str(MPIEXEC), "-n", str(ranks), *command]
            environment["KERASISH_DISTRIBUTE"] = "mpi"
        subprocess.run([*command, str(steps), target], check=True, env=environment, cwd=ROOT)
        return json.loads(pathlib.Path(target).read_text("utf-8"))


def compare(name: str, rounds: int, seconds: float) -> None:
    """Print a line for each way to run a workload on this machine."""
    workload: Workload = WORKLOADS[name]
    batch = workload.batch
    ways = [
        ("1 process, 1 thread", batch, 1, 1),
        ("1 process, 2 threads", batch, 1, 2),
        ("2 ranks, 1 thread", batch, 2, 1),
        ("2 ranks, 1 thread, batch x 2", 2 * batch, 2, 1),
    ]
    first = run(name, batch, 1, 1, 10)[0]
    steps = max(20, int(seconds * 1000 / first))
    found: dict[str, list[list[float]]] = {way[0]: [] for way in ways}
    for _ in range(rounds):
        for label, *way in ways:
            found[label].append(run(name, *way, steps))
    alone = [times[0] for times in found[ways[0][0]]]
    print(f"\n{name}: batch of {batch}, {found[ways[0][0]][0][3]:,} weights, {steps} steps\n")
    print("| | ms a step | exchanges | Allreduce | efficiency |\n|---|---:|---:|---:|---:|")
    for label, rows, ranks, threads in ways:
        step, exchanged, summed, _ = (
            statistics.median(column) for column in zip(*found[label], strict=True)
        )
        share = rows / batch / (ranks * threads)
        gain = statistics.median(
            one * share / times[0] for one, times in zip(alone, found[label], strict=True)
        )
        print(f"| {label} | {step:.2f} | {exchanged:.2f} | {summed:.2f} | {gain:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workloads", nargs="*", default=["mnist_mlp", "cifar_cnn"])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=1.5, help="of a job of one process")
    parser.add_argument("--job", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        name, batch, steps, target = arguments.job
        job(name, int(batch), int(steps), target)
        return
    for name in arguments.workloads:
        compare(name, arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
