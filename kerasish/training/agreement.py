"""What the ranks of an MPI job agree on: before a fit that it is the same, in it on changes."""

from __future__ import annotations

import sys
import zlib
from typing import Any

import numpy as np

from kerasish.callbacks.learning_rate import learning_rates
from kerasish.distributed import Cluster, RankError
from kerasish.training.comparing import differences

Told = tuple[bool, dict[str, float | None]]


class News:
    """What callbacks may change in a fit, on any rank: whether it stops, and the learning rate."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.begin()

    def begin(self) -> None:
        """Take what is now for agreed."""
        self._rates = self._read()

    def _read(self) -> dict[str, float | None]:
        """The learning rates that can be set; None for schedules."""
        return {
            name: optimizer.rate() if hasattr(optimizer._learning_rate, "assign") else None
            for name, optimizer in learning_rates(self.model.optimizer).items()
        }

    def own(self) -> Told:
        """What this rank has to tell."""
        return bool(self.model.stop_training), self._read()

    def take(self, told: list[Told]) -> None:
        """Stop if one rank wants to; take the learning rate of the first that has changed it."""
        if any(stop for stop, _ in told):
            self.model.stop_training = True
        if any(rates != self._rates for _, rates in told):
            optimizers = learning_rates(self.model.optimizer)
            for name, before in self._rates.items():
                changed = [rates[name] for _, rates in told if rates[name] not in (before, None)]
                if changed and optimizers[name].rate() != changed[0]:
                    optimizers[name].learning_rate = changed[0]
            self.begin()


def checksum(arrays: Any) -> int:
    """A number that differs if arrays do; of what may be None."""
    total = 0
    for array in arrays:
        if array is not None:
            total = zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data, total)
    return total


def compare(cluster: Cluster, about: dict[str, Any], first: Any) -> None:
    """Refuse ranks that are not about to do what the first rank does.

    Parameters
    ----------
    about : dict
        Model, optimizer, data and machine: what has to be the same, the most telling first.
    first : tuple of ndarray
        The first batch.
    """
    own = sys.modules["kerasish"].__version__  # the package that this is part of
    versions = {"python": sys.version.split()[0], "kerasish": own}
    about = {"model": about["model"], **about, "versions": versions}
    found = cluster.exchange("the beginning of fit", (about, checksum(first)))
    told: list[str] = []
    for rank, (other, batch) in enumerate(found):
        for part, value in found[0][0].items():
            unlike = list(differences(value, other[part]))[:2]
            told += [f"{part} {k}: {a} on rank 0, {b} on rank {rank}" for k, a, b in unlike]
            if unlike:  # what follows may well come from it
                break
        else:
            if batch != found[0][1]:
                told.append(f"the first batch of rank {rank} has other numbers than that of rank 0")
    if told:
        raise RankError(
            f"fit: the ranks cannot train one model together: {'; '.join(told[:4])}"
            f"{'; ...' if len(told) > 4 else ''}. Every rank must make the same model and read all "
            f"of the same data, of which fit gives each rank its rows; random data need the same "
            f"seed everywhere.",
            origin=0,
        )


def refuse_unshardable(model: Any) -> None:
    """Refuse a model whose layers cannot work on parts of a batch."""
    for layer in model.walk():
        if not layer.shardable:
            raise ValueError(
                f"compile: distribute='mpi' cannot train {layer.label}, which needs the whole "
                f"batch at once (shardable is False). If it treats each sample by itself, set "
                f"`shardable = True` in its class; else leave out `distribute`."
            )
        penalty = layer.activity_regularizer
        if penalty is not None and not getattr(penalty, "additive", False):
            raise ValueError(
                f"compile: distribute='mpi' cannot train {layer.label}, whose activity "
                f"regularizer {type(penalty).__name__} needs the whole batch at once. If it is a "
                f"sum over samples, set `additive = True` in its class; else leave out "
                f"`distribute`."
            )
