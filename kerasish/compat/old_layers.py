"""Layers as scripts for Keras 1 and 2 call them; only scripts run through `compat` see these."""

from __future__ import annotations

from typing import Any

from kerasish import layers, registry


def _old_convolution(cls: Any, rank: int) -> Any:
    """`cls` with Keras 1's positional arguments: ``(filters, rows, columns)`` for a kernel."""

    def convolution(filters: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Make the layer; further whole numbers are the sizes of the kernel, one an axis."""
        given = [kwargs.pop(k) for k in ("nb_row", "nb_col", "filter_length") if k in kwargs]
        sizes, rest = list(args[:rank]), args[rank:]
        if len(sizes) == rank and all(isinstance(n, int) for n in sizes):
            given = sizes
        else:
            rest = args
        filters = kwargs.pop("nb_filter", filters)
        if given:
            return cls(filters, tuple(given), *rest, **kwargs)
        return cls(filters, *rest, **kwargs)

    convolution.__name__ = convolution.__qualname__ = f"Convolution{rank}D"
    return convolution


Convolution1D = layers.Convolution1D
Convolution2D = _old_convolution(layers.Conv2D, 2)
Convolution3D = _old_convolution(layers.Conv3D, 3)


class InputSpec:
    """What a layer says of its inputs in Keras; layers here check their inputs by themselves."""

    def __init__(
        self, dtype: Any = None, shape: Any = None, ndim: Any = None, max_ndim: Any = None,
        min_ndim: Any = None, axes: Any = None, allow_last_axis_squeeze: bool = False,
        name: Any = None, optional: bool = False,
    ) -> None:  # fmt: skip
        self.dtype, self.shape, self.ndim = dtype, shape, ndim
        self.max_ndim, self.min_ndim, self.axes = max_ndim, min_ndim, axes


def AtrousConvolution2D(*args: Any, atrous_rate: Any = (1, 1), **kwargs: Any) -> Any:
    """Keras 1's name of a dilated convolution."""
    return Convolution2D(*args, dilation_rate=atrous_rate, **kwargs)


def TimeDistributedDense(output_dim: int, **kwargs: Any) -> Any:
    """Keras 1's name of a Dense layer on every time step."""
    return layers.Dense(output_dim, **kwargs)


def CuDNNLSTM(units: int, **kwargs: Any) -> Any:
    """The LSTM; there is no graphics card that it would have to be told about."""
    return registry.lookup("layer", "LSTM")(units, **kwargs)


def CuDNNGRU(units: int, **kwargs: Any) -> Any:
    """The GRU as Keras's CuDNN version computes it, with ``reset_after=True``."""
    return registry.lookup("layer", "GRU")(units, **kwargs)


__all__ = [
    "AtrousConvolution2D",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "CuDNNGRU",
    "CuDNNLSTM",
    "InputSpec",
    "TimeDistributedDense",
]
