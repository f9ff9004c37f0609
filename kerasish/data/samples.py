"""Single samples to batches, in random order, and functions over batches."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np


def transform(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of (batch, rng) out of what `map` takes."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # a function written in C
        parameters = {}  # type: ignore[assignment]
    draws = "rng" in parameters
    needed = [
        p.name
        for p in parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        and p.default is p.empty
        and p.name != "rng"
    ]
    count = max(1, len(needed))
    name = getattr(function, "__name__", type(function).__name__)

    def apply(batch: tuple[Any, ...], rng: np.random.Generator) -> tuple[Any, ...]:
        if len(batch) < count:
            raise ValueError(
                f"DataLoader.map: {name} takes {count} arguments ({', '.join(needed)}), but the "
                f"batches have {len(batch)} part(s). Give the loader y, or the function fewer "
                "arguments."
            )
        found = function(*batch[:count], **({"rng": rng} if draws else {}))
        if count == 1:
            found = (found,)
        if not isinstance(found, tuple) or len(found) != count:
            raise ValueError(
                f"DataLoader.map: {name} gets {count} parts of a batch and must return a tuple of "
                f"{count} but returned {type(found).__name__}. Write return x, y."
            )
        return (*found, *batch[count:])

    return apply


def mixed(items: Iterator[Any], size: int, rng: np.random.Generator) -> Iterator[Any]:
    """Yield items in random order out of a buffer that they go through."""
    buffer: list[Any] = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
            continue
        place = int(rng.integers(size))
        buffer[place], item = item, buffer[place]
        yield item
    for place in rng.permutation(len(buffer)):
        yield buffer[place]


def collected(samples: Iterable[Any], size: int) -> Iterator[tuple[Any, ...]]:
    """Put `size` samples at a time into one batch."""
    batch: list[tuple[Any, ...]] = []
    for sample in samples:
        batch.append(sample if isinstance(sample, tuple) else (sample,))
        if len(batch) == size:
            yield stacked(batch)
            batch = []
    if batch:
        yield stacked(batch)


def stacked(batch: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Put samples into one batch, part by part.

    >>> stacked([(1, "a"), (2, "b")])
    (array([1, 2]), array(['a', 'b'], dtype='<U1'))
    """
    if len({len(sample) for sample in batch}) > 1:
        raise ValueError(
            "DataLoader: some samples have y and some have not. Let all of them be (x, y)."
        )
    parts = []
    for part in zip(*batch, strict=True):
        shapes = {np.shape(value) for value in part}
        if len(shapes) > 1:
            first, second = sorted(shapes)[:2]
            raise ValueError(
                f"DataLoader: samples of shapes {first} and {second} cannot be put into one "
                "batch. Resize or pad them to one shape before they are yielded."
            )
        parts.append(np.stack([np.asarray(value) for value in part]))
    return tuple(parts)
