"""Folders of images, each class a folder of its own."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kerasish import config
from kerasish.data.images import ImageFiles, check_color_mode
from kerasish.errors import did_you_mean

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


class ImageFolder(NamedTuple):
    """Images in folders, as arrays.

    Attributes
    ----------
    x : ImageFiles, shape (N, H, W, C), of uint8
        The images, decoded when they are read. `fit`, `DataLoader` and `train_test_split` take it.
    y : ndarray of int64, shape (N,)
        The classes.
    class_names : list of str
        Names of the folders.
    paths : list of str
        The files, in the order of the rows.
    """

    x: ImageFiles
    y: np.ndarray
    class_names: list[str]
    paths: list[str]


def from_image_folder(
    directory: Any,
    image_size: tuple[int, int] | int | None = None,
    color_mode: str = "rgb",
    *,
    class_names: Sequence[str] | None = None,
    interpolation: str = "bilinear",
    keep_aspect_ratio: bool = False,
    follow_links: bool = False,
    check: bool = True,
) -> ImageFolder:
    """Find images whose class is the folder they are in; they are read when batches need them.

    Parameters
    ----------
    directory : path
        Has one folder for each class. Folders whose names begin with a dot are left out.
    image_size : int or tuple of int, optional
        Height and width to resize to; without it all images must have one size.
    color_mode : {"rgb", "rgba", "grayscale"}
        What they are converted to.
    class_names : list of str, optional
        Folders to look at, in the order of the class numbers; else all, in alphabetical order.
    interpolation : str
        How to resize; see `kerasish.utils.load_img`. All but "nearest" average when they shrink.
    keep_aspect_ratio : bool
        Cut the largest part of the wanted proportions out of the centre, instead of distorting.
    follow_links : bool
        Whether to go into folders that are links.
    check : bool
        Open every file, and read how large its image is, before anything is trained.

    Returns
    -------
    ImageFolder
        ``(x, y, class_names, paths)``.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such folder.
    ValueError
        If it has no classes, one of them has no image, or a file is no image.

    Examples
    --------
    >>> import tempfile
    >>> from kerasish.utils import save_img
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cat", "dog"):
    ...         Path(folder, name).mkdir()
    ...         save_img(Path(folder, name, "1.png"), np.ones((8, 8, 3)))
    ...     x, y, class_names, paths = from_image_folder(folder, image_size=4)
    ...     x[:].shape, y.tolist(), class_names
    ((2, 4, 4, 3), [0, 1], ['cat', 'dog'])
    """
    who = "from_image_folder"
    check_color_mode(color_mode, who)
    names, files, labels = index(directory, class_names, follow_links, who)
    if image_size is None:
        size = _common_size(files, who)
    else:
        size = as_size(image_size, who)
        if check:
            list(_sizes(files, who))
    x = ImageFiles(files, size, color_mode, interpolation, keep_aspect_ratio)
    return ImageFolder(x, labels, names, files)


def as_size(value: Any, who: str, name: str = "image_size") -> tuple[int, int]:
    """Return a height and a width; one number is both."""
    given = (value, value) if isinstance(value, int | np.integer) else value
    whole = isinstance(given, tuple | list) and len(given) == 2
    if not whole or not all(isinstance(n, int | np.integer) and n > 0 for n in given):
        raise ValueError(
            f"{who}: `{name}` must be (height, width), two whole numbers, but got {value!r}."
        )
    return int(given[0]), int(given[1])


def index(
    directory: Any, class_names: Sequence[str] | None, follow_links: bool, who: str
) -> tuple[list[str], list[str], np.ndarray]:
    """Return class names, image files and their class numbers."""
    folder = existing_folder(directory, who)
    found = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    for name in class_names or ():
        if name not in found:
            raise ValueError(
                f"{who}: {folder} has no folder {name!r} for that class.{did_you_mean(name, found)}"
                f" It has: {', '.join(found) or 'no folders'}."
            )
    names = list(class_names or found)
    if not names:
        loose = len(images_in(folder, follow_links))
        has = f" It has {loose} images in itself." if loose else ""
        raise ValueError(
            f"{who}: {folder} has no folders, and the class of an image is the folder it is in."
            f"{has} Put the images of each class into a folder of their own."
        )
    files: list[str] = []
    labels: list[int] = []
    for number, name in enumerate(names):
        here = images_in(folder / name, follow_links)
        if not here:
            raise ValueError(_no_image(folder / name, who))
        files += here
        labels += [number] * len(here)
    return names, files, np.array(labels, "int64")


def existing_folder(directory: Any, who: str) -> Path:
    """Return the path of a folder that is there."""
    folder = Path(directory).expanduser()
    if folder.is_file():
        raise NotADirectoryError(f"{who}: {folder} is a file. Pass the folder that it is in.")
    if not folder.exists():
        beside = [p.name for p in folder.parent.iterdir()] if folder.parent.is_dir() else []
        hint = did_you_mean(folder.name, beside)
        raise FileNotFoundError(f"{who}: there is no folder {folder}.{hint} Check the path.")
    return folder


def images_in(folder: Path, follow_links: bool, suffixes: Sequence[str] = SUFFIXES) -> list[str]:
    """Image files in a folder and the folders in it, in alphabetical order."""
    found = []
    for root, _, files in sorted(os.walk(folder, followlinks=follow_links)):
        known = (name for name in sorted(files) if name.lower().endswith(tuple(suffixes)))
        found += [os.path.join(root, name) for name in known if not name.startswith(".")]
    return found


def _no_image(folder: Path, who: str) -> str:
    """What to say of a class without images."""
    others = Counter(p.suffix.lower() or p.name for p in folder.rglob("*") if p.is_file())
    if not others:
        return f"{who}: the folder {folder} is empty. Put images of its class there, or delete it."
    shown = ", ".join(f"{count} {suffix}" for suffix, count in others.most_common(5))
    return (
        f"{who}: the folder {folder} has no image, only other files ({shown}). Known are "
        f"{', '.join(SUFFIXES)}: convert the files, or delete the folder."
    )


def _sizes(files: list[str], who: str) -> Any:
    """Yield (height, width) of all files, from their heads."""
    from PIL import Image

    def size(path: str) -> tuple[int, int]:
        try:
            with Image.open(path) as image:
                return image.size[1], image.size[0]
        except Exception as error:  # decoders raise all sorts of things
            what = "is empty" if os.path.getsize(path) == 0 else "cannot be read as an image"
            raise ValueError(f"{who}: {path} {what}. Delete it or get it anew.") from error

    with ThreadPoolExecutor(config.num_threads(), thread_name_prefix="kerasish-images") as pool:
        yield from pool.map(size, files)


def _common_size(files: list[str], who: str) -> tuple[int, int]:
    first: tuple[int, int] | None = None
    for path, size in zip(files, _sizes(files, who), strict=True):
        first = first or size
        if size != first:
            raise ValueError(
                f"{who}: the images differ in size: {files[0]} is {first[0]}x{first[1]} (height x "
                f"width), {path} is {size[0]}x{size[1]}. Pass image_size=(height, width) to resize "
                "them."
            )
    assert first is not None
    return first
