"""``tf.config``: what there is to compute with, and settings without an effect."""

from typing import Any, NamedTuple


class PhysicalDevice(NamedTuple):
    """A device: the processor is the only one."""

    name: str
    device_type: str


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The processor; no graphics card."""
    cpu = PhysicalDevice("/physical_device:CPU:0", "CPU")
    return [cpu] if device_type in (None, "CPU") else []


list_logical_devices = get_visible_devices = list_physical_devices


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Nothing."""


def run_functions_eagerly(run_eagerly: bool) -> None:
    """Nothing: everything is computed at once."""


def set_soft_device_placement(enabled: bool) -> None:
    """Nothing."""


class experimental:
    """``tf.config.experimental``."""

    list_physical_devices = list_logical_devices = staticmethod(list_physical_devices)
    set_visible_devices = staticmethod(set_visible_devices)
    get_visible_devices = staticmethod(list_physical_devices)

    @staticmethod
    def set_memory_growth(device: Any, enable: bool) -> None:
        """Nothing: there is no graphics card whose memory could grow."""

    @staticmethod
    def set_virtual_device_configuration(device: Any, configuration: Any) -> None:
        """Nothing."""


class threading:
    """``tf.config.threading``."""

    @staticmethod
    def set_intra_op_parallelism_threads(num_threads: int) -> None:
        """The number of threads that a batch is shared among; 0 leaves it as it is."""
        from kerasish.config import set_num_threads

        if num_threads:
            set_num_threads(num_threads)

    @staticmethod
    def set_inter_op_parallelism_threads(num_threads: int) -> None:
        """Nothing: there is one level of parallelism."""


class optimizer:
    """``tf.config.optimizer``."""

    @staticmethod
    def set_jit(enabled: Any) -> None:
        """Nothing."""
