"""Image files to arrays and back, with Pillow."""

from __future__ import annotations

import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from kerasish import config
from kerasish.data.archives import existing
from kerasish.errors import brief, did_you_mean, warn

CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
_MODES = {"rgb": ("RGB",), "rgba": ("RGBA",), "grayscale": ("L", "I;16", "I")}


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Read an image file as a Pillow image.

    Parameters
    ----------
    path : path or BytesIO
        The file.
    color_mode : {"rgb", "rgba", "grayscale"}
        What it is converted to; grey images of 16 and 32 bits stay what they are.
    target_size : tuple of int, optional
        ``(height, width)`` to resize to.
    interpolation : {"nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"}
        How, in Pillow's meaning: all but "nearest" average when they shrink.
    keep_aspect_ratio : bool
        Cut the largest part of the wanted proportions out of the centre before resizing.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no image, is damaged, or an argument has no such value.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "grey.png")
    ...     save_img(file, np.zeros((4, 6, 1)))
    ...     load_img(file, target_size=(2, 3)).size
    (3, 2)
    """
    check_color_mode(color_mode, "load_img")
    if not isinstance(path, io.BytesIO | str | bytes | os.PathLike):
        raise TypeError(f"load_img: expects a path or io.BytesIO but got {brief(path)}.")
    name = "the image" if isinstance(path, io.BytesIO) else os.fsdecode(path)
    image = _decoded(path, name)
    if image.mode not in _MODES[color_mode]:
        image = image.convert(_MODES[color_mode][0])
    if target_size is None or image.size == (target_size[1], target_size[0]):
        return image
    return _resized(image, target_size, interpolation, keep_aspect_ratio)


def check_color_mode(color_mode: Any, who: str) -> None:
    """Refuse a colour mode that is none."""
    if color_mode not in CHANNELS:
        hint = did_you_mean(color_mode, CHANNELS)
        raise ValueError(
            f"{who}: color_mode must be 'rgb', 'rgba' or 'grayscale' but got {color_mode!r}.{hint}"
        )


def _decoded(path: Any, name: str) -> Any:
    from PIL import Image

    if not isinstance(path, io.BytesIO):
        path = io.BytesIO(existing(name, "load_img").read_bytes())
    try:
        image = Image.open(path)
        image.load()
    except Exception as error:  # decoders raise all sorts of things
        size = path.getbuffer().nbytes
        what = "is empty" if size == 0 else f"cannot be read as an image ({error})"
        raise ValueError(
            f"load_img: {name} {what}. Delete it or get it anew; formats are those of Pillow "
            "(PNG, JPEG, BMP, GIF, TIFF, PPM, WebP, ...)."
        ) from error
    return image


def _resized(image: Any, size: tuple[int, int], interpolation: str, keep: bool) -> Any:
    from PIL.Image import Resampling

    if interpolation not in INTERPOLATIONS:
        hint = did_you_mean(interpolation, INTERPOLATIONS)
        raise ValueError(
            f"load_img: Invalid interpolation method {interpolation!r} specified. Supported "
            f"methods are {', '.join(INTERPOLATIONS)}.{hint}"
        )
    resample = Resampling[interpolation.upper()]
    height, width = size
    if not keep:
        return image.resize((width, height), resample)
    box = centre_box(image.size[1], image.size[0], height, width)
    return image.resize((width, height), resample, box=box)


def centre_box(height: int, width: int, wanted_height: int, wanted_width: int) -> tuple[int, ...]:
    """Return the largest part of the wanted proportions: left, top, right, bottom.

    >>> centre_box(340, 500, 200, 200)
    (80, 0, 420, 340)
    """
    tall = max(1, min(height, width * wanted_height // wanted_width))
    wide = max(1, min(width, height * wanted_width // wanted_height))
    top, left = (height - tall) // 2, (width - wide) // 2
    return left, top, left + wide, top + tall


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """Return a Pillow image as an array (H, W, C), of float32 if no other type is named.

    >>> from PIL import Image
    >>> img_to_array(Image.new("RGB", (3, 2))).shape
    (2, 3, 3)
    """
    first = is_channels_first(data_format, "img_to_array")
    x = np.asarray(img, dtype=dtype or config.floatx())
    if x.ndim == 2:
        x = x[..., np.newaxis]
    if x.ndim != 3:
        raise ValueError(f"img_to_array: Unsupported image shape: {x.shape}. Pass a single image.")
    return x.transpose(2, 0, 1) if first else x


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None
) -> Any:
    """Return an array (H, W, C) as a Pillow image.

    Parameters
    ----------
    x : array-like
        1, 3 or 4 channels.
    data_format : {"channels_last", "channels_first"}, optional
        Order of its axes.
    scale : bool
        Stretch the values so that the least is 0 and the greatest 255. Without it they are cut to
        whole numbers, so they should lie between 0 and 255.
    dtype : dtype, optional
        What to compute in, float32 by default.

    Raises
    ------
    ValueError
        If the array is not one image of 1, 3 or 4 channels.

    Examples
    --------
    >>> array_to_img(np.random.default_rng(0).random((2, 3, 3))).size
    (3, 2)
    """
    from PIL import Image

    first = is_channels_first(data_format, "array_to_img")
    x = np.asarray(x, dtype=dtype or config.floatx())
    if x.ndim != 3:
        raise ValueError(
            f"array_to_img: Expected image array to have rank 3 (single image). Got array with "
            f"shape: {x.shape}. Take one image, x[0], or add an axis for channels, x[..., None]."
        )
    if first:
        x = x.transpose(1, 2, 0)
    if x.shape[2] not in (1, 3, 4):
        raise ValueError(
            f"array_to_img: Unsupported channel number: {x.shape[2]} (shape {x.shape}). Images "
            "have 1, 3 or 4 channels on the last axis; pass data_format='channels_first' if they "
            "are on the first."
        )
    if scale:
        x = x - np.min(x)
        greatest = np.max(x)
        x = x / greatest * 255 if greatest else x
    if x.shape[2] == 1:
        deep = np.max(x) > 255
        return Image.fromarray(x[:, :, 0].astype("int32" if deep else "uint8"))
    return Image.fromarray(x.astype("uint8"))


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array as an image file.

    Parameters
    ----------
    path : path or file object
        The suffix decides on the format.
    x : array-like
        As for `array_to_img`.
    data_format, scale
        As for `array_to_img`.
    file_format : str, optional
        Such as "png"; needed with file objects.
    **kwargs
        For Pillow's `Image.save`.
    """
    if file_format is None and isinstance(path, str | os.PathLike):
        file_format = Path(path).suffix[1:].lower()
    if file_format is not None and file_format.lower() == "jpg":
        file_format = "jpeg"
    image = array_to_img(x, data_format=data_format, scale=scale)
    if image.mode == "RGBA" and file_format == "jpeg":
        warn("The JPEG format does not support RGBA images, converting to RGB.")
        image = image.convert("RGB")
    try:
        image.save(path, format=file_format, **kwargs)
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"save_img: {path} cannot be written as {file_format!r}: {error}. Give it a suffix "
            "such as .png, or pass file_format='png'."
        ) from error


