"""HTML and SVG made by hand: for `callbacks.HTMLReport`, and for objects in notebooks.

Nothing of this imports matplotlib, and nothing that it makes refers to anything outside of itself.
"""
