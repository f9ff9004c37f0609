"""Images from arrays and folders, augmented on the way: `ImageDataGenerator`."""

from kerasish.data.image_dataset import image_dataset_from_directory, smart_resize
from kerasish.data.images import array_to_img, img_to_array, load_img, save_img
from kerasish.preprocessing.image.dataframe import DataFrameIterator
from kerasish.preprocessing.image.directory import DirectoryIterator
from kerasish.preprocessing.image.generator import ImageDataGenerator
from kerasish.preprocessing.image.iterators import Iterator, NumpyArrayIterator
from kerasish.preprocessing.image.transforms import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    random_brightness,
    random_channel_shift,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
)

__all__ = [
    "DataFrameIterator",
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "NumpyArrayIterator",
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "array_to_img",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
    "save_img",
    "smart_resize",
]
