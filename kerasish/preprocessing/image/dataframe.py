"""Batches of augmented images that a DataFrame lists."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.data import folders
from kerasish.data.images import check_color_mode
from kerasish.errors import did_you_mean, warn
from kerasish.preprocessing.image.directory import FileIterator, check_mode
from kerasish.preprocessing.image.iterators import check_subset

_LABELLED = ("categorical", "binary", "sparse")


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
        check_mode(class_mode, self.allowed_class_modes, who)
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
            warn(f"`classes` will be ignored given the class_mode={class_mode!r}")
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
        warn(
            f'{who}: Found {len(bad)} invalid image filename(s) in x_col="{x_col}", such as '
            f"{bad[0]!r} in {directory or Path.cwd()}. These filename(s) will be ignored."
        )
    return frame[good]
