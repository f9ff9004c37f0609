"""A backend of matplotlib for machines without a display: `plt.show()` writes files."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, ClassVar

from matplotlib._pylab_helpers import Gcf
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg


class FigureManager(FigureManagerBase):
    """Shows figures by writing ``figure_1.png``, ``figure_2.png``, ... into one folder."""

    written: ClassVar[int] = 0

    @classmethod
    def pyplot_show(cls, *, block: Any = None) -> None:
        """Write all open figures and close them, as a window is closed after `plt.show()`."""
        folder = Path(os.environ.get("KERASISH_FIGURES", "figures"))
        for manager in Gcf.get_all_fig_managers():
            FigureManager.written += 1
            path = folder / f"figure_{FigureManager.written}.png"
            folder.mkdir(parents=True, exist_ok=True)
            manager.canvas.figure.savefig(path)
            print(f"plt.show(): no display here, so the figure is in {path}", file=sys.stderr)
        Gcf.destroy_all()


class FigureCanvas(FigureCanvasAgg):
    """The canvas that draws into memory."""

    manager_class = FigureManager