def is_channels_first(data_format: str | None, who: str) -> bool:
    """Whether the channels come first; refuses other words."""
    if data_format not in (None, "channels_last", "channels_first"):
        raise ValueError(
            f"{who}: `data_format` must be 'channels_last' or 'channels_first' but got "
            f"{data_format!r}."
        )
    return data_format == "channels_first"


class ImageFiles:
    """Image files as one array (N, H, W, C) of uint8, decoded when rows are read.

    Parameters
    ----------
    paths : list of path
        The files.
    size : tuple of int
        Height and width that they are resized to.
    color_mode : {"rgb", "rgba", "grayscale"}
        Channels.
    interpolation : str
        As for `load_img`.
    keep_aspect_ratio : bool
        As for `load_img`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_img(Path(folder, "a.png"), np.ones((4, 4, 3)))
    ...     images = ImageFiles([Path(folder, "a.png")] * 3, (2, 2))
    ...     images.shape, images[1:].shape
    ((3, 2, 2, 3), (2, 2, 2, 3))
    """

    dtype: np.dtype = np.dtype("uint8")

    def __init__(
        self,
        paths: list[Any],
        size: tuple[int, int],
        color_mode: str = "rgb",
        interpolation: str = "bilinear",
        keep_aspect_ratio: bool = False,
    ) -> None:
        check_color_mode(color_mode, "ImageFiles")
        self.paths, self.size, self.color_mode = list(paths), size, color_mode
        self.interpolation, self.keep_aspect_ratio = interpolation, keep_aspect_ratio
        self.shape = (len(self.paths), *self.size, CHANNELS[color_mode])

    def __repr__(self) -> str:
        return f"<ImageFiles of shape {self.shape}, {self.dtype}>"

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: Any) -> np.ndarray:
        if isinstance(rows, slice):
            return self.take(np.arange(len(self))[rows])
        return self.take(np.array([range(len(self))[rows]]))[0]

    def take(self, rows: Any) -> np.ndarray:
        """The images of the given rows, in that order, decoded by several threads."""
        images = np.empty((len(rows), *self.shape[1:]), self.dtype)

        def fill(place: int) -> None:
            images[place] = self.decode(self.paths[rows[place]])

        threads = min(config.num_threads(), len(rows))
        if threads < 2:
            for place in range(len(rows)):
                fill(place)
            return images
        with ThreadPoolExecutor(threads, thread_name_prefix="kerasish-images") as pool:
            for _ in pool.map(fill, range(len(rows))):
                pass
        return images

    def decode(self, path: Any) -> np.ndarray:
        """Read one image."""
        image = load_img(
            path, self.color_mode, self.size, self.interpolation, self.keep_aspect_ratio
        )
        if image.mode in ("I", "I;16"):  # 16 bits of grey
            return (
                (np.asarray(image, "float32") / 257)[..., np.newaxis].clip(0, 255).astype("uint8")
            )
        return img_to_array(image, dtype="uint8")
