"""Pictures of training and data; every function returns a matplotlib Figure and shows nothing.

The figures belong to no window and to no pyplot state: they work without a display, need no
closing, and appear by themselves as the last line of a notebook cell. Save one with
``figure.savefig("name.png")``, or draw into one of your own with ``figure=plt.figure()``.
"""

from kerasish.viz.canvas import new_figure
from kerasish.viz.history import plot_history
from kerasish.viz.images import image_grid

__all__ = ["image_grid", "new_figure", "plot_history"]
