"""ConfusionMatrix and ClassReport: which classes a validation got right, and which not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish import viz
from kerasish.callbacks.files import path_of, prepared
from kerasish.callbacks.judging import Judging
from kerasish.callbacks.live_screens import FileScreen, NotebookScreen, Screen
from kerasish.display import kernel, say
from kerasish.display.markup import small_table, tag
from kerasish.registry import register
from kerasish.viz.canvas import image_format
from kerasish.viz.confusion import worst_confusions
from kerasish.viz.web.notebook import confusions_html


@register
@dataclass(eq=False, repr=False)
class ConfusionMatrix(Judging):
    """Shows after each validation which class was taken for which.

    In a notebook as a figure that is updated where it stands; with `path` in a file; elsewhere as
    a line with the accuracy and the most frequent confusions. A figure takes some tenths of a
    second: draw fewer of them with `every`.

    Parameters
    ----------
    class_names : list of str, optional
        Names by class number.
    every : int
        Show every so many epochs.
    path : str or PathLike, optional
        A file whose ending says the format; ``{epoch}`` in it is replaced by the epoch, from 1.
    normalize : {"true", "pred", "all"}, optional
        Percentages in place of counts; see `viz.confusion_matrix`.

    Attributes
    ----------
    matrix : array (classes, classes) or None
        Counts of the newest validation; a row is a true class, a column a predicted one.

    Raises
    ------
    ValueError
        When training begins, if there is no validation, the model does not tell classes apart,
        or the names are not as many as the classes.

    Examples
    --------
    >>> import numpy as np
    >>> from kerasish import Sequential, layers
    >>> model = Sequential([layers.Dense(2, activation="softmax", input_shape=(2,))], seed=0)
    >>> _ = model.compile("sgd", "sparse_categorical_crossentropy")
    >>> x, y = np.eye(2)[[0, 1, 1]], np.array([0, 1, 1])
    >>> show = ConfusionMatrix(["cat", "dog"])
    >>> _ = model.fit(x, y, epochs=1, validation_data=(x, y), callbacks=[show], verbose=0)
    Epoch 1: ... of 3 right...
    >>> int(show.matrix.sum())
    3
    """

    class_names: Sequence[str] | None = None
    every: int = 1
    path: Any = None
    normalize: str | None = None

    most_confusions: ClassVar[int] = 3

    def __post_init__(self) -> None:
        super().__init__()
        self._prepare()
        self.figure: Any = None
        self._screens: list[Screen] = []
        if self.normalize not in (None, "true", "pred", "all"):
            raise ValueError(
                f"ConfusionMatrix: `normalize` must be None, 'true', 'pred' or 'all' but got "
                f"{self.normalize!r}."
            )
        if self.path is not None:
            self.path = path_of(self.path, "ConfusionMatrix")

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_screens": [], "figure": None}

    def on_train_begin(self, logs: Any = None) -> None:
        """See that there will be a validation, and that the file can be written."""
        super().on_train_begin(logs)
        self._screens = self._places()

    def _places(self) -> list[Screen]:
        screens: list[Screen] = []
        if kernel() == "notebook":
            screens.append(NotebookScreen(self._draw))
        if self.path is not None:
            image_format(self.path, "ConfusionMatrix")
            prepared(self.path, "ConfusionMatrix")
            screens.append(FileScreen(self._draw, self.path))
        return screens

    def _show(self) -> None:
        screens = self._screens or self._places()
        for screen in screens:
            if isinstance(screen, FileScreen):
                screen.path = self.path.replace("{epoch}", str((self._epoch or 0) + 1))
            if screen.is_open:
                screen.show(None)
        if not screens:
            say(self._when() + self.summary())

    def _draw(self, run: Any, figure: Any) -> Any:
        assert self.matrix is not None
        right, total = np.trace(self.matrix), self.matrix.sum()
        title = f"{self._when()}{right:,} of {total:,} right, {100 * right / max(total, 1):.1f} %"
        self.figure = viz.confusion_matrix(
            self.matrix, None, self.class_names, normalize=self.normalize, title=title
        )
        return self.figure

    def _repr_html_(self) -> str | None:
        """The matrix, for notebooks; None as long as there is none."""
        if self.matrix is None:
            return None
        names = [self._name(number) for number in range(len(self.matrix))]
        return confusions_html(self.matrix, names, self._when())

    def summary(self) -> str:
        """One line: what was right, and the most frequent confusions."""
        if self.matrix is None:
            raise ValueError("ConfusionMatrix: there was no validation yet.")
        right, total = int(np.trace(self.matrix)), int(self.matrix.sum())
        listed = [
            f"{self._name(i)} taken for {self._name(j)} {count:,} times"
            for i, j, count in worst_confusions(self.matrix, self.most_confusions)
        ]
        text = f"{right:,} of {total:,} right ({100 * right / max(total, 1):.1f} %)"
        return "; ".join([text, *listed])


@register
@dataclass(eq=False, repr=False)
class ClassReport(Judging):
    """Prints precision, recall and F1 of each class after each validation.

    Parameters
    ----------
    class_names : list of str, optional
        Names by class number.
    every : int
        Print every so many epochs.
    most : int
        At most so many classes: those of the lowest F1.

    Attributes
    ----------
    matrix : array (classes, classes) or None
        Counts of the newest validation; a row is a true class, a column a predicted one.
    scores : dict of array (classes,)
        ``precision``, ``recall``, ``f1`` and ``support``; 0 where there was nothing to divide.

    Raises
    ------
    ValueError
        When training begins, if there is no validation, the model does not tell classes apart,
        or the names are not as many as the classes.

    Examples
    --------
    >>> import numpy as np
    >>> report = ClassReport(["cat", "dog"])
    >>> report.matrix = np.array([[3, 1], [0, 4]])
    >>> print(report.table())
    class  precision  recall      f1  samples
    cat       1.0000  0.7500  0.8571        4
    dog       0.8000  1.0000  0.8889        4
    mean      0.9000  0.8750  0.8730        8
    """

    class_names: Sequence[str] | None = None
    every: int = 1
    most: int = 20

    def __post_init__(self) -> None:
        super().__init__()
        self._prepare()

    @property
    def scores(self) -> dict[str, np.ndarray]:
        """The scores of each class."""
        if self.matrix is None:
            raise ValueError("ClassReport: there was no validation yet.")
        right = np.diag(self.matrix).astype(float)
        support, taken = self.matrix.sum(axis=1), self.matrix.sum(axis=0)
        return {
            "precision": right / np.maximum(taken, 1),
            "recall": right / np.maximum(support, 1),
            "f1": 2 * right / np.maximum(support + taken, 1),
            "support": support,
        }

    def table(self) -> str:
        """The scores as text, and their mean over the classes."""
        rows, note = self._rows()
        wide = max(len(name) for name in ["class", *(row[0] for row in rows)])
        lines = [f"{'class':<{wide}}  precision  recall      f1  samples"]
        lines += [f"{n:<{wide}}  {p:>9}  {r:>6}  {f:>6}  {s:>7}" for n, p, r, f, s in rows]
        return "\n".join([*lines, *([note] if note else ())])

    def _rows(self) -> tuple[list[list[str]], str]:
        """The cells of the table, and a note where classes are left out."""
        scores = self.scores
        measures, count = ("precision", "recall", "f1"), len(scores["support"])
        listed = np.sort(np.argsort(scores["f1"], kind="stable")[: self.most])
        rows = [
            [
                self._name(int(number)),
                *(f"{scores[key][number]:.4f}" for key in measures),
                f"{int(scores['support'][number]):,}",
            ]
            for number in listed
        ]
        means = [f"{scores[key].mean():.4f}" for key in measures]
        rows.append(["mean", *means, f"{int(scores['support'].sum()):,}"])
        left = f"(the {len(listed)} of {count} classes with the lowest f1)"
        return rows, left if count > len(listed) else ""

    def _repr_html_(self) -> str | None:
        """The scores as a table, for notebooks; None as long as there are none."""
        if self.matrix is None:
            return None
        rows, note = self._rows()
        table = small_table(["class", "precision", "recall", "f1", "samples"], rows)
        return tag("div", table, tag("div", note) if note else None)

    def _show(self) -> None:
        when = self._when()
        say((f"{when.rstrip(': ')}\n" if when else "") + self.table())
