"""The peers: one class each, which builds a workload's model and trains and asks it."""

from __future__ import annotations

import importlib
import os
import sys
from importlib import metadata
from typing import Any

import numpy as np

from tests.benchmarks.workloads import Workload

Data = tuple[np.ndarray, ...]


class Peer:
    """A library that can train the workloads; `train` returns when the weights are final."""

    modules: tuple[str, ...] = ()

    def __init__(self, workload: Workload, data: Data) -> None:
        self.workload = workload
        self.build(data)

    def build(self, data: Data) -> None:
        """Make and compile the model; take the data over in the library's own form."""
        raise NotImplementedError

    def train(self, rows: slice) -> None:
        """Train on some rows, `workload.epochs` times."""
        raise NotImplementedError

    def score(self) -> float:
        """Accuracy on the test data, or their mean squared error."""
        raise NotImplementedError

    def calls(self, x: np.ndarray) -> dict[str, Any]:
        """Ways to get predictions for `x` as an array: functions without arguments."""
        raise NotImplementedError

    @classmethod
    def versions(cls) -> str:
        """Libraries and their versions."""
        return ", ".join(_version(name) for name in (*cls.modules, "numpy"))


def _version(name: str) -> str:
    """Name and version of a distribution, without importing it."""
    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        module = sys.modules.get(name)
        return f"{name} {module.__version__}" if module else f"no {name}"


class KerasStyle(Peer):
    """Whatever has Keras's interface."""

    package = "keras"

    def build(self, data: Data) -> None:
        api = importlib.import_module(self.package)
        self.x, y, self.x_test, y_test = data
        self.y, self.y_test = (self.x, self.x_test) if self.workload.reconstructs else (y, y_test)
        api.utils.set_random_seed(1)
        made = [api.Input(self.x.shape[1:], dtype=self.x.dtype.name)]
        for layer in self.workload.layers:
            made += self.layer(api.layers, *layer)
        self.model = api.Sequential(made)
        kind = "binary" if self.workload.layers[-1][-1] == "sigmoid" else "sparse_categorical"
        loss = "mse" if self.workload.reconstructs else f"{kind}_crossentropy"
        metrics = [] if self.workload.reconstructs else ["accuracy"]
        self.model.compile(api.optimizers.Adam(1e-3), loss, metrics=metrics)

    @staticmethod
    def layer(layers: Any, kind: str, *args: Any) -> list[Any]:
        if kind == "dense":
            return [layers.Dense(args[0], activation=args[1])]
        if kind == "conv":
            return [layers.Conv2D(args[0], 3, padding=args[1], activation="relu")]
        if kind == "conv_bn":
            convolution = layers.Conv2D(args[0], 3, padding=args[1])
            return [convolution, layers.BatchNormalization(), layers.ReLU()]
        if kind == "pool":
            return [layers.MaxPooling2D(2)]
        names = {"drop": "Dropout", "flatten": "Flatten", "embedding": "Embedding", "lstm": "LSTM"}
        return [getattr(layers, names[kind])(*args)]

    def train(self, rows: slice) -> None:
        w = self.workload
        x, y = self.x[rows], self.y[rows]
        self.model.fit(x, y, batch_size=w.batch, epochs=w.epochs, verbose=0)

    def score(self) -> float:
        result = self.model.evaluate(self.x_test, self.y_test, batch_size=1000, verbose=0)
        return float(result if self.workload.reconstructs else result[1])

    def calls(self, x: np.ndarray) -> dict[str, Any]:
        calls = {"predict": lambda: self.model.predict(x, batch_size=1000, verbose=0)}
        if len(x) <= 1000:
            calls["predict_on_batch"] = lambda: self.model.predict_on_batch(x)
        return calls


class Kerasish(KerasStyle):
    modules = ("kerasish", "numba")
    package = "kerasish"


class KerasishNumPy(KerasStyle):
    """Without the extra `fast`."""

    modules = ("kerasish",)
    package = "kerasish"

    def build(self, data: Data) -> None:
        sys.modules["numba"] = None  # type: ignore[assignment]
        super().build(data)


class KerasTorch(KerasStyle):
    modules = ("keras", "torch")
    backend = "torch"

    def build(self, data: Data) -> None:
        os.environ["KERAS_BACKEND"] = self.backend
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        super().build(data)


class KerasJax(KerasTorch):
    modules = ("keras", "jax")
    backend = "jax"


class KerasTensorflow(KerasTorch):
    modules = ("keras", "tensorflow")
    backend = "tensorflow"


