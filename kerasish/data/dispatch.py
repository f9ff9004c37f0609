"""From the arguments of `fit`, `evaluate` and `predict` to one kind of `Batches`."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from kerasish.data import arrays, checks
from kerasish.data.base import Batches
from kerasish.data.loader import DataLoader, LoaderBatches
from kerasish.data.memory import ArrayBatches
from kerasish.data.sources import IndexedBatches, IterableBatches, IteratorBatches, MadeBatches
from kerasish.data.splitting import whole
from kerasish.data.weights import check_class_weight, sample_weights


def batches(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int | None = None,
    shuffle: bool | str = False,
    steps: int | None = None,
    class_weight: dict[int, float] | None = None,
    role: str = "fit",
    dtype: Any = "float32",
    texts: bool = False,
) -> Batches:
    """Return the batches of whatever can be trained on.

    Parameters
    ----------
    x : array-like, generator, iterable or PyDataset
        Arrays, lists and tuples of numbers, pandas objects, tensors, memmaps and HDF5 datasets
        with one row for every sample; or something that yields batches ``(x,)``, ``(x, y)`` or
        ``(x, y, sample_weight)``: a generator, a `PyDataset`, a DataLoader.
    y, sample_weight : array-like, optional
        Targets and weights of the rows, with arrays only.
    batch_size : int, optional
        32, or what `steps` leads to; whoever makes batches decides on their size.
    shuffle : bool or "batch"
        See `ArrayBatches` and `IndexedBatches`; iterators keep their order.
    steps : int, optional
        Batches of an epoch. In `fit` the next epoch goes on where this one stopped.
    class_weight : dict, optional
        Weight for every class, 1 where not listed.
    role : {"fit", "evaluate", "predict", "validation", "train_on_batch", ...}
        Who asks; decides on the names in messages.
    dtype : dtype
        What floats are cast to, batch by batch. Integers and bools stay what they are in x and y.
    texts : bool
        Whether x may hold texts, since the model begins with a layer that takes them.

    Raises
    ------
    TypeError, ValueError
        If the data cannot be batches; the message says what came and how to mend it.

    Examples
    --------
    >>> import numpy as np
    >>> data = batches(np.arange(10.0), np.arange(10), batch_size=4)
    >>> data.rows, data.steps
    (10, 3)
    >>> [len(batch.x) for batch in data.epoch()]
    [4, 4, 2]
    """
    names = checks.names_of(role, texts)
    who = names.who
    size = checks.positive_int(batch_size, who, names.batch_size)
    steps = checks.positive_int(steps, who, names.steps)
    mode = checks.shuffle_mode(shuffle, who)
    class_weight = check_class_weight(class_weight, who)
    options: dict[str, Any] = {
        "names": names,
        "steps": steps,
        "carry_on": role == "fit",
        "dtype": np.dtype(dtype),
    }
    x = arrays.unwrap(x, names.x, who)
    if not arrays.is_array_like(x):
        _refuse(x, names)
        _no_more_arguments(x, y, sample_weight, names)
        options |= {"role": role, "class_weight": class_weight}
        made = _kind_of(x)
        return made(x, shuffle=mode, **options) if made is IndexedBatches else made(x, **options)

    if class_weight is not None and sample_weight is not None:
        raise ValueError(
            f"{who}: You cannot pass `class_weight` and `sample_weight` at the same time. "
            "Multiply the weights of the classes into `sample_weight`."
        )
    x, y, sample_weight = whole(x, y, sample_weight, names)
    if class_weight is not None:
        sample_weight = sample_weights(y, class_weight, who, dtype)
    if size is None:
        size = 32 if steps is None else -(-x.shape[0] // steps)
    found = ArrayBatches(x, y, sample_weight, batch_size=size, shuffle=mode, **options)
    if not role.startswith("predict"):
        found.check_finite()
    return found


def _kind_of(x: Any) -> type[MadeBatches]:
    if isinstance(x, DataLoader):
        return LoaderBatches
    if hasattr(x, "__getitem__"):
        return IndexedBatches
    return IteratorBatches if hasattr(x, "__next__") else IterableBatches


def _refuse(x: Any, names: checks.Names) -> None:
    """Say what is wrong with things that are neither arrays nor sources of batches."""
    if x is None:
        mend = "Pass the data as the first argument."
    elif isinstance(x, str | bytes):
        mend = "Load the file first, for instance by np.load or pandas.read_csv."
        if names.texts:
            mend = "Pass a list or an array of texts; for one text, [text]."
    elif inspect.isgeneratorfunction(x) or inspect.ismethod(x) or inspect.isfunction(x):
        mend = f"It is a function: call it, {getattr(x, '__name__', 'make_batches')}()."
    elif _is_torch_dataset(x):
        mend = "It gives single samples: wrap it in torch.utils.data.DataLoader."
    elif not any(hasattr(type(x), name) for name in ("__getitem__", "__next__", "__iter__")):
        mend = "Pass an array, a generator or a PyDataset."
    elif isinstance(x, set | frozenset):
        mend = "A set has no order: pass a list or an array."
    else:
        return
    raise ValueError(
        f"{names.who}: Unrecognized data type for `{names.x}`: {type(x).__name__}. {mend}"
    )


def _is_torch_dataset(x: Any) -> bool:
    bases = type(x).__mro__
    return any(c.__module__ == "torch.utils.data.dataset" for c in bases)


def _no_more_arguments(x: Any, y: Any, sample_weight: Any, names: checks.Names) -> None:
    """Targets and weights come from whoever makes the batches."""
    kind = _kind_of(x).kind
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(
                f"{names.who}: When providing `x` as a {kind}, `{name}` should not be passed. "
                f"Let the {kind} yield it: (x, y) or (x, y, sample_weight)."
            )
