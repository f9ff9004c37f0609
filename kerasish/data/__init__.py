"""Batches from arrays, files, generators and datasets; dividing rows for training and judging."""

from kerasish.data.archives import from_hdf5, from_npz
from kerasish.data.base import Batch, Batches
from kerasish.data.dispatch import batches
from kerasish.data.folders import from_image_folder
from kerasish.data.loader import DataLoader
from kerasish.data.partition import train_test_split, train_val_split
from kerasish.data.splitting import split
from kerasish.data.tables import from_csv

__all__ = [
    "Batch",
    "Batches",
    "DataLoader",
    "batches",
    "from_csv",
    "from_hdf5",
    "from_image_folder",
    "from_npz",
    "split",
    "train_test_split",
    "train_val_split",
]
