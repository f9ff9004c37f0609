"""TensorBoard: event files that ``tensorboard --logdir`` shows in a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from kerasish.callbacks.base import Callback
from kerasish.callbacks.event_files import EventFile, as_images, check_installed
from kerasish.callbacks.files import path_of, prepared
from kerasish.callbacks.learning_rate import current_rates
from kerasish.errors import check_whole, warn
from kerasish.registry import register


@register
@dataclass(eq=False, repr=False)
class TensorBoard(Callback):
    """Writes metrics, weights and the graph of the layers for TensorBoard (extra `tensorboard`).

    Look at them with ``tensorboard --logdir logs``. Tags and folders are those of Keras: in
    ``train`` and ``validation`` the scalars ``epoch_<metric>``, in ``train`` ``batch_<metric>``
    and the weights, in ``validation`` ``evaluation_<metric>_vs_iterations``.

    Parameters
    ----------
    log_dir : str or PathLike
        Folder; each training should have its own, such as ``logs/first``.
    histogram_freq : int
        Write histograms of all weights every so many epochs, 0 for never.
    write_graph : bool
        Whether to write the graph of the layers.
    write_images : bool
        Whether to write weights as images, too, where there are histograms. They are stretched
        from the lowest to the highest value.
    write_steps_per_second : bool
        Whether to write how fast the training is.
    update_freq : "epoch", "batch" or int
        Write the metrics so far after every epoch only, every batch, or so many batches, too.
    profile_batch : int
        Must be 0: use the callback `Profiler`.
    embeddings_freq, embeddings_metadata
        Must be 0 and None: embeddings are not written.

    Raises
    ------
    ModuleNotFoundError
        If tensorboard is not installed.
    ValueError
        If an argument is wrong or not supported.
    OSError
        When training begins, if the folder cannot be written to.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from kerasish import Sequential, layers
    >>> model = Sequential([layers.Dense(1)])
    >>> _ = model.compile("sgd", "mse")
    >>> board = TensorBoard(tempfile.mkdtemp(), histogram_freq=1)  # doctest: +SKIP
    >>> _ = model.fit(np.ones((8, 2)), np.ones(8), callbacks=[board])  # doctest: +SKIP
    """

    log_dir: Any = "logs"
    histogram_freq: int = 0
    write_graph: bool = True
    write_images: bool = False
    write_steps_per_second: bool = False
    update_freq: Any = "epoch"
    profile_batch: Any = 0
    embeddings_freq: int = 0
    embeddings_metadata: Any = None
    first_rank_only = True

    def __post_init__(self) -> None:
        super().__init__()
        self.log_dir = path_of(self.log_dir, "TensorBoard")
        if self.profile_batch:
            raise ValueError(
                f"TensorBoard: `profile_batch` is not supported, and was {self.profile_batch!r}. "
                f"kerasish.callbacks.Profiler times every layer."
            )
        if self.embeddings_freq or self.embeddings_metadata is not None:
            raise ValueError(
                "TensorBoard: `embeddings_freq` and `embeddings_metadata` are not supported. "
                "Leave them out."
            )
        self.histogram_freq = self.histogram_freq or 0
        check_whole("TensorBoard", "histogram_freq", self.histogram_freq, 0)
        if isinstance(self._every, str):
            raise ValueError(
                f"TensorBoard: `update_freq` must be 'epoch', 'batch' or a whole number of batches "
                f"but is {self.update_freq!r}."
            )
        check_whole("TensorBoard", "update_freq", self._every, 0, "of batches")
        check_installed()
        self._files: dict[str, EventFile] = {}
        self._training = False
        self._batches = 0
        self._epoch_start = self._batch_start = 0.0
        self._iterations = 0

    @property
    def _every(self) -> Any:
        """Batches between two entries; 0 for epochs only."""
        return {"epoch": 0, "batch": 1}.get(self.update_freq, self.update_freq)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_files": {}}

    def _file(self, name: str) -> EventFile:
        if name not in self._files:
            self._files[name] = EventFile(os.path.join(self.log_dir, name))
        return self._files[name]

    # What happens when

    def on_train_begin(self, logs: Any = None) -> None:
        """Open the file of the training, and write the graph."""
        prepared(os.path.join(self.log_dir, "train", "events"), "TensorBoard")
        self._file("train").open()
        self._training = True
        self._batches = 0
        for name in ("on_train_batch_begin", "on_train_batch_end"):
            self.__dict__.pop(name, None)
        if self._every:
            self.on_train_batch_end = self._batch_ends  # type: ignore[method-assign]
            if self.write_steps_per_second:
                self.on_train_batch_begin = self._batch_begins  # type: ignore[method-assign]
        if self.write_graph:
            self._write_graph()

    def _write_graph(self) -> None:
        try:
            config = self.model.to_json()
        except Exception as error:  # a user's layer without a config
            warn(f"TensorBoard writes no graph of the model: {error}")
            return
        self._file("train").graph(config)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Look at the clock."""
        self._epoch_start = perf_counter()
        self._iterations = int(self.model.optimizer.iterations)

    def _batch_begins(self, batch: int, logs: Any = None) -> None:
        self._batch_start = perf_counter()

    def _batch_ends(self, batch: int, logs: Any = None) -> None:
        self._batches += 1
        if self._batches % self._every:
            return
        file = self._file("train")
        if self.write_steps_per_second:
            speed = 1 / max(perf_counter() - self._batch_start, 1e-9)
            file.scalar("batch_steps_per_second", speed, self._batches)
        for name, value in _scalars(logs):
            file.scalar(f"batch_{name}", value, self._batches)

    def on_test_end(self, logs: Any = None) -> None:
        """Write what was judged, over the steps of the optimizer."""
        iterations = getattr(self.model.optimizer, "iterations", None)
        if iterations is None or getattr(self._company, "error", None) is not None:
            return
        file = self._file("validation")
        for name, value in _scalars(logs):
            file.scalar(f"evaluation_{name}_vs_iterations", value, int(iterations))
        file.flush()
        if not self._training:
            self._close()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the epoch's metrics, and the weights if it is time."""
        train = dict(_scalars({k: v for k, v in (logs or {}).items() if k[:4] != "val_"}))
        train.update(current_rates(self.model.optimizer))
        if self.write_steps_per_second:
            steps = int(self.model.optimizer.iterations) - self._iterations
            train["steps_per_second"] = steps / max(perf_counter() - self._epoch_start, 1e-9)
        for name, value in train.items():
            self._file("train").scalar(f"epoch_{name}", value, epoch)
        for name, value in _scalars(logs):
            if name.startswith("val_"):
                self._file("validation").scalar(f"epoch_{name[4:]}", value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        for file in self._files.values():
            file.flush()

    def _write_weights(self, epoch: int) -> None:
        file = self._file("train")
        for weight in self.model.weights:
            values = weight.numpy()
            file.histogram(f"{weight.path}/histogram", values, epoch)
            images = as_images(values) if self.write_images else None
            if images is not None:
                file.images(f"{weight.path}/image", images, epoch)

    def on_train_end(self, logs: Any = None) -> None:
        """Close the files."""
        self._training = False
        self._close()

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}

    def get_state(self) -> dict[str, Any]:
        """Batches written so far."""
        return {"batches": self._batches}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on counting batches."""
        self._batches = state["batches"]


def _scalars(logs: Any) -> Iterator[tuple[str, Any]]:
    """The entries of logs that are single numbers."""
    for name, value in (logs or {}).items():
        if not isinstance(value, str) and value is not None and np.ndim(value) == 0:
            yield name, value
