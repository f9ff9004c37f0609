"""Batches of augmented images: what all sources share, and images in memory."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from kerasish import config
from kerasish.data import checks
from kerasish.data.dataset import PyDataset
from kerasish.data.images import array_to_img
from kerasish.errors import warn

SUBSETS = ("training", "validation")


class Iterator(PyDataset):
    """Base class of batches of images, by number or one after the other without an end.

    Subclasses write ``_get_batches_of_transformed_samples(index_array)``; random numbers for it
    are in ``self.rng``, which depends on the seed, the epoch and the batch only.

    Parameters
    ----------
    n : int
        How many images there are.
    batch_size : int
        Images of a batch.
    shuffle : bool
        Whether every epoch has an order of its own.
    seed : int, optional
        Of order and changes; without one, `set_random_seed` decides.
    **kwargs
        As for `PyDataset`.
    """

    white_list_formats = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")

    def __init__(
        self, n: int, batch_size: int, shuffle: bool, seed: int | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.n, self.shuffle = n, shuffle
        self.batch_size = checks.positive_int(batch_size, type(self).__name__, "batch_size") or 32
        self.seed = config.next_seed() if seed is None else int(seed)
        self.batch_index = self.total_batches_seen = self.epoch = 0
        self.lock = threading.Lock()

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, idx: int) -> Any:
        if not 0 <= idx < len(self):
            raise IndexError(
                f"{type(self).__name__}: there is no batch {idx}, but {len(self)} of them."
            )
        self.total_batches_seen += 1
        return self._batch(self.epoch, idx)

    def _batch(self, epoch: int, idx: int) -> Any:
        order = np.arange(self.n)
        if self.shuffle:
            order = np.random.default_rng([self.seed, epoch]).permutation(self.n)
        rows = order[self.batch_size * idx : self.batch_size * (idx + 1)]
        return self.transformed(rows, np.random.default_rng([self.seed, epoch, 1 + idx]))

    def transformed(self, rows: np.ndarray, rng: np.random.Generator) -> Any:
        """Make the batch of the given images."""
        raise NotImplementedError

    @property
    def index_array(self) -> np.ndarray:
        """The order of this epoch."""
        if not self.shuffle:
            return np.arange(self.n)
        return np.random.default_rng([self.seed, self.epoch]).permutation(self.n)

    def on_epoch_end(self) -> None:
        """Go to the next order."""
        self.epoch += 1

    def reset(self) -> None:
        """Begin with the first batch again."""
        self.batch_index = 0

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        with self.lock:
            if self.n == 0:
                raise StopIteration
            epoch, idx = self.epoch, self.batch_index
            self.batch_index += 1
            self.total_batches_seen += 1
            if self.batch_index == len(self):
                self.batch_index = 0
                self.epoch += 1
        return self._batch(epoch, idx)

    next = __next__


def augmented(generator: Any, x: np.ndarray, rng: np.random.Generator, dtype: Any) -> np.ndarray:
    """A batch of images changed at random and scaled by an `ImageDataGenerator`."""
    if generator is None:
        return x.astype(dtype, copy=False)
    kind = type(generator)
    drawn = [generator.get_random_transform(x.shape[1:], rng) for _ in x]
    whole = getattr(kind.apply_transform, "__module__", "").startswith("kerasish.")
    if whole:
        x = generator.apply_transforms(x, drawn)
    else:  # a subclass has its own
        x = np.stack(
            [generator.apply_transform(image, p) for image, p in zip(x, drawn, strict=True)]
        )
    return np.stack([generator.standardize(image) for image in x]).astype(dtype, copy=False)


def check_subset(subset: Any, generator: Any, who: str) -> tuple[float, float] | None:
    """Return the shares between which a subset lies."""
    if subset is None:
        return None
    split = getattr(generator, "_validation_split", 0.0)
    if subset not in SUBSETS:
        raise ValueError(
            f"{who}: Invalid subset name: {subset!r}; expected 'training' or 'validation'."
        )
    if not split:
        raise ValueError(
            f"{who}: subset={subset!r} needs ImageDataGenerator(validation_split=...), such as 0.2."
        )
    return (0.0, split) if subset == "validation" else (split, 1.0)


def save_batch(batch: np.ndarray, rows: np.ndarray, owner: Any) -> None:
    """Write the images of a batch to `save_to_dir`, to be looked at."""
    for image, row in zip(batch, rows, strict=True):
        name = f"{owner.save_prefix}_{row}_{owner.total_batches_seen}.{owner.save_format}"
        array_to_img(image, owner.data_format, scale=True).save(Path(owner.save_to_dir, name))


class NumpyArrayIterator(Iterator):
    """Batches of images in memory; made by `ImageDataGenerator.flow`.

    Parameters
    ----------
    x : array-like, shape (N, H, W, C)
        Images.
    y, sample_weight : array-like, optional
        Targets and weights.
    image_data_generator : ImageDataGenerator
        What is done to the images.
    batch_size, shuffle, seed
        As for `Iterator`.
    data_format : {"channels_last", "channels_first"}, optional
        Order of the axes.
    save_to_dir, save_prefix, save_format
        Where changed images are written, to be looked at.
    subset : {"training", "validation"}, optional
        Part of the rows; the first ones are for validation.
    ignore_class_split : bool
        Whether the parts may have different classes.
    dtype : str, optional
        Of the batches.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        ignore_class_split: bool = False,
        dtype: Any = None,
    ) -> None:
        who = "ImageDataGenerator.flow"
        if isinstance(x, tuple) or (isinstance(x, list) and len(x) == 2 and np.ndim(x[0]) == 4):
            raise ValueError(
                f"{who}: `x` is a {type(x).__name__} of {len(x)}, but a Sequential model has one "
                "input. Pass the images as x and the targets as y."
            )
        x = np.asarray(x)
        if x.ndim != 4:
            mend = " Add an axis for channels: x[..., None]." if x.ndim == 3 else ""
            raise ValueError(
                f"{who}: Input data should have rank 4, (N, H, W, C). You passed an array with "
                f"shape {x.shape}.{mend}"
            )
        y = None if y is None else np.asarray(y)
        weight = None if sample_weight is None else np.asarray(sample_weight)
        parts = {"x": x, "y": y, "sample_weight": weight}
        checks.same_rows({k: None if v is None else len(v) for k, v in parts.items()}, who)
        axis = 1 if data_format == "channels_first" else 3
        if x.shape[axis] not in (1, 3, 4):
            warn(
                f"{who}: expected 1, 3 or 4 channels on axis {axis} "
                f"({data_format or 'channels_last'}) but got shape {x.shape}."
            )
        shares = check_subset(subset, image_data_generator, who)
        if shares is not None:
            cut = int(len(x) * image_data_generator._validation_split)
            _check_classes(y, cut, ignore_class_split, who)
            rows = slice(0, cut) if subset == "validation" else slice(cut, None)
            x, y, weight = (None if v is None else v[rows] for v in (x, y, weight))
        self.x, self.y, self.sample_weight = x, y, weight
        self.image_data_generator = image_data_generator
        self.data_format, self.dtype = data_format, dtype or config.floatx()
        self.save_to_dir, self.save_prefix = save_to_dir, save_prefix
        self.save_format = save_format
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def transformed(self, rows: np.ndarray, rng: np.random.Generator) -> Any:
        """Make the batch of the given images."""
        batch = self.x[rows].astype(self.dtype)
        batch = augmented(self.image_data_generator, batch, rng, self.dtype)
        if self.save_to_dir:
            save_batch(batch, rows, self)
        if self.y is None:
            return batch
        if self.sample_weight is None:
            return batch, self.y[rows]
        return batch, self.y[rows], self.sample_weight[rows]


def _check_classes(y: Any, cut: int, ignore: bool, who: str) -> None:
    if y is None or ignore:
        return
    first, second = np.unique(y[:cut]), np.unique(y[cut:])
    if not np.array_equal(first, second):
        raise ValueError(
            f"{who}: Training and validation subsets have different classes after the split: the "
            f"first {cut} rows, for validation, have {len(first)}, the others {len(second)}. Rows "
            "sorted by class have to be shuffled first; or pass ignore_class_split=True."
        )
