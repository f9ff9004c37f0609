"""Pictures of training and data; every function returns a matplotlib Figure and shows nothing.

The figures belong to no window and to no pyplot state: they work without a display, need no
closing, and appear by themselves as the last line of a notebook cell. Save one with
``figure.savefig("name.png")``, or draw into one of your own with ``figure=plt.figure()``.
"""

from kerasish.viz.canvas import new_figure, save_figure
from kerasish.viz.comparison import compare_runs
from kerasish.viz.confusion import confusion_matrix
from kerasish.viz.diagram import plot_model
from kerasish.viz.distribution import class_distribution
from kerasish.viz.history import plot_history
from kerasish.viz.images import image_grid
from kerasish.viz.kernels import filters
from kerasish.viz.learning_rates import plot_learning_rates
from kerasish.viz.outputs import activations
from kerasish.viz.run_files import RunRecord, read_run
from kerasish.viz.timings import plot_timings

__all__ = [
    "RunRecord",
    "activations",
    "class_distribution",
    "compare_runs",
    "confusion_matrix",
    "filters",
    "image_grid",
    "new_figure",
    "plot_history",
    "plot_learning_rates",
    "plot_model",
    "plot_timings",
    "read_run",
    "save_figure",
]
