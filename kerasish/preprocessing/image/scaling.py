"""Scaling the values of images by numbers, by themselves, or by what was learnt from a sample."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.errors import warn


class Scaling:
    """The part of `ImageDataGenerator` that scales values, once images have been changed."""

    dtype: Any
    channel_axis: int
    row_axis: int
    col_axis: int
    data_format: str
    rescale: float | None
    preprocessing_function: Callable[..., Any] | None
    samplewise_center: bool
    samplewise_std_normalization: bool
    featurewise_center: bool
    featurewise_std_normalization: bool
    zca_whitening: bool
    zca_epsilon: float
    mean: np.ndarray | None = None
    std: np.ndarray | None = None
    zca_whitening_matrix: np.ndarray | None = None
    random_transform: Callable[..., np.ndarray]
    _generator: Callable[..., np.random.Generator]
    _warned: set[str]

    def standardize(self, x: Any) -> np.ndarray:
        """Return one image, or a batch of them, scaled; see the class for how."""
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        x = np.asarray(x)
        x = x if x.dtype.kind == "f" else x.astype(self.dtype)
        if self.rescale:
            x = x * x.dtype.type(self.rescale)
        if self.samplewise_center:
            x = x - np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x = x / (np.std(x, keepdims=True) + x.dtype.type(1e-6))
        if self.featurewise_center and self._fitted("featurewise_center", self.mean):
            x = x - self.mean
        name = "featurewise_std_normalization"
        if self.featurewise_std_normalization and self._fitted(name, self.std):
            x = x / (self.std + x.dtype.type(1e-6))
        if self.zca_whitening and self._fitted("zca_whitening", self.zca_whitening_matrix):
            flat = x.reshape(-1, math.prod(x.shape[-3:]))
            x = (flat @ self.zca_whitening_matrix).reshape(x.shape)
        return x

    def _fitted(self, name: str, value: Any) -> bool:
        if value is None and name not in self._warned:
            self._warned.add(name)
            warn(
                f"This ImageDataGenerator specifies `{name}`, but it hasn't been fit on any "
                "training data. Fit it first by calling `.fit(numpy_data)`."
            )
        return value is not None

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: Any = None) -> None:
        """Learn mean, deviation and correlation of pixels from images (N, H, W, C).

        Parameters
        ----------
        x : array-like
            Sample images.
        augment : bool
            Whether to change them at random first, `rounds` times each.
        rounds : int
            See above.
        seed : int, optional
            Of these changes.
        """
        x = np.array(x, dtype=self.dtype)
        if x.ndim != 4:
            raise ValueError(
                f"ImageDataGenerator.fit: Input to `.fit()` should have rank 4, (N, H, W, C). Got "
                f"array with shape: {x.shape}. Add an axis for channels: x[..., None]."
            )
        if x.shape[self.channel_axis] not in (1, 3, 4):
            warn(
                f"ImageDataGenerator.fit: expected images with 1, 3 or 4 channels on axis "
                f"{self.channel_axis} ({self.data_format}) but got shape {x.shape}."
            )
        if self.rescale:
            x *= self.rescale
        if augment:
            rng = self._generator(seed)
            x = np.concatenate(
                [
                    np.stack([self.random_transform(image, rng) for image in x])
                    for _ in range(rounds)
                ]
            )
        axes, shape = (0, self.row_axis, self.col_axis), [1, 1, 1]
        shape[self.channel_axis - 1] = x.shape[self.channel_axis]
        if self.featurewise_center:
            self.mean = np.mean(x, axis=axes).reshape(shape)
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(x, axis=axes).reshape(shape)
            x /= self.std + 1e-6
        if self.zca_whitening:
            flat = x.reshape(len(x), -1)
            u, s, _ = np.linalg.svd(flat.T, full_matrices=False)
            scale = np.sqrt(len(x)) / (s + self.zca_epsilon)
            self.zca_whitening_matrix = ((u * scale) @ u.T).astype(self.dtype)
