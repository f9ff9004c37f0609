"""How time grows with samples and weights: ``python -m tests.benchmarks.scale``.

Medians of several turns, the sizes in turn. Prints nanoseconds a sample for data of 10,000 to
1,000,000 rows (784-128-10, batch 128; the largest take 3 GB of memory), nanoseconds a weight of a
training step for 1 to 16 million weights (one Dense layer, batch 128), and the speed of Adam's pass
over memory beside that of a plain copy.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from kerasish import Sequential
from kerasish.layers import Dense, Input
from kerasish.optimizers import Adam
from kerasish.optimizers.state import OptimizerState
from kerasish.store import Runs, Weight
from kerasish.training.threads import gang

BATCH = 128


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def in_turn(calls: dict[int, Callable[[], object]], rounds: int) -> dict[int, float]:
    """Median seconds of each call; the first round is not counted."""
    times: dict[int, list[float]] = {size: [] for size in calls}
    for turn in range(rounds + 1):
        for size, call in calls.items():
            spent = seconds(call)
            if turn:
                times[size].append(spent)
    return {size: median(spent) for size, spent in times.items()}


def samples(rounds: int) -> dict[int, float]:
    """Nanoseconds a sample of one epoch of `fit`, by the number of samples."""
    sizes = 10_000, 100_000, 1_000_000
    rng = np.random.default_rng(0)
    x, y = rng.random((sizes[-1], 784), dtype=np.float32), rng.integers(0, 10, sizes[-1])
    model = Sequential([Input((784,)), Dense(128, "relu"), Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

    def fit(size: int) -> Callable[[], object]:
        epochs = sizes[1] // size or 1
        return lambda: model.fit(x[:size], y[:size], BATCH, epochs=epochs, verbose=0)

    times = in_turn({size: fit(size) for size in sizes}, rounds)
    return {size: 1e9 * spent / max(size, sizes[1]) for size, spent in times.items()}


def weights(rounds: int) -> dict[int, float]:
    """Nanoseconds a weight of one training step, by the number of weights."""
    steps, calls = 20, {}
    rng = np.random.default_rng(0)
    for width in (1024, 2048, 4096):
        model = Sequential([Input((width,)), Dense(width)])
        model.compile("adam", "mse")
        x = rng.random((steps * BATCH, width), dtype=np.float32)
        calls[width] = lambda model=model, x=x: model.fit(x, x, BATCH, epochs=1, verbose=0)
    times = in_turn(calls, rounds)
    return {width**2: 1e9 * spent / steps / width**2 for width, spent in times.items()}


def bandwidth(rounds: int, count: int = 1 << 24) -> tuple[float, float]:
    """GB/s of Adam's pass (7 streams of `count` float32) and of a copy, on all threads."""
    weight, gradient = Weight(np.zeros(count, np.float32)), np.ones(count, np.float32)
    state = OptimizerState(Adam(), Runs([weight]))
    source, target = np.ones(4 * count, np.float32), np.zeros(4 * count, np.float32)
    parts = [slice(i * count, (i + 1) * count) for i in range(4)]

    def copy() -> None:
        gang.share([lambda part=part: np.copyto(target[part], source[part]) for part in parts])

    calls = {7: lambda: state.apply(gradient, gang.share), 8: copy}
    times = in_turn(calls, rounds)
    return tuple(4e-9 * streams * count / spent for streams, spent in times.items())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    for what, found in ("sample", samples(rounds)), ("weight", weights(rounds)):
        smallest, *_, largest = found.values()
        print(f"{what}s:", ", ".join(f"{size:,}: {ns:,.2f} ns" for size, ns in found.items()))
        print(f"  time a {what} at the largest is {largest / smallest:.2f} times that at the least")
    adam, copy = bandwidth(rounds)
    print(f"Adam passes {adam:.0f} GB/s, a copy {copy:.0f} GB/s: {adam / copy:.0%}")


if __name__ == "__main__":
    main()