class Torch(Peer):
    """Hand-written: fused Adam, channels_last, no metric but the running loss."""

    modules = ("torch",)
    threads: int | None = None

    def build(self, data: Data) -> None:
        import torch
        from torch import nn

        if self.threads is not None:
            torch.set_num_threads(self.threads)
        torch.manual_seed(1)
        x, y, x_test, y_test = (torch.from_numpy(a) for a in data)
        self.data = (x, x, x_test, x_test) if self.workload.reconstructs else (x, y, x_test, y_test)
        layers: list[Any] = []
        shape = data[0].shape[1:]
        for layer in self.workload.layers:
            made, shape = self.layer(nn, shape, *layer)
            layers += made
        self.soft = isinstance(layers[-1], nn.Softmax)
        self.binary = isinstance(layers[-1], nn.Sigmoid) and not self.workload.reconstructs
        if self.soft or self.binary:
            layers.pop()  # the loss takes logits
        if self.binary:
            x, y, x_test, y_test = self.data
            self.data = x, y.float()[:, None], x_test, y_test.float()[:, None]
        self.model = nn.Sequential(*layers).to(memory_format=torch.channels_last)
        for module in self.model:
            if isinstance(module, nn.Linear | nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        self.optimizer = torch.optim.Adam(self.model.parameters(), 1e-3, fused=True)
        losses = nn.BCEWithLogitsLoss if self.binary else nn.MSELoss
        self.loss = nn.CrossEntropyLoss() if self.soft else losses()

    @staticmethod
    def layer(nn: Any, shape: Any, kind: str, *args: Any) -> tuple[list[Any], Any]:
        if kind == "dense":
            after = {"relu": nn.ReLU(), "softmax": nn.Softmax(-1), "sigmoid": nn.Sigmoid()}
            return [nn.Linear(shape[0], args[0]), after[args[1]]], (args[0],)
        if kind in ("conv", "conv_bn"):
            size, padding = args
            layers = [nn.Conv2d(shape[2], size, 3, padding=padding)]
            if kind == "conv_bn":
                layers.append(nn.BatchNorm2d(size, eps=1e-3, momentum=0.01))
            less = 0 if padding == "same" else 2
            return [*layers, nn.ReLU()], (shape[0] - less, shape[1] - less, size)
        if kind == "pool":
            return [nn.MaxPool2d(2)], (shape[0] // 2, shape[1] // 2, shape[2])
        if kind == "flatten":
            return [nn.Flatten()], (int(np.prod(shape)),)
        if kind == "embedding":
            return [nn.Embedding(*args)], (*shape, args[1])
        if kind == "lstm":

            class Last(nn.LSTM):
                def forward(self, x: Any) -> Any:
                    return super().forward(x)[0][:, -1]

            return [Last(shape[-1], args[0], batch_first=True)], (args[0],)
        return [nn.Dropout(*args)], shape

    def train(self, rows: slice) -> None:
        import torch

        x, y = self.data[0][rows], self.data[1][rows]
        self.model.train()
        for _ in range(self.workload.epochs):
            total = torch.zeros(())
            for index in torch.randperm(len(x)).split(self.workload.batch):
                loss = self.loss(self.model(self.images(x[index])), y[index])
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                total += loss.detach() * len(index)
            self.running = float(total) / len(x)

    @staticmethod
    def images(x: Any) -> Any:
        """NHWC memory seen as NCHW, which is what `channels_last` means."""
        return x.permute(0, 3, 1, 2) if x.ndim == 4 else x

    def ask(self, x: Any) -> Any:
        import torch

        with torch.no_grad():
            y = self.model(self.images(x))
            return y.softmax(-1) if self.soft else y.sigmoid() if self.binary else y

    def score(self) -> float:
        self.model.eval()
        _, _, x, y = self.data
        z = self.ask(x)
        if self.soft or self.binary:
            return float(((z > 0.5).float() if self.binary else z.argmax(-1)).eq(y).float().mean())
        return float(((z - y) ** 2).mean())

    def calls(self, x: np.ndarray) -> dict[str, Any]:
        import torch

        self.model.eval()

        def ask() -> np.ndarray:
            parts = [self.ask(part) for part in torch.from_numpy(x).split(1000)]
            return (torch.cat(parts) if len(parts) > 1 else parts[0]).numpy()

        return {"model(x)": ask}


class TorchOneThread(Torch):
    """The same on one thread, which is faster for tiny models."""

    threads = 1


class ScikitLearn(Peer):
    modules = ("scikit-learn",)

    def build(self, data: Data) -> None:
        from sklearn.neural_network import MLPClassifier

        layers = self.workload.layers
        if self.workload.reconstructs or any(kind != "dense" for kind, *_ in layers):
            raise ImportError("has no such model")
        self.x, self.y, self.x_test, self.y_test = data
        w = self.workload
        self.model = MLPClassifier(
            [units for _, units, _ in layers[:-1]],
            alpha=0,
            batch_size=w.batch,
            learning_rate_init=1e-3,
            max_iter=w.epochs,
            tol=0,
            n_iter_no_change=10**9,
            warm_start=True,
            random_state=1,
        )

    def train(self, rows: slice) -> None:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it has not converged, as was to be expected
            self.model.fit(self.x[rows], self.y[rows])

    def score(self) -> float:
        return float(self.model.score(self.x_test, self.y_test))

    def calls(self, x: np.ndarray) -> dict[str, Any]:
        return {"predict_proba": lambda: self.model.predict_proba(x)}


PEERS: dict[str, type[Peer]] = {
    "kerasish": Kerasish,
    "kerasish-numpy": KerasishNumPy,
    "torch": Torch,
    "torch-1-thread": TorchOneThread,
    "keras-torch": KerasTorch,
    "keras-jax": KerasJax,
    "keras-tensorflow": KerasTensorflow,
    "scikit-learn": ScikitLearn,
}
