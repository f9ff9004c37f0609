"""Where the time of one training step goes: ``python -m tests.benchmarks.step WORKLOAD...``.

One thread runs one shard (half a batch), and each layer's forward and backward pass is timed by the
processor's time of that thread, of many steps the fastest fifth. "Direct" are the multiplications
and additions of the definition; Winograd does fewer, so that a layer may pass 100 % of sgemm.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import kerasish as ks
from tests.benchmarks.peers import Kerasish
from tests.benchmarks.workloads import WORKLOADS, load

STEPS = 25


def sgemm(size: int = 1024) -> float:
    """GFLOP/s of one thread in a large product."""
    a, b = np.ones((2, size, size), np.float32)
    times = []
    for _ in range(7):
        start = time.thread_time()
        a @ b
        times.append(time.thread_time() - start)
    return 2 * size**3 / min(times) / 1e9


def watch(layer: Any, times: dict[str, list[list[float]]]) -> None:
    """Have the layer note the time of each of its passes, and of those joined with the next."""
    layer.apply = timed(layer.apply, times.setdefault(layer.name, [[], []]))
    join = layer.joined

    def joined(following: Any) -> Any:
        run = join(following)
        return None if run is None else timed(run, times[layer.name])

    layer.joined = joined


def timed(apply: Any, times: list[list[float]]) -> Any:
    """The same function, which notes the time that it and its backward function take."""
    forward, backward = times

    def run(x: np.ndarray, step: Any) -> Any:
        start = time.thread_time()
        y, back = apply(x, step)
        forward.append(time.thread_time() - start)

        def timed_back(dy: np.ndarray) -> Any:
            start = time.thread_time()
            dx = back(dy)
            backward.append(time.thread_time() - start)
            return dx

        return y, None if back is None else timed_back

    return run


def measure(name: str) -> None:
    """Print the table of one workload."""
    workload = WORKLOADS[name]
    data = load(workload, None)
    rows = workload.batch // 2
    ks.config.set_num_threads(1)
    peer = Kerasish(workload, tuple(a[: 4 * workload.batch] for a in data))
    model, x, y = peer.model, peer.x[:rows], peer.y[:rows]
    times: dict[str, list[list[float]]] = {}
    wholes = []
    with threadpool_limits(1):
        limit = sgemm()
        for _ in range(3):
            model.train_on_batch(x, y)
        for layer in model.layers:
            watch(layer, times)
        for _ in range(STEPS):
            start = time.thread_time()
            model.train_on_batch(x, y)
            wholes.append(time.thread_time() - start)

    def usual(values: list[float]) -> float:
        return float(np.percentile(values, 20)) / rows * 1e6 if values else 0.0

    whole, rest = usual(wholes), usual(wholes)
    print(f"\n{name}: shard of {rows}, sgemm {limit:.0f} GFLOP/s, microseconds a sample\n")
    print("| layer | forward | backward | share | direct MFLOP | of sgemm |")
    print("|---|---:|---:|---:|---:|---:|")
    is_first = True
    for layer in model.layers:
        forward, backward = map(usual, times[layer.name])
        rest -= forward + backward
        text = f"| {layer.name} | {forward:.1f} | {backward:.1f} "
        text += f"| {(forward + backward) / whole:.0%} |"
        if any(w.ndim > 1 for w in layer.weights):
            flop = layer.flops(layer.input_shape, layer.output_shape) * (2 if is_first else 3)
            is_first = False
            speed = flop / (forward + backward) / 1e3
            text += f" {flop / 1e6:.1f} | {speed / limit:.0%} |"
        else:
            text += " | |"
        print(text)
    print(f"| loss, metrics, optimizer | {rest:.1f} | | {rest / whole:.0%} | | |")
    print(f"| all | {whole:.1f} | | 100% | | |")


if __name__ == "__main__":
    for workload_name in sys.argv[1:] or ("mnist_mlp", "mnist_cnn", "cifar_cnn", "cifar_cnn_bn"):
        measure(workload_name)
