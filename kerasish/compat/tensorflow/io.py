"""``tf.io``: files, as Python has them."""

import os
from pathlib import Path
from typing import Any


def read_file(filename: Any, name: Any = None) -> bytes:
    """The bytes of a file."""
    return Path(filename).read_bytes()


class gfile:
    """``tf.io.gfile``."""

    GFile = staticmethod(open)
    exists, isdir, listdir = os.path.exists, os.path.isdir, os.listdir
    remove = staticmethod(os.remove)

    @staticmethod
    def makedirs(path: Any) -> None:
        """Make a folder and those above it."""
        os.makedirs(path, exist_ok=True)
