"""Which rank this process is, as far as whoever started it has said so in its environment."""

from __future__ import annotations

import os
from typing import NamedTuple

# What a launcher sets for the processes of one job: number of ranks and this one's.
_VARIABLES = (
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "Open MPI's mpiexec"),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "srun"),
    ("PMI_SIZE", "PMI_RANK", "mpiexec"),
)


class Launch(NamedTuple):
    """A place in a job of several processes."""

    rank: int
    size: int
    launcher: str
    variable: str = ""  # of the environment, which has the rank


def launched() -> Launch:
    """The place that this process was started in; rank 0 of 1 if it was started by itself.

    >>> launched().rank
    0
    """
    for size, rank, launcher in _VARIABLES:
        count, place = os.environ.get(size, ""), os.environ.get(rank, "")
        if count.isdigit() and place.isdigit() and int(count) > 1:
            return Launch(int(place), int(count), launcher, rank)
    return Launch(0, 1, "")


def asked_for(distribute: str | None) -> bool:
    """Whether training is to be shared among the ranks of an MPI job.

    Parameters
    ----------
    distribute : str, optional
        What `compile` was given: ``"mpi"``; by default the environment's KERASISH_DISTRIBUTE.
    """
    who, value = "compile: `distribute`", distribute
    if distribute is None:
        who, value = (
            "KERASISH_DISTRIBUTE",
            os.environ.get("KERASISH_DISTRIBUTE", "").strip() or None,
        )
    if value is not None and value != "mpi":
        raise ValueError(
            f"{who} must be 'mpi', for training on the ranks of an MPI job, but is {value!r}. "
            f"Leave it out to train in this process alone."
        )
    return value is not None


def loneliness() -> str | None:
    """What to tell somebody who trains one model a rank, probably without meaning to."""
    place = launched()
    if place.size == 1:
        return None
    return (
        f"{place.launcher} has started {place.size} processes, of which this is rank {place.rank}, "
        f"but the model is compiled for one: each rank trains a model of its own. To train one "
        f"model on all of them, write compile(..., distribute='mpi') or set "
        f"KERASISH_DISTRIBUTE=mpi; else start the script without {place.launcher}."
    )
