"""Batches of augmented images from files in folders, each class a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from kerasish import config
from kerasish.data import folders
from kerasish.data.images import ImageFiles, check_color_mode
from kerasish.errors import did_you_mean
from kerasish.preprocessing.image.iterators import Iterator, augmented, check_subset, save_batch


class FileIterator(Iterator):
    """What batches of image files share; subclasses find files and targets."""

    def __init__(
        self,
        paths: list[str],
        image_data_generator: Any,
        target_size: Any,
        color_mode: str,
        class_mode: str | None,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        data_format: str | None,
        save_to_dir: Any,
        save_prefix: str,
        save_format: str,
        subset: str | None,
        interpolation: str,
        keep_aspect_ratio: bool,
        dtype: Any,
    ) -> None:
        size = folders.as_size(target_size, type(self).__name__, "target_size")
        self.filepaths, self.samples = paths, len(paths)
        self.image_data_generator, self.class_mode = image_data_generator, class_mode
        self.target_size, self.color_mode, self.interpolation = size, color_mode, interpolation
        self.data_format, self.keep_aspect_ratio = data_format, keep_aspect_ratio
        self.save_to_dir, self.save_prefix = save_to_dir, save_prefix
        self.save_format, self.subset = save_format, subset
        self.dtype = dtype or config.floatx()
        self._images = ImageFiles(paths, size, color_mode, interpolation, keep_aspect_ratio)
        shape = self._images.shape[1:]
        self.image_shape = (shape[2], *size) if data_format == "channels_first" else shape
        super().__init__(self.samples, batch_size, shuffle, seed)

    def transformed(self, rows: np.ndarray, rng: np.random.Generator) -> Any:
        """Read and change the given images; the batch has what `class_mode` says beside them."""
        batch = self._images.take(rows).astype(self.dtype)
        if self.data_format == "channels_first":
            batch = np.moveaxis(batch, 3, 1)
        batch = augmented(self.image_data_generator, batch, rng, self.dtype)
        if self.save_to_dir:
            save_batch(batch, rows, self)
        if self.class_mode is None:
            return batch
        y = batch.copy() if self.class_mode == "input" else self.targets(rows)
        weight = self.sample_weight
        return (batch, y) if weight is None else (batch, y, weight[rows])

    def targets(self, rows: np.ndarray) -> Any:
        """Targets of the given images."""
        raise NotImplementedError

    @property
    def sample_weight(self) -> Any:
        """Weights of the images, or None."""
        return None


def check_mode(mode: Any, known: tuple[Any, ...], who: str) -> None:
    """Refuse a class mode that is none."""
    if mode not in known:
        hint = did_you_mean(mode, [m for m in known if m])
        raise ValueError(
            f"{who}: Invalid class_mode: {mode!r}; expected one of: {list(known)}.{hint}"
        )


class DirectoryIterator(FileIterator):
    """Batches of images in folders, each class a folder; made by `flow_from_directory`.

    Parameters
    ----------
    directory : path
        Has the folders.
    image_data_generator : ImageDataGenerator
        What is done to the images.
    target_size : tuple of int
        Height and width to resize to.
    color_mode : {"rgb", "rgba", "grayscale"}
        Channels.
    classes : list of str, optional
        Folders in the order of the class numbers; else all, in alphabetical order, but those
        whose names begin with a dot.
    class_mode : {"categorical", "binary", "sparse", "input", None}
        One-hot rows, class numbers in two cases, the images themselves, or no targets.
    batch_size, shuffle, seed
        As for `Iterator`.
    data_format, save_to_dir, save_prefix, save_format
        As for `NumpyArrayIterator`.
    follow_links : bool
        Whether to go into folders that are links.
    subset : {"training", "validation"}, optional
        Part of each class; its first files are for validation.
    interpolation : str
        How to resize; see `kerasish.utils.load_img`.
    keep_aspect_ratio : bool
        Cut borders off instead of distorting.
    dtype : str, optional
        Of the batches.

    Attributes
    ----------
    classes : ndarray of int32
        Class number of each file.
    class_indices : dict of str to int
        Class numbers by the names of the folders.
    filenames, filepaths : list of str
        The files, within the directory and in full.

    Raises
    ------
    OSError, ValueError
        If there is no such folder, it has no classes, or one of them has no image.
    """

    allowed_class_modes = ("categorical", "binary", "sparse", "input", None)

    def __init__(
        self,
        directory: Any,
        image_data_generator: Any,
        target_size: Any = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: Any = None,
    ) -> None:
        who = "flow_from_directory"
        check_mode(class_mode, self.allowed_class_modes, who)
        check_color_mode(color_mode, who)
        shares = check_subset(subset, image_data_generator, who)
        names, files, numbers = folders.index(directory, classes, follow_links, who)
        self.directory, self.num_classes = directory, len(names)
        self.class_indices = {name: number for number, name in enumerate(names)}
        if class_mode == "binary" and len(names) != 2:
            raise ValueError(
                f"{who}: class_mode='binary' needs 2 classes, but {directory} has {len(names)}: "
                f"{', '.join(names[:10])}. Use class_mode='categorical' or 'sparse'."
            )
        if shares is not None:
            kept = _part_of_each(numbers, shares)
            if not len(kept):
                raise ValueError(
                    f"{who}: subset={subset!r} of {len(files)} images is empty: each class gives "
                    "its first files for validation. Add images, or raise validation_split."
                )
            files, numbers = [files[i] for i in kept], numbers[kept]
        self.classes = numbers.astype("int32")
        root = Path(directory).expanduser()
        self.filenames = [os.path.relpath(path, root) for path in files]
        print(f"Found {len(files)} images belonging to {len(names)} classes.")
        super().__init__(
            files,
            image_data_generator,
            target_size,
            color_mode,
            class_mode,
            batch_size,
            shuffle,
            seed,
            data_format,
            save_to_dir,
            save_prefix,
            save_format,
            subset,
            interpolation,
            keep_aspect_ratio,
            dtype,
        )

    @property
    def labels(self) -> np.ndarray:
        """Class numbers."""
        return self.classes

    def targets(self, rows: np.ndarray) -> Any:
        """Targets of the given images."""
        numbers = self.classes[rows]
        if self.class_mode == "categorical":
            return np.eye(self.num_classes, dtype=self.dtype)[numbers]
        return numbers.astype(self.dtype)


def _part_of_each(numbers: np.ndarray, shares: tuple[float, float]) -> np.ndarray:
    """Rows of the files of each class that lie between two shares of them."""
    kept = []
    for number in np.unique(numbers):
        rows = np.flatnonzero(numbers == number)
        kept.append(rows[int(shares[0] * len(rows)) : int(shares[1] * len(rows))])
    return np.concatenate(kept)
