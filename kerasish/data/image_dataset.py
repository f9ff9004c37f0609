"""Keras's readers of image folders: `image_dataset_from_directory`, `smart_resize`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish import config
from kerasish.data import folders
from kerasish.data.images import (
    CHANNELS,
    ImageFiles,
    centre_box,
    check_color_mode,
    img_to_array,
    is_channels_first,
    load_img,
)
from kerasish.data.loader import DataLoader
from kerasish.data.partition import draw
from kerasish.errors import did_you_mean
from kerasish.kernels import sampling


def smart_resize(
    x: Any,
    size: Any,
    interpolation: str = "bilinear",
    data_format: str = "channels_last",
    **kwargs: Any,
) -> np.ndarray:
    """Resize an image, or a batch of them, without distorting: the borders are cut off instead.

    Parameters
    ----------
    x : array-like, shape (H, W, C) or (N, H, W, C)
        Images.
    size : tuple of int
        ``(height, width)`` of the result.
    interpolation : {"bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"}
        Between pixels; nothing is averaged when images shrink.
    data_format : {"channels_last", "channels_first"}
        Order of the axes.
    **kwargs
        Keras's ``backend_module`` is taken and not used.

    Examples
    --------
    >>> smart_resize(np.ones((34, 50, 3), "float32"), (20, 20)).shape
    (20, 20, 3)
    """
    kwargs.pop("backend_module", None)
    if kwargs:
        raise TypeError(f"smart_resize() got unexpected keyword arguments: {list(kwargs)}")
    size = folders.as_size(tuple(size), "smart_resize", "size")
    first = is_channels_first(data_format, "smart_resize")
    images = np.asarray(x)
    if images.ndim not in (3, 4):
        raise ValueError(
            f"smart_resize: expects an image (H, W, C) or a batch (N, H, W, C) but got shape "
            f"{images.shape}. Add an axis for channels: x[..., None]."
        )
    images = images if images.ndim == 4 else images[np.newaxis]
    images = np.moveaxis(images, 1, -1) if first else images
    left, top, right, bottom = centre_box(*images.shape[1:3], *size)
    found = resized(images[:, top:bottom, left:right], size, interpolation, "smart_resize")
    found = np.moveaxis(found, -1, 1) if first else found
    return found if np.ndim(x) == 4 else found[0]


def resized(images: np.ndarray, size: tuple[int, int], interpolation: str, who: str) -> np.ndarray:
    """Images (N, H, W, C) of another size, in float32 unless they have a float type."""
    if interpolation not in sampling.INTERPOLATIONS:
        hint = did_you_mean(interpolation, sampling.INTERPOLATIONS)
        raise ValueError(
            f"{who}: Argument `interpolation` should be one of {sampling.INTERPOLATIONS} but got "
            f"{interpolation!r}.{hint}"
        )
    if images.dtype.kind != "f":
        images = images.astype(config.floatx())
    return sampling.resize(np.ascontiguousarray(images), size, interpolation)[0]


class ResizedFiles(ImageFiles):
    """Image files as one array of float32, resized as Keras's datasets do."""

    dtype: np.dtype = np.dtype("float32")

    def __init__(
        self,
        paths: list[Any],
        size: tuple[int, int],
        color_mode: str,
        interpolation: str,
        crop: bool,
        pad: bool,
        channels_first: bool,
    ) -> None:
        super().__init__(paths, size, color_mode, interpolation)
        self.crop, self.pad, self.channels_first = crop, pad, channels_first
        if channels_first:
            self.shape = (len(paths), CHANNELS[color_mode], *size)

    def decode(self, path: Any) -> np.ndarray:
        """Read one image."""
        image = img_to_array(load_img(path, self.color_mode), dtype="float32")
        if self.crop:
            left, top, right, bottom = centre_box(image.shape[0], image.shape[1], *self.size)
            image = image[top:bottom, left:right]
        if self.pad:
            image = _padded(image, self.size)
        image = resized(image[np.newaxis], self.size, self.interpolation, "load")[0]
        return image.transpose(2, 0, 1) if self.channels_first else image


