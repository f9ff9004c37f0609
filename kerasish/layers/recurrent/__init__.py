"""Recurrent layers: cells, and the layers that send them over time."""
