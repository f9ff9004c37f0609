"""What scripts use around training: one-hot targets, datasets of one's own, custom objects."""

from kerasish.config import set_random_seed
from kerasish.data.dataset import (
    PyDataset,
    Sequence,
    pack_x_y_sample_weight,
    unpack_x_y_sample_weight,
)
from kerasish.data.image_dataset import image_dataset_from_directory
from kerasish.data.images import array_to_img, img_to_array, load_img, save_img
from kerasish.data.partition import split_dataset
from kerasish.registry import clear_names as clear_session
from kerasish.utils.files import get_file
from kerasish.utils.model_plot import plot_model
from kerasish.utils.numerical import normalize, standardize_dtype, to_categorical
from kerasish.utils.objects import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from kerasish.utils.sequences import pad_sequences, timeseries_dataset_from_array

__all__ = [
    "CustomObjectScope",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
