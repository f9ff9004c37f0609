"""Event files of TensorBoard, written with the parts of its package that need no TensorFlow."""

from __future__ import annotations

import importlib.util
import io
import time
from typing import Any

import numpy as np

BUCKETS = 30  # of a histogram


def check_installed() -> None:
    """Raise an error that says what to install, unless TensorBoard is there."""
    if importlib.util.find_spec("tensorboard") is None:
        raise ModuleNotFoundError(
            "The callback TensorBoard needs the package tensorboard, which is not installed. Run: "
            'pip install "kerasish[tensorboard]"',
            name="tensorboard",
        )


class EventFile:
    """One event file in a folder; it appears with the first entry.

    Parameters
    ----------
    folder : str
        Made if it is not there.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._writer: Any = None

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """Write a number."""
        from tensorboard.plugins.scalar.metadata import create_summary_metadata

        array = np.asarray(value, np.float32)
        self._write(tag, array, create_summary_metadata(display_name=None, description=None), step)

    def histogram(self, tag: str, values: np.ndarray, step: int) -> None:
        """Write how an array's values are distributed; NaN and infinity are left out."""
        from tensorboard.plugins.histogram.metadata import create_summary_metadata

        finite = values[np.isfinite(values)].astype(np.float64)
        buckets = np.zeros((BUCKETS, 3))
        if finite.size:
            counts, edges = np.histogram(finite, BUCKETS)
            buckets = np.stack([edges[:-1], edges[1:], counts], axis=1)
        metadata = create_summary_metadata(display_name=None, description=None)
        self._write(tag, buckets, metadata, step)

    def images(self, tag: str, images: np.ndarray, step: int) -> None:
        """Write grey or colour images, uint8 of shape (N, H, W, 1, 3 or 4)."""
        from tensorboard.plugins.image.metadata import create_summary_metadata

        high, wide = images.shape[1:3]
        parts = [str(wide).encode(), str(high).encode(), *(_png(image) for image in images)]
        metadata = create_summary_metadata(display_name=None, description=None)
        self._write(tag, np.array(parts, object), metadata, step)

    def graph(self, config: str) -> None:
        """Write a model's JSON text, of which TensorBoard draws the graph of the layers."""
        from tensorboard.compat.proto.summary_pb2 import SummaryMetadata

        metadata = SummaryMetadata()
        metadata.plugin_data.plugin_name = "graph_keras_model"
        metadata.plugin_data.content = b"1"
        self._write("keras", np.array(config.encode(), object), metadata, 0)

    def flush(self) -> None:
        """Bring what was written to the disk."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Close the file; a later entry opens another one."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None

    def open(self) -> None:
        """Make the file: an error comes now if that cannot be done."""
        if self._writer is None:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter

            self._writer = EventFileWriter(self.folder)

    def _write(self, tag: str, values: np.ndarray, metadata: Any, step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.util.tensor_util import make_tensor_proto

        self.open()
        summary = Summary()
        summary.value.add(tag=tag, metadata=metadata, tensor=make_tensor_proto(values))
        self._writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))


def _png(image: np.ndarray) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, "png")
    return file.getvalue()


def as_images(weight: np.ndarray) -> np.ndarray | None:
    """Return a weight as up to three images, from its lowest value to its highest.

    Vectors are a line, matrices lie on their side, kernels of three axes are an image for each
    of the last; what has more axes is an image only if the last says grey or colour.

    >>> as_images(np.arange(6.0).reshape(3, 2)).shape
    (1, 2, 3, 1)
    """
    values = np.squeeze(weight)
    if values.ndim == 1:
        values = values[None, :, None, None]
    elif values.ndim == 2:
        values = (values.T if values.shape[0] > values.shape[1] else values)[None, ..., None]
    elif values.ndim == 3:
        values = values.transpose(2, 0, 1)[..., None]
    if values.ndim != 4 or values.shape[-1] not in (1, 3, 4):
        return None
    values = np.nan_to_num(values[:3].astype(np.float64))
    low, high = values.min(), values.max()
    return np.round(255 * (values - low) / ((high - low) or 1)).astype(np.uint8)
