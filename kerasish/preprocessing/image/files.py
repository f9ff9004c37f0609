"""Batches of augmented images from files: folders of classes, or a DataFrame that lists them."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from kerasish import config
from kerasish.data import folders
from kerasish.data.images import ImageFiles, check_color_mode
from kerasish.errors import did_you_mean
from kerasish.preprocessing.image.iterators import Iterator, augmented, check_subset, save_batch

_LABELLED = ("categorical", "binary", "sparse")


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


def _check_mode(mode: Any, known: tuple[Any, ...], who: str) -> None:
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
        _check_mode(class_mode, self.allowed_class_modes, who)
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


class DataFrameIterator(FileIterator):
    """Batches of images that a DataFrame lists; made by `flow_from_dataframe`.

    Parameters
    ----------
    dataframe : pandas.DataFrame
        One row a file.
    directory : path, optional
        What the file names are relative to.
    image_data_generator : ImageDataGenerator
        What is done to the images.
    x_col, y_col, weight_col : str
        Columns of file names, targets (a list of columns for "multi_output" or "raw") and weights.
    classes : list of str, optional
        Classes in the order of their numbers; rows of others are left out.
    class_mode : {"categorical", "binary", "sparse", "raw", "multi_output", "input", None}
        One-hot rows (of several classes, if the column has lists), class numbers in two cases,
        the column as it is, a list of columns, the images themselves, or no targets.
    validate_filenames : bool
        Leave rows out, with a warning, whose file is missing or has an unknown suffix.
    target_size, color_mode, batch_size, shuffle, seed, subset, interpolation, ...
        As for `DirectoryIterator`.

    Raises
    ------
    ValueError, TypeError
        If a column is missing or has values of another kind than `class_mode` says.
    """

    allowed_class_modes = (*_LABELLED, "input", "multi_output", "raw", None)

    def __init__(
        self,
        dataframe: Any,
        directory: Any = None,
        image_data_generator: Any = None,
        x_col: str = "filename",
        y_col: Any = "class",
        weight_col: str | None = None,
        target_size: Any = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = "channels_last",
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: Any = "float32",
        validate_filenames: bool = True,
    ) -> None:
        who = "flow_from_dataframe"
        _check_mode(class_mode, self.allowed_class_modes, who)
        check_color_mode(color_mode, who)
        shares = check_subset(subset, image_data_generator, who)
        several = class_mode == "multi_output"
        if several and not isinstance(y_col, list):
            raise TypeError(
                f'{who}: If class_mode="multi_output", y_col must be a list. Received '
                f"{type(y_col).__name__}."
            )
        needed = [x_col] + ([weight_col] if weight_col else [])
        if class_mode not in ("input", None):
            needed += y_col if isinstance(y_col, list) else [y_col]
        for name in needed:
            if name not in dataframe.columns:
                known = [str(c) for c in dataframe.columns]
                raise ValueError(
                    f"{who}: the dataframe has no column {name!r}.{did_you_mean(name, known)} It "
                    f"has: {', '.join(known)}."
                )
        if not all(isinstance(name, str) for name in dataframe[x_col]):
            raise TypeError(f"{who}: All values in column x_col={x_col} must be strings.")
        if weight_col and dataframe[weight_col].dtype.kind not in "biuf":
            raise TypeError(f"{who}: Column weight_col={weight_col} must be numeric.")
        frame = _with_files(dataframe, directory, x_col, who) if validate_filenames else dataframe
        self.class_indices: dict[str, int] = {}
        if class_mode in _LABELLED:
            frame = self._number(frame, y_col, classes, class_mode, who)
        elif classes:
            warnings.warn(
                f"`classes` will be ignored given the class_mode={class_mode!r}", stacklevel=3
            )
        if shares is not None:
            frame = frame.iloc[int(shares[0] * len(frame)) : int(shares[1] * len(frame))]
        if not len(frame):
            raise ValueError(
                f"{who}: no image is left of the {len(dataframe)} rows. Check `directory`, the "
                f"names in column {x_col!r}, `classes` and `subset`."
            )
        self.directory, self.filenames = directory or "", frame[x_col].tolist()
        self._weight = frame[weight_col].to_numpy() if weight_col else None
        self._targets: Any = None
        if class_mode in _LABELLED:
            self.classes = [_numbers_of(label, self.class_indices) for label in frame[y_col]]
        elif several:
            self._targets = [np.array(frame[name].tolist()) for name in y_col]
        elif class_mode == "raw":
            self._targets = frame[y_col].to_numpy()
        classes_said = (
            f" belonging to {len(self.class_indices)} classes" if self.class_indices else ""
        )
        kind = "validated" if validate_filenames else "non-validated"
        print(f"Found {len(frame)} {kind} image filenames{classes_said}.")
        super().__init__(
            [os.path.join(self.directory, name) for name in self.filenames],
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

    def _number(self, frame: Any, y_col: str, classes: Any, mode: str, who: str) -> Any:
        """Number the classes; keep rows of the wanted ones."""
        kinds = (str, list, tuple) if mode == "categorical" else (str,)
        wrong = next((label for label in frame[y_col] if not isinstance(label, kinds)), None)
        if wrong is not None:
            words = "strings, lists or tuples" if mode == "categorical" else "strings"
            raise TypeError(
                f'{who}: If class_mode="{mode}", y_col="{y_col}" column values must be {words} but '
                f'one is {wrong!r}. Convert them, .astype(str), or use class_mode="raw".'
            )
        present = {name for label in frame[y_col] for name in _listed(label)}
        names = list(dict.fromkeys(classes)) if classes else sorted(present)
        if mode == "binary" and len(names) != 2:
            raise ValueError(
                f'{who}: If class_mode="binary" there must be 2 classes. Found {len(names)}: '
                f"{', '.join(map(str, names[:10]))}."
            )
        self.class_indices = {name: number for number, name in enumerate(names)}
        wanted = [any(n in self.class_indices for n in _listed(label)) for label in frame[y_col]]
        return frame[wanted]

    @property
    def labels(self) -> Any:
        """Class numbers, or the targets as they are."""
        return self.classes if self._targets is None else self._targets

    @property
    def sample_weight(self) -> Any:
        """Weights of the images, or None."""
        return self._weight

    def targets(self, rows: np.ndarray) -> Any:
        """Targets of the given images."""
        if self.class_mode == "multi_output":
            return [target[rows] for target in self._targets]
        if self.class_mode == "raw":
            return self._targets[rows]
        if self.class_mode != "categorical":
            return np.array([self.classes[i] for i in rows], self.dtype)
        y = np.zeros((len(rows), len(self.class_indices)), self.dtype)
        for place, i in enumerate(rows):
            y[place, self.classes[i]] = 1
        return y


def _listed(label: Any) -> Any:
    return label if isinstance(label, list | tuple) else (label,)


def _numbers_of(label: Any, indices: dict[str, int]) -> Any:
    if isinstance(label, str):
        return indices[label]
    return [indices[name] for name in label if name in indices]


def _with_files(frame: Any, directory: Any, x_col: str, who: str) -> Any:
    """Rows whose file is there and is an image by its name."""
    good = [
        name.lower().endswith(folders.SUFFIXES)
        and os.path.isfile(os.path.join(directory or "", name))
        for name in frame[x_col]
    ]
    bad = [name for name, fine in zip(frame[x_col], good, strict=True) if not fine]
    if bad:
        warnings.warn(
            f'{who}: Found {len(bad)} invalid image filename(s) in x_col="{x_col}", such as '
            f"{bad[0]!r} in {directory or Path.cwd()}. These filename(s) will be ignored.",
            stacklevel=4,
        )
    return frame[good]
