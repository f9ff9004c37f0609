"""Settings of the process: threads, default float type, the seed that models draw theirs from."""

from __future__ import annotations

import os
import random
import threading
from typing import Any

import numpy as np

_lock = threading.Lock()
_seeds = np.random.SeedSequence()
_threads: int | None = None
_stated = False  # whether somebody has said how many
_floatx = "float32"
_data_format = "channels_last"


def processors() -> frozenset[int]:
    """The numbers of the processors that this process may use."""
    try:
        return frozenset(os.sched_getaffinity(0))
    except AttributeError:
        return frozenset(range(os.cpu_count() or 1))


def num_threads() -> int:
    """Number of threads that a batch is shared among.

    It is what `set_num_threads` or the environment variable ``KERASISH_NUM_THREADS`` say, else
    the number of processors this process may use. Results depend on it by rounding only.
    """
    global _threads, _stated
    if _threads is None:
        stated = os.environ.get("KERASISH_NUM_THREADS", "").strip()
        if stated and not (stated.isdigit() and int(stated) > 0):
            raise ValueError(
                f"KERASISH_NUM_THREADS must be a positive whole number but is {stated!r}."
            )
        _threads, _stated = int(stated) if stated else len(processors()), bool(stated)
    return _threads


def stated_threads() -> int | None:
    """What `num_threads` is if somebody has said so, not by the number of processors."""
    count = num_threads()
    return count if _stated else None


def share_processors(count: int) -> None:
    """Use `count` threads for a process that shares its processors, unless one was stated."""
    global _threads
    if stated_threads() is None:
        _threads = count


def set_num_threads(count: int) -> None:
    """Set the number of threads for all models from now on.

    >>> before = num_threads()
    >>> set_num_threads(1); num_threads()
    1
    >>> set_num_threads(before)
    """
    global _threads, _stated
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise ValueError(f"set_num_threads expects a positive whole number but got {count!r}.")
    _threads, _stated = int(count), True


def floatx() -> str:
    """Name of the float type that layers use by default."""
    return _floatx


def set_floatx(value: str) -> None:
    """Set the default float type, ``"float32"`` or ``"float64"``."""
    global _floatx
    if value not in ("float32", "float64"):
        raise ValueError(f"set_floatx expects 'float32' or 'float64' but got {value!r}.")
    _floatx = value


def epsilon() -> float:
    """The small number that losses and optimizers add or clip by."""
    return 1e-7


def image_data_format() -> str:
    """Order of the axes of images where a layer is not told: ``"channels_last"`` by default."""
    return _data_format


def set_image_data_format(data_format: str) -> None:
    """Set the order for layers that are made from now on; ``"channels_first"`` costs time.

    >>> set_image_data_format("channels_last")
    """
    global _data_format
    known = {"tf": "channels_last", "th": "channels_first"}  # as Keras 1 called them
    name = known.get(data_format, data_format)
    if name not in known.values():
        raise ValueError(
            f"set_image_data_format expects 'channels_last' or 'channels_first' but got "
            f"{data_format!r}."
        )
    _data_format = name


def set_random_seed(seed: int) -> None:
    """Make everything random that follows repeatable.

    Models made after this call draw their seeds from it in the order in which they are built.
    Python's `random` and NumPy's global generator are seeded too, since scripts use them for
    their own data; kerasish itself never reads them.

    >>> set_random_seed(7)
    """
    global _seeds
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise ValueError(
            f"set_random_seed expects a whole number from 0 to 2**32 - 1 but got {seed!r}."
        )
    with _lock:
        _seeds = np.random.SeedSequence(int(seed))
    random.seed(int(seed))
    np.random.seed(int(seed))  # noqa: NPY002 - for the user's own code


def next_seed() -> int:
    """Draw the seed of a new model or of a layer that is called on its own."""
    with _lock:
        return int(_seeds.spawn(1)[0].generate_state(1, np.uint64)[0])


def random_state() -> dict[str, Any]:
    """Where the process's random numbers are: its seeds, and those of NumPy and Python."""
    with _lock:
        seeds = {"entropy": _seeds.entropy, "drawn": _seeds.n_children_spawned}
    return {
        "seeds": seeds,
        "numpy": np.random.get_state(legacy=False),  # noqa: NPY002 - of the user's own code
        "python": random.getstate(),
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Go on where `random_state` was, maybe in another process."""
    global _seeds
    seeds = state["seeds"]
    with _lock:
        _seeds = np.random.SeedSequence(seeds["entropy"], n_children_spawned=seeds["drawn"])
    np.random.set_state(state["numpy"])  # noqa: NPY002
    random.setstate(state["python"])
