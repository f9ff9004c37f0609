"""`ImageDataGenerator`: which random changes images get, and how their values are scaled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import config
from kerasish.data.images import is_channels_first
from kerasish.errors import brief, warn
from kerasish.preprocessing.image import transforms
from kerasish.preprocessing.image.dataframe import DataFrameIterator
from kerasish.preprocessing.image.directory import DirectoryIterator
from kerasish.preprocessing.image.iterators import NumpyArrayIterator
from kerasish.preprocessing.image.scaling import Scaling

Parameters = dict[str, Any]


class ImageDataGenerator(Scaling):
    """Batches of images that are changed at random and scaled, from arrays or folders.

    Changes are drawn for every image anew; `flow`, `flow_from_directory` and
    `flow_from_dataframe` return what `fit` takes. Values are scaled after the changes.

    Parameters
    ----------
    featurewise_center, featurewise_std_normalization : bool
        Subtract the mean, divide by the standard deviation, of the data that `fit` has seen.
    samplewise_center, samplewise_std_normalization : bool
        The same, of each image.
    zca_whitening, zca_epsilon
        Decorrelate the pixels of the data that `fit` has seen.
    rotation_range : float
        Turn by up to so many degrees.
    width_shift_range, height_shift_range : float, int or list
        Move by up to a fraction of the size (below 1), by up to so many pixels (a float from 1
        on), or by a whole number of pixels below an int, or out of a list, either way.
    brightness_range : tuple of float, optional
        Multiply the brightness; values should be 0 to 255.
    shear_range : float
        Shear by up to so many degrees.
    zoom_range : float or tuple of float
        Zoom by factors from ``1 - zoom_range`` to ``1 + zoom_range``, or from a range.
    channel_shift_range : float
        Add up to so much to all values.
    fill_mode : {"nearest", "constant", "reflect", "wrap"}
        What comes from beyond the border.
    cval : float
        Its value, with "constant".
    horizontal_flip, vertical_flip : bool
        Mirror half of the images.
    rescale : float, optional
        Factor of all values, such as ``1 / 255``.
    preprocessing_function : callable, optional
        Applied to each image (H, W, C) after the changes, before scaling.
    data_format : {"channels_last", "channels_first"}, optional
        Order of the axes.
    validation_split : float
        Share for ``subset="validation"``: the first files of each class, or the first rows.
    interpolation_order : {1, 0}
        Linear interpolation or the nearest pixel.
    dtype : str, optional
        Of the batches, float32 by default.

    Raises
    ------
    ValueError
        If an argument has no such value.

    Examples
    --------
    >>> x, y = np.ones((8, 6, 6, 3), "uint8"), np.arange(8)
    >>> augmenting = ImageDataGenerator(rotation_range=20, horizontal_flip=True, rescale=1 / 255)
    >>> batches = augmenting.flow(x, y, batch_size=4, seed=0)
    >>> len(batches), batches[0][0].shape
    (2, (4, 6, 6, 3))
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Any = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[..., Any] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: Any = None,
    ) -> None:
        transforms.check_fill(fill_mode, interpolation_order, "ImageDataGenerator")
        first = is_channels_first(data_format, "ImageDataGenerator")
        self.data_format = "channels_first" if first else "channels_last"
        self.channel_axis, self.row_axis, self.col_axis = (1, 2, 3) if first else (3, 1, 2)
        self.featurewise_center = featurewise_center
        self.samplewise_center = samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.brightness_range = brightness_range
        self.zoom_range = _zoom(zoom_range)
        self.channel_shift_range = channel_shift_range
        self.fill_mode, self.cval = fill_mode, cval
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.interpolation_order = interpolation_order
        self.dtype = dtype or config.floatx()
        self._rng: np.random.Generator | None = None
        self._warned: set[str] = set()
        if validation_split and not 0 < validation_split < 1:
            raise ValueError(
                "ImageDataGenerator: `validation_split` must be strictly between 0 and 1 but got "
                f"{validation_split}."
            )
        self._validation_split = validation_split
        if brightness_range is not None:
            transforms._pair(brightness_range, "ImageDataGenerator", "brightness_range")
        if zca_whitening:
            self._needs("featurewise_center", "zca_whitening")
            self.featurewise_std_normalization = False
        if self.featurewise_std_normalization:
            self._needs("featurewise_center", "featurewise_std_normalization")
        if samplewise_std_normalization:
            self._needs("samplewise_center", "samplewise_std_normalization")

    def _needs(self, other: str, name: str) -> None:
        if not getattr(self, other):
            setattr(self, other, True)
            warn(
                f"This ImageDataGenerator specifies `{name}`, which overrides setting of "
                f"`{other}`: it is True."
            )

    # --- where the images come from ------------------------------------------------------------

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: str | None = None,
    ) -> NumpyArrayIterator:
        """Return batches of images (N, H, W, C) in memory, with targets if `y` is given."""
        return NumpyArrayIterator(
            x,
            y,
            self,
            batch_size=batch_size,
            shuffle=shuffle,
            sample_weight=sample_weight,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            ignore_class_split=ignore_class_split,
            subset=subset,
            dtype=self.dtype,
        )

    def flow_from_directory(
        self,
        directory: Any,
        target_size: Any = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:
        """Return batches of images in folders, each class a folder; see `DirectoryIterator`."""
        return DirectoryIterator(
            directory,
            self,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            follow_links=follow_links,
            subset=subset,
            interpolation=interpolation,
            keep_aspect_ratio=keep_aspect_ratio,
            dtype=self.dtype,
        )

    def flow_from_dataframe(
        self,
        dataframe: Any,
        directory: Any = None,
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
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        validate_filenames: bool = True,
        **kwargs: Any,
    ) -> DataFrameIterator:
        """Return batches of images that a DataFrame lists; see `DataFrameIterator`."""
        unknown = set(kwargs) - {"has_ext", "sort", "drop_duplicates"}  # of older versions
        if unknown:
            raise TypeError(f"flow_from_dataframe() got unexpected arguments: {sorted(unknown)}")
        return DataFrameIterator(
            dataframe,
            directory,
            self,
            x_col=x_col,
            y_col=y_col,
            weight_col=weight_col,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode="raw" if class_mode == "other" else class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            interpolation=interpolation,
            dtype=self.dtype,
            validate_filenames=validate_filenames,
        )

    # --- what is done to them -------------------------------------------------------------------

    def get_random_transform(self, img_shape: tuple[int, ...], seed: Any = None) -> Parameters:
        """Draw what `apply_transform` does: angles, shifts, zooms, flips, brightness."""
        rng = self._generator(seed)
        low, high = self.zoom_range
        height, width = img_shape[self.row_axis - 1], img_shape[self.col_axis - 1]
        turn, shear, shift = self.rotation_range, self.shear_range, self.channel_shift_range
        theta = rng.uniform(-turn, turn) if turn else 0
        tx = _shift(self.width_shift_range, width, rng)
        ty = _shift(self.height_shift_range, height, rng)
        slant = rng.uniform(-shear, shear) if shear else 0
        zx, zy = (1, 1) if low == high == 1 else rng.uniform(low, high, 2)
        flips = rng.random(2) < 0.5
        return {
            "theta": theta,
            "tx": tx,
            "ty": ty,
            "shear": slant,
            "zx": zx,
            "zy": zy,
            "flip_horizontal": bool(flips[0] and self.horizontal_flip),
            "flip_vertical": bool(flips[1] and self.vertical_flip),
            "channel_shift_intensity": rng.uniform(-shift, shift) if shift else None,
            "brightness": rng.uniform(*self.brightness_range) if self.brightness_range else None,
        }

    def _generator(self, seed: Any) -> np.random.Generator:
        if seed is not None:
            return transforms.generator_of(seed)
        if self._rng is None:
            self._rng = transforms.generator_of()
        return self._rng

    def apply_transform(self, x: Any, transform_parameters: Parameters) -> np.ndarray:
        """Change one image (H, W, C) as the parameters say; what they do not name stays."""
        return self.apply_transforms(np.asarray(x)[np.newaxis], [transform_parameters])[0]

    def apply_transforms(self, x: np.ndarray, parameters: list[Parameters]) -> np.ndarray:
        """Change the images of a batch (N, H, W, C), each by its own parameters."""
        if x.dtype.kind != "f":
            x = x.astype(self.dtype)
        images = np.moveaxis(x, self.channel_axis, 3)
        images = self._move(images, parameters)
        for i, p in enumerate(parameters):
            image = images[i]
            if p.get("channel_shift_intensity") is not None:
                image = transforms.apply_channel_shift(image, p["channel_shift_intensity"], 2)
            if p.get("flip_horizontal"):
                image = image[:, ::-1]
            if p.get("flip_vertical"):
                image = image[::-1]
            if p.get("brightness") is not None:
                image = transforms.apply_brightness_shift(image, p["brightness"], False)
            images[i] = image if image.base is None else image.copy()
        return np.ascontiguousarray(np.moveaxis(images, 3, self.channel_axis))

    def _move(self, images: np.ndarray, parameters: list[Parameters]) -> np.ndarray:
        """Turn, move, shear and zoom those images that need it; returns a new array."""
        names = {"theta": 0, "tx": 0, "ty": 0, "shear": 0, "zx": 1, "zy": 1}
        values = [[p.get(name, still) for name, still in names.items()] for p in parameters]
        moved = [i for i, v in enumerate(values) if v != list(names.values())]
        found = images.copy(order="C")
        if moved:
            size = images.shape[1:3]
            matrices = np.stack([transforms.affine_matrix(*values[i], *size) for i in moved])
            how = (self.fill_mode, self.cval, self.interpolation_order)
            found[moved] = transforms.read_affine(found[moved], matrices, *how)
        return found

    def random_transform(self, x: Any, seed: Any = None) -> np.ndarray:
        """Change one image at random."""
        return self.apply_transform(x, self.get_random_transform(np.shape(x), seed))


def _zoom(value: Any) -> list[float]:
    if isinstance(value, int | float):
        return [1 - value, 1 + value]
    if isinstance(value, tuple | list) and len(value) == 2:
        return [float(value[0]), float(value[1])]
    raise ValueError(
        f"ImageDataGenerator: `zoom_range` should be a float or a tuple or list of two floats but "
        f"got {brief(value)}. Write 0.2, or (0.8, 1.2)."
    )


def _shift(span: Any, size: int, rng: np.random.Generator) -> float:
    """Pixels to move by: see `width_shift_range`."""
    if isinstance(span, int | np.integer):
        return float(rng.integers(span) * rng.choice([-1, 1])) if span else 0.0
    if np.ndim(span):
        pixels = float(rng.choice(span) * rng.choice([-1, 1]))
        return pixels * size if np.max(span) < 1 else pixels
    return float(rng.uniform(-span, span)) * (size if span < 1 else 1) if span else 0.0
