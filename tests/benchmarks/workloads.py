"""What is measured: data, model and batch size of every workload, in terms of no library.

Add a workload: one entry in `WORKLOADS`; a kind of layer: one branch in each builder in `peers`.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

DIGITS = Path(__file__).parents[2] / "kerasish" / "datasets" / "digits.npz"

Layers = tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Workload:
    """One model on one data set.

    Attributes
    ----------
    data : str
        Name of a loader in `load`.
    layers : tuple
        ``("dense", units, activation)``, ``("conv", filters, padding)`` (3x3, relu), ``("conv_bn",
        filters, padding)`` (3x3, batch normalisation, relu), ``("pool",)``, ``("drop", rate)``,
        ``("flatten",)``, ``("embedding", words, size)``, ``("lstm", units)`` (its last output).
    batch : int
        Rows a step.
    turn : int
        Rows of a turn: what every peer trains on before the next peer's turn. Turns go through
        the data one after the other, so that after the same number all have seen the same rows.
    epochs : int
        How often a turn goes through its rows.
    flat : bool
        Whether samples are vectors.
    """

    data: str
    layers: Layers
    batch: int
    turn: int
    epochs: int = 1
    flat: bool = False
    reconstructs: bool = False


def _conv(kind: str, *blocks: tuple[tuple[int, ...], str, float], tail: Layers) -> Layers:
    layers: list[tuple[Any, ...]] = []
    for filters, padding, rate in blocks:
        for i, count in enumerate(filters):
            layers.append((kind, count, padding if i == 0 else "valid"))
        layers.append(("pool",))
        if rate:
            layers.append(("drop", rate))
    return (*layers, ("flatten",), *tail)


def _mnist_cnn(kind: str) -> Layers:
    tail = (("drop", 0.5), ("dense", 10, "softmax"))
    return _conv(kind, ((32,), "valid", 0), ((64,), "valid", 0), tail=tail)


def _cifar_cnn(kind: str) -> Layers:
    tail = (("dense", 512, "relu"), ("drop", 0.5), ("dense", 10, "softmax"))
    return _conv(kind, ((32, 32), "same", 0.25), ((64, 64), "same", 0.25), tail=tail)


def _dense(*units: int, last: str = "softmax") -> Layers:
    hidden = tuple(("dense", n, "relu") for n in units[:-1])
    return (*hidden, ("dense", units[-1], last))


WORKLOADS: dict[str, Workload] = {
    "digits_mlp": Workload("digits", _dense(64, 10), 32, 1437, epochs=40, flat=True),
    "mnist_mlp": Workload("mnist", _dense(512, 512, 10), 128, 60000, flat=True),
    "mnist_cnn": Workload("mnist", _mnist_cnn("conv"), 128, 7680),
    "mnist_cnn_bn": Workload("mnist", _mnist_cnn("conv_bn"), 128, 7680),
    "cifar_cnn": Workload("cifar10", _cifar_cnn("conv"), 64, 2048),
    "cifar_cnn_bn": Workload("cifar10", _cifar_cnn("conv_bn"), 64, 2048),
    "lstm": Workload(
        "words", (("embedding", 20000, 128), ("lstm", 128), ("dense", 1, "sigmoid")), 32, 1024
    ),
    "autoencoder": Workload(
        "mnist",
        _dense(128, 32, 128, 784, last="sigmoid"),
        128,
        60000,
        flat=True,
        reconstructs=True,
    ),
}

SHAPES = {"digits": (8, 8, 1), "mnist": (28, 28, 1), "cifar10": (32, 32, 3)}


def load(workload: Workload, folder: str | None) -> tuple[np.ndarray, ...]:
    """Return ``x, y, x_test, y_test``: float32 in 0..1, and int64 labels.

    `folder` may hold MNIST's four files and ``cifar10*.npz``. Without them the images are
    synthetic, of the same shapes and numbers: a smooth picture for each class under noise.
    """
    if workload.data == "words":
        return _words()
    found = _real(workload.data, None if folder is None else Path(folder))
    x, y, x_test, y_test = _synthetic(workload.data) if found is None else found
    shape = (-1, *SHAPES[workload.data])
    x, x_test = (a.reshape(len(a), -1) if workload.flat else a.reshape(shape) for a in (x, x_test))
    return x, y, x_test, y_test


def _words() -> tuple[np.ndarray, ...]:
    """Reviews of 80 words, the frequent ones first; whether they are good is said by two words."""
    rng = np.random.default_rng(0)
    rows, words = 8192 + 1024, 20000
    x = np.exp(rng.random((rows, 80)) * np.log(words - 2)).astype(np.int32)  # Zipf's law
    y = rng.integers(0, 2, rows)
    said = rng.random((rows, 80)) < 0.1
    x[said] = (words - 2 + np.broadcast_to(y[:, None], x.shape))[said]
    return x[:8192], y[:8192], x[8192:], y[8192:]


def _real(name: str, folder: Path | None) -> tuple[np.ndarray, ...] | None:
    if name == "digits":
        with np.load(DIGITS) as file:
            x, y = np.float32(file["images"]) / 16, np.int64(file["labels"])
        order = np.random.default_rng(0).permutation(len(x))
        x, y = x[order], y[order]
        return x[:1437], y[:1437], x[1437:], y[1437:]
    if folder is None:
        return None
    if name == "mnist":
        parts = []
        for part in ("train", "t10k"):
            images, labels = (
                next(folder.rglob(f"{part}-{kind}-ubyte*"), None)
                for kind in ("images-idx3", "labels-idx1")
            )
            if images is None or labels is None:
                return None
            parts += [np.float32(_idx(images, 16)) / 255, np.int64(_idx(labels, 8))]
        return tuple(p.reshape(-1, 784) if p.dtype == np.float32 else p for p in parts)
    path = next(folder.rglob("cifar10*.npz"), None)
    if path is None:
        return None
    with np.load(path) as file:
        return tuple(
            np.float32(file[key]) / 255 if key[0] == "x" else np.int64(file[key])
            for key in ("x_train", "y_train", "x_test", "y_test")
        )


def _idx(path: Path, header: int) -> np.ndarray:
    opener: Any = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def _synthetic(name: str) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    rows, tests = (60000, 10000) if name == "mnist" else (20000, 4000)
    h, w, c = SHAPES[name]
    coarse = rng.random((10, h // 4, w // 4, c), np.float32)
    pictures = coarse.repeat(4, 1).repeat(4, 2)
    y = rng.integers(0, 10, rows + tests)
    x = rng.random((rows + tests, h, w, c), np.float32)
    x *= 0.7
    x += 0.3 * pictures[y]
    return x[:rows], y[:rows], x[rows:], y[rows:]
