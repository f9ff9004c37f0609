"""Data-parallel training on MPI ranks: ``python -m tests.benchmarks.mpi [WORKLOAD...]``.

``--sizes`` times steps against the size of the model, ``--allreduce`` the sum of arrays alone, and
``--project`` computes, from steps measured here, those of many machines on a network.

Every setting is a job of its own, one after the other, again and again, so that a machine that is
slow for a while does not decide. A job trains for some steps that are not counted and then times
each, on the first rank: all of it, the exchanges (with the wait for the slower rank), the sum of
the gradients. Told are medians over the steps of the job, and of the jobs the median.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import pathlib
import pickle
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np

import kerasish as ks
from kerasish.distributed import Cluster, connect
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


def workload_of(name: str) -> Workload:
    """A workload by its name; ``dense-512`` has two hidden layers of 512 units on MNIST."""
    kind, _, units = name.partition("-")
    if kind != "dense":
        return WORKLOADS[name]
    hidden = ("dense", int(units), "relu")
    return Workload("mnist", (hidden, hidden, ("dense", 10, "softmax")), 128, 60000, flat=True)


def job(name: str, batch: int, steps: int, target: str) -> None:
    """Train, and write the times of a step in milliseconds (in a job's process)."""
    workload = workload_of(name)
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


def sizes(rounds: int, seconds: float) -> None:
    """Print a line for each width of a model of dense layers."""
    print("\n| weights | MB | 1 thread | 2 ranks | Allreduce | speed-up |\n|---:|" + "---:|" * 5)
    for units in (128, 512, 2048):
        name = f"dense-{units}"
        steps = max(20, int(seconds * 1000 / run(name, 128, 1, 1, 10)[0]))
        pairs = [(run(name, 128, 1, 1, steps), run(name, 128, 2, 1, steps)) for _ in range(rounds)]
        one, two, summed = (
            statistics.median(column)
            for column in zip(*((a[0], b[0], b[2]) for a, b in pairs), strict=True)
        )
        gain = statistics.median(a[0] / b[0] for a, b in pairs)
        count = int(pairs[0][0][3])
        print(
            f"| {count:,} | {4e-6 * count:.1f} | {one:.2f} ms | {two:.2f} ms | {summed:.2f} ms "
            f"| {gain:.2f} |"
        )


def allreduce(repeats: int = 30) -> None:
    """Print how long a sum of an array takes (in a job's process)."""
    cluster = connect()
    for power in range(10, 26, 3):
        array, times = np.zeros(2**power // 4, np.float32), []
        for _ in range(repeats):
            cluster.exchange("a start", None)
            start = time.perf_counter()
            cluster.total(array)
            times.append(time.perf_counter() - start)
        if cluster.rank == 0:
            took = statistics.median(times)
            rate = array.nbytes / took / 1e9
            print(f"| {array.nbytes / 1024:,.0f} KiB | {took * 1e6:,.0f} us | {rate:.1f} GB/s |")


# --- many machines, computed ------------------------------------------------------------------

NETWORKS = {  # bytes a second, and seconds until the first of them arrives
    "10 Gbit/s": (1.25e9, 30e-6),
    "100 Gbit/s": (12.5e9, 3e-6),
}
ADDED = 5e9  # bytes a second that one core adds up
FRAME = 1024  # bytes of a record


def bookkeeping() -> float:
    """Seconds to take up one rank's record of a step: its loss and two numbers of a metric."""
    metric = ks.metrics.SparseCategoricalAccuracy()
    increments = (np.float64(5), np.float64(8))
    rates = (False, {"learning_rate": 0.001})
    record = ("a step", (64, [(0.5, [increments], None, None)], 0.0, [], rates, False))
    data, count = pickle.dumps(record, 5), 2000
    start = time.perf_counter()
    for _ in range(count):
        _, (_, shards, *_) = pickle.loads(data)
        metric.apply(shards[0][1][0])
    return (time.perf_counter() - start) / count


def communication(ranks: int, size: float, network: str, record: float) -> float:
    """Seconds that the ranks' exchange takes in a step.

    The sum is made by halving and doubling (Rabenseifner 2004), 2 log2(P) messages, in which each
    rank sends and gets 2 (P-1)/P of the gradient and adds up (P-1)/P of it. Two records go to all.
    """
    rate, delay = NETWORKS[network]
    others, hops = (ranks - 1) / ranks, math.log2(ranks)
    summed = 2 * hops * delay + 2 * others * size / rate + others * size / ADDED
    records = 2 * (hops * delay + (ranks - 1) * FRAME / rate) + ranks * record
    return summed + records


def project(name: str, rounds: int, seconds: float) -> None:
    """Print what a step of many ranks would take, one rank of one thread on each machine."""
    batch = WORKLOADS[name].batch
    steps = max(20, int(seconds * 1000 / run(name, batch, 1, 1, 10)[0]))
    pairs = [[run(name, rows, 1, 1, steps) for rows in (batch, batch // 2)] for _ in range(rounds)]
    full, half = (statistics.median(p[i][0] for p in pairs) / 1000 for i in (0, 1))
    size = 4 * pairs[0][0][3]
    a_row = (full - half) / (batch - batch // 2)
    fixed, record = full - a_row * batch, bookkeeping()
    print(
        f"\n{name}: T(n) = {fixed * 1000:.2f} ms + {a_row * 1e6:.0f} us n on one thread; "
        f"{size / 1e6:.1f} MB; {record * 1e6:.1f} us a record\n"
    )
    large = 64 * batch
    print(f"| ranks | network | {batch} rows a rank | | {large:,} rows in all | |")
    print("|---:|---|---:|---:|---:|---:|")
    whole = fixed + a_row * large
    for network in NETWORKS:
        for ranks in (8, 64, 512):
            added = communication(ranks, size, network, record)
            weak, strong = full + added, fixed + a_row * large / ranks + added
            print(
                f"| {ranks} | {network} | {weak * 1000:.1f} ms | {full / weak:.0%} "
                f"| {strong * 1000:.1f} ms | {whole / strong:.0f} times |"
            )

        def strong_step(ranks: int, network: str = network) -> float:
            return fixed + a_row * large / ranks + communication(ranks, size, network, record)

        powers = [2**k for k in range(1, 14)]
        best = min(powers, key=strong_step)
        last = max((p for p in powers if strong_step(p) < 0.8 * strong_step(p // 2)), default=1)
        least = max(1, math.ceil((communication(64, size, network, record) - fixed) / a_row))
        print(
            f"\n{network}: {large:,} rows are fastest on {best} ranks; twice as many save a fifth "
            f"up to {last}; 64 ranks compute for longer than they communicate from {least} rows a "
            f"rank on.\n"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workloads", nargs="*", default=["mnist_mlp", "cifar_cnn"])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=1.5, help="of a job of one process")
    for way in ("--sizes", "--allreduce", "--project"):
        parser.add_argument(way, action="store_true")
    parser.add_argument("--job", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        name, batch, steps, target = arguments.job
        job(name, int(batch), int(steps), target)
        return
    if arguments.allreduce:
        if ks.distributed.size() > 1:
            allreduce()
            return
        command = [str(MPIEXEC), "-n", "2", sys.executable, "-m", "tests.benchmarks.mpi"]
        subprocess.run([*command, "--allreduce"], check=True, cwd=ROOT)
        return
    if arguments.sizes:
        sizes(arguments.rounds, arguments.seconds)
        return
    for name in arguments.workloads:
        if arguments.project:
            project(name, arguments.rounds, arguments.seconds)
            continue
        compare(name, arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
