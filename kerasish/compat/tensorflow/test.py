"""``tf.test``: there is no graphics card."""

from typing import Any


def is_gpu_available(*args: Any, **kwargs: Any) -> bool:
    """False."""
    return False


def gpu_device_name() -> str:
    """An empty name."""
    return ""


def is_built_with_cuda() -> bool:
    """False."""
    return False


is_built_with_gpu_support = is_built_with_cuda
