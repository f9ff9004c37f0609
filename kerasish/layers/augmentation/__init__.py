"""Layers that prepare and vary images: resizing, cropping, and random changes in training."""