def _padded(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Put black borders around an image, so that it has the proportions of `size`."""
    height, width = image.shape[:2]
    tall = max(height, width * size[0] // size[1])
    wide = max(width, height * size[1] // size[0])
    found = np.zeros((tall, wide, image.shape[2]), image.dtype)
    top, left = (tall - height) // 2, (wide - width) // 2
    found[top : top + height, left : left + width] = image
    return found


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Return a `DataLoader` of the images in a folder, whose class is the folder they are in.

    Parameters
    ----------
    directory : path
        Has one folder for each class; or any images, if `labels` is not "inferred".
    labels : "inferred", list of int or None
        Classes of the files in alphabetical order, or None for images alone.
    label_mode : {"int", "categorical", "binary", None}
        int32 of shape (N,), one-hot float32 (N, classes), float32 (N, 1), or none.
    class_names : list of str, optional
        Folders to look at, in the order of the class numbers; else all, in alphabetical order.
    color_mode : {"rgb", "rgba", "grayscale"}
        Channels.
    batch_size : int, optional
        None gives single images.
    image_size : tuple of int
        Height and width to resize to.
    shuffle : bool
        Whether files are divided and read in random order, anew every epoch.
    seed : int, optional
        Decides on the order; needed with `validation_split` and `shuffle`.
    validation_split : float, optional
        Share of the files for validation, the last ones of the order.
    subset : {"training", "validation", "both"}, optional
        Which part is wanted; "both" returns the two.
    interpolation : {"bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"}
        How to resize; nothing is averaged when images shrink.
    follow_links : bool
        Whether to go into folders that are links.
    crop_to_aspect_ratio, pad_to_aspect_ratio : bool
        Cut borders off, or add black ones, instead of distorting.
    data_format : {"channels_last", "channels_first"}, optional
        Order of the axes.
    format : {"tf", "grain"}
        Taken for Keras's sake.
    verbose : bool
        Whether to print how many files were found.

    Returns
    -------
    DataLoader or list of DataLoader
        Batches ``(x, y)``, x float32 from 0 to 255; attributes ``class_names``, ``file_paths``.

    Raises
    ------
    OSError, ValueError
        If the folder is missing, a class has no image, or an argument makes no sense.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from kerasish.utils import save_img
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cat", "dog"):
    ...         pathlib.Path(folder, name).mkdir()
    ...         save_img(pathlib.Path(folder, name, "1.png"), np.ones((8, 8, 3)))
    ...     dataset = image_dataset_from_directory(folder, image_size=(4, 4))
    ...     [(x.shape, y.shape) for x, y in dataset]
    Found 2 files belonging to 2 classes.
    [((2, 4, 4, 3), (2,))]
    """
    who = "image_dataset_from_directory"
    check_color_mode(color_mode, who)
    size = folders.as_size(image_size, who)
    first = is_channels_first(data_format, who)
    if interpolation not in sampling.INTERPOLATIONS:
        resized(np.zeros((0, 1, 1, 1)), size, interpolation, who)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(
            f"{who}: Only one of `pad_to_aspect_ratio`, `crop_to_aspect_ratio` can be True."
        )
    if format not in ("tf", "grain"):
        raise ValueError(f"{who}: `format` must be 'tf' or 'grain' but got {format!r}.")
    _check_split(validation_split, subset, shuffle, seed, who)
    if labels is None or label_mode is None:
        labels, label_mode = (None if labels != "inferred" else labels), None
    names, files, numbers = _files(directory, labels, class_names, follow_links, who)
    targets = _targets(numbers, label_mode, len(names), who)
    if verbose:
        classes = f" belonging to {len(names)} classes" if label_mode else ""
        print(f"Found {len(files)} files{classes}.")
    seed = config.next_seed() if seed is None else seed
    order = draw(len(files), 0, seed)[1] if shuffle else np.arange(len(files))
    made = []
    for part, shuffled in _parts(order, validation_split, subset, shuffle, verbose, who):
        paths = [files[i] for i in part]
        x = ResizedFiles(
            paths,
            size,
            color_mode,
            interpolation,
            crop_to_aspect_ratio,
            pad_to_aspect_ratio,
            first,
        )
        y = None if targets is None else targets[part]
        loader = DataLoader(x, y, batch_size=batch_size or 1, shuffle=shuffled, seed=seed)
        if batch_size is None:
            loader = loader.map(_single if y is None else _single_pair)
        loader.class_names, loader.file_paths = (names if label_mode else None), paths
        made.append(loader)
    return made if subset == "both" else made[0]


def _single(x: np.ndarray) -> np.ndarray:
    return x[0]


def _single_pair(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x[0], y[0]


def _check_split(split: Any, subset: Any, shuffle: bool, seed: Any, who: str) -> None:
    if split and not 0 < split < 1:
        raise ValueError(f"{who}: `validation_split` must be between 0 and 1, received: {split}.")
    if subset not in ("training", "validation", "both", None):
        hint = did_you_mean(subset, ("training", "validation", "both"))
        raise ValueError(
            f"{who}: `subset` must be either 'training', 'validation' or 'both', received: "
            f"{subset!r}.{hint}"
        )
    if bool(split) != (subset is not None):
        raise ValueError(
            f"{who}: If `subset` is set, `validation_split` must be set, and inversely. Pass, for "
            "instance, validation_split=0.2, subset='both', seed=0."
        )
    if split and shuffle and seed is None:
        raise ValueError(
            f"{who}: with `validation_split` and shuffling you must provide a `seed`, so that "
            "training and validation files do not overlap. Pass the same seed=0 to both calls."
        )


def _files(
    directory: Any, labels: Any, class_names: Any, follow_links: bool, who: str
) -> tuple[list[str], list[str], np.ndarray]:
    """Names of the classes, files, and their class numbers."""
    if isinstance(labels, str) and labels == "inferred":
        return folders.index(directory, class_names, follow_links, who)
    if class_names is not None:
        raise ValueError(
            f"{who}: You can only pass `class_names` if labels='inferred'. Received: "
            f"class_names={class_names}."
        )
    folder = folders.existing_folder(directory, who)
    files = folders.images_in(folder, follow_links)
    if not files:
        raise ValueError(
            f"{who}: No images found in directory {folder}. Known are "
            f"{', '.join(folders.SUFFIXES)}."
        )
    if labels is None:
        return [], files, np.zeros(len(files), "int64")
    if isinstance(labels, str) or len(labels) != len(files):
        got = repr(labels) if isinstance(labels, str) else f"{len(labels)} labels"
        raise ValueError(
            f"{who}: `labels` must be 'inferred', None or one label for each of the {len(files)} "
            f"files in {folder}, in alphabetical order, but got {got}."
        )
    numbers = np.asarray(labels, "int64")
    return [str(label) for label in np.unique(numbers)], files, numbers


def _targets(numbers: np.ndarray, mode: str | None, classes: int, who: str) -> np.ndarray | None:
    if mode is None:
        return None
    if mode == "int":
        return numbers.astype("int32")
    if mode == "categorical":
        return np.eye(classes, dtype="float32")[numbers]
    if mode != "binary":
        hint = did_you_mean(mode, ("int", "categorical", "binary"))
        raise ValueError(
            f"{who}: `label_mode` argument must be one of 'int', 'categorical', 'binary', or None. "
            f"Received: label_mode={mode!r}.{hint}"
        )
    if classes != 2:
        raise ValueError(
            f"{who}: with label_mode='binary' there must be exactly 2 classes, but there are "
            f"{classes}. Use label_mode='int'."
        )
    return numbers.astype("float32")[:, np.newaxis]


def _parts(
    order: np.ndarray, split: Any, subset: Any, shuffle: bool, verbose: bool, who: str
) -> list[tuple[np.ndarray, bool]]:
    """Rows of each part that is wanted, and whether it is shuffled every epoch."""
    if not split:
        return [(order, shuffle)]
    count = int(split * len(order))
    if count in (0, len(order)):
        raise ValueError(
            f"{who}: validation_split={split} of {len(order)} files leaves {count} for validation "
            f"and {len(order) - count} for training. Add images, or choose another share."
        )
    parts = []
    if subset in ("training", "both"):
        if verbose:
            print(f"Using {len(order) - count} files for training.")
        parts.append((order[:-count], shuffle))
    if subset in ("validation", "both"):
        if verbose:
            print(f"Using {count} files for validation.")
        parts.append((order[-count:], shuffle and subset != "both"))
    return parts
