"""Initializers without chance: constants, the identity, Fourier kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish import registry
from kerasish.initializers.base import Initializer, Rng, as_initial, as_shape
from kerasish.registry import register


@register("zero")
@dataclass(eq=False, repr=False)
class Zeros(Initializer):
    """All zeros.

    >>> Zeros()((2,))
    Array([0., 0.], dtype=float32)
    """

    def __call__(self, shape: Any, dtype: Any = None, rng: Rng = None) -> np.ndarray:
        """Array of zeros."""
        return as_initial(np.zeros(as_shape(shape)), dtype)


@register("one")
@dataclass(eq=False, repr=False)
class Ones(Initializer):
    """All ones.

    >>> Ones()((2,))
    Array([1., 1.], dtype=float32)
    """

    def __call__(self, shape: Any, dtype: Any = None, rng: Rng = None) -> np.ndarray:
        """Array of ones."""
        return as_initial(np.ones(as_shape(shape)), dtype)


@register()
@dataclass(eq=False, repr=False)
class Constant(Initializer):
    """The same value everywhere; an array is broadcast to the shape.

    >>> Constant(0.5)((2,))
    Array([0.5, 0.5], dtype=float32)
    """

    value: Any = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.value, dict):  # an array as Keras writes it
            self.value = np.asarray(self.value["config"]["value"])

    def __call__(self, shape: Any, dtype: Any = None, rng: Rng = None) -> np.ndarray:
        """Array of `value`."""
        value, shape = np.asarray(self.value), as_shape(shape)
        try:
            return as_initial(np.broadcast_to(value, shape), dtype)
        except ValueError:
            raise ValueError(
                f"Constant holds values of shape {value.shape}, which do not fit a weight of "
                f"shape {shape}. Give a single number, or an array of that shape."
            ) from None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON-able values."""
        if np.ndim(self.value) == 0:
            return {"value": registry.plain(self.value)}
        array = np.asarray(self.value)
        inner = {"value": array.tolist(), "dtype": array.dtype.name}
        return {"value": {"class_name": "__numpy__", "config": inner}}


@register("IdentityInitializer")
@dataclass(eq=False, repr=False)
class Identity(Initializer):
    """`gain` times the identity matrix; for weights with two axes.

    >>> Identity(2.0)((2, 3))
    Array([[2., 0., 0.],
           [0., 2., 0.]], dtype=float32)
    """

    gain: float = 1.0

    def __call__(self, shape: Any, dtype: Any = None, rng: Rng = None) -> np.ndarray:
        """Matrix with `gain` on the diagonal."""
        shape = as_shape(shape)
        if len(shape) != 2:
            raise ValueError(f"Identity makes matrices (rank 2) only, but got shape {shape}.")
        return as_initial(self.gain * np.eye(*shape), dtype)


# Coefficients a of the windows sum_k (-1)**k a[k] cos(2 pi k t / T).
COSINE_WINDOWS = {
    "boxcar": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
}


@register("STFTInitializer")
@dataclass(eq=False, repr=False)
class STFT(Initializer):
    """Convolution kernels (T, 1, F) of the short-term Fourier transform.

    Parameters
    ----------
    side : {"real", "imag"}
        Which part of the complex exponentials.
    window : str, array of length T, or None
        Name of a window; others than the usual ones are taken from scipy, if installed.
    scaling : {"density", "spectrum"} or None
        Divide the windowed kernel by the window's L2 or L1 norm.
    periodic : bool
        Whether the window is one period of a periodic function, or symmetric.

    Examples
    --------
    >>> STFT("real", "hann")((8, 1, 5)).shape
    (8, 1, 5)
    """

    side: str = "real"
    window: Any = "hann"
    scaling: str | None = "density"
    periodic: bool = False

    def __post_init__(self) -> None:
        if self.side not in ("real", "imag"):
            raise ValueError(f"STFT expects `side` to be 'real' or 'imag' but got {self.side!r}.")
        if self.scaling not in (None, "density", "spectrum"):
            raise ValueError(
                f"STFT expects `scaling` to be 'density', 'spectrum' or None but got "
                f"{self.scaling!r}."
            )
        if isinstance(self.window, str):
            _window(self.window, 1, self.periodic)

    def __call__(self, shape: Any, dtype: Any = None, rng: Rng = None) -> np.ndarray:
        """Kernel of shape (T, 1, F) for windows of T steps and F = 1 + fft_length / 2."""
        shape = as_shape(shape)
        if len(shape) != 3:
            raise ValueError(f"STFT makes kernels of shape (T, 1, F) but got shape {shape}.")
        frames, _, bands = shape
        time = np.arange(frames).reshape(-1, 1, 1)
        frequency = np.arange(bands) / max(2 * (bands - 1), 1)
        angle = -2 * np.pi * time * frequency
        kernel = np.cos(angle) if self.side == "real" else np.sin(angle)
        if self.window is not None:
            kernel = kernel * self._scaled_window(frames).reshape(-1, 1, 1)
        return as_initial(kernel, dtype)

    def _scaled_window(self, frames: int) -> np.ndarray:
        if isinstance(self.window, str):
            window = _window(self.window, frames, self.periodic)
        else:
            window = np.asarray(self.window, np.float64)
        if window.shape != (frames,):
            raise ValueError(
                f"STFT has a window of shape {window.shape} for kernels of {frames} steps. Give "
                f"a window of shape ({frames},)."
            )
        if self.scaling is None:
            return window
        return window / np.linalg.norm(window, 2 if self.scaling == "density" else 1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments in Keras's order."""
        config = super().get_config()
        return {key: config[key] for key in ("side", "window", "periodic", "scaling")}


def _window(name: str, length: int, periodic: bool) -> np.ndarray:
    if name in COSINE_WINDOWS:
        if length == 1:
            return np.ones(1)
        phase = 2 * np.pi * np.arange(length) / (length if periodic else length - 1)
        terms = enumerate(COSINE_WINDOWS[name])
        return np.sum([(-1) ** k * a * np.cos(k * phase) for k, a in terms], axis=0)
    try:
        from scipy.signal import get_window
    except ImportError:
        raise ValueError(
            f"STFT knows the windows {', '.join(COSINE_WINDOWS)} but got {name!r}. For others "
            f"run: pip install scipy, or give the window as an array."
        ) from None
    return get_window(name, length, periodic)
