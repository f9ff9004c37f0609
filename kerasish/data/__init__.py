"""Batches from arrays, files, generators and datasets; splitting off validation rows."""

from kerasish.data.base import Batch, Batches
from kerasish.data.dispatch import batches
from kerasish.data.splitting import split

__all__ = ["Batch", "Batches", "batches", "split"]
