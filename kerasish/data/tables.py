"""Tables of numbers in CSV files."""

from __future__ import annotations

import contextlib
import csv
import gzip
import math
import zlib
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kerasish.data.archives import existing
from kerasish.errors import did_you_mean


class Table(NamedTuple):
    """A table as arrays.

    Attributes
    ----------
    x : ndarray of float32, shape (n, columns)
        The features.
    y : ndarray or None, shape (n,) or (n, targets)
        The targets: float32, or class numbers (int64) where the column holds text.
    columns : list of str
        Names of the features.
    class_names : list of str or None
        The text that each class number stands for, in alphabetical order.
    """

    x: np.ndarray
    y: np.ndarray | None
    columns: list[str]
    class_names: list[str] | None


def from_csv(
    path: Any,
    target: str | int | Sequence[str | int] | None = None,
    columns: Sequence[str | int] | None = None,
    *,
    delimiter: str = ",",
    header: bool | None = None,
    missing: float | None = None,
    encoding: str = "utf-8-sig",
) -> Table:
    """Read a table of numbers.

    Parameters
    ----------
    path : path
        The file; one that ends in .gz is decompressed.
    target : str, int or list, optional
        Column or columns of the targets, by name or place (-1 is the last). A single one may hold
        text, which is numbered.
    columns : list, optional
        Columns of the features; all others than `target` if not given.
    delimiter : str
        Between the fields of a line.
    header : bool, optional
        Whether the first line has names. Found out if not given: it has, if none of its fields
        is a number.
    missing : float, optional
        What an empty field, NA, NaN, null or ? becomes; without it such a field is an error.
    encoding : str
        Of the text.

    Returns
    -------
    Table
        ``(x, y, columns, class_names)``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a column is unknown or a field is no number; the message names line and column.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "iris.csv")
    ...     _ = file.write_text("length,width,kind\\n5.1,3.5,setosa\\n6.2,2.9,virginica\\n")
    ...     table = from_csv(file, target="kind")
    >>> table.x.shape, table.y.tolist(), table.class_names
    ((2, 2), [0, 1], ['setosa', 'virginica'])
    """
    file = existing(path, "from_csv")
    with _text_of(file, encoding) as text:
        names = [name.strip() for name in next(csv.reader(text, delimiter=delimiter), [])]
    if not names:
        raise ValueError(f"from_csv: {file} is empty. It needs at least one line of numbers.")
    has_names = not any(map(_is_number, names)) if header is None else header
    if not has_names:
        names = [f"column {i}" for i in range(len(names))]
    targets = [] if target is None else _places(_listed(target), names, file, "target")
    if columns is None:
        features = [i for i in range(len(names)) if i not in targets]
    else:
        features = _places(columns, names, file, "columns")
    if not features:
        raise ValueError(
            f"from_csv: no column of {file} is left for x: it has {', '.join(names)}. Divide its "
            "fields by delimiter=, or name fewer targets."
        )
    parser = _Parser(file, names, missing)
    x, y = array("f"), array("d")
    classes: list[str] = []
    single = isinstance(target, str | int)
    with _text_of(file, encoding) as text:
        reader = csv.reader(text, delimiter=delimiter)
        if has_names:
            next(reader)
        for row in reader:
            if not row:
                continue
            if len(row) != len(names):
                raise ValueError(
                    f"from_csv: line {reader.line_num} of {file} has {len(row)} fields, but the "
                    f"first line has {len(names)}. Mend the line, or pass delimiter= if fields "
                    f"are not divided by {delimiter!r}."
                )
            x.extend(parser.numbers(row, features, reader.line_num))
            if single and not y and (classes or _is_text(row[targets[0]])):
                classes.append(row[targets[0]].strip())
            else:
                y.extend(parser.numbers(row, targets, reader.line_num))
    rows = len(classes) or len(y) // max(1, len(targets)) or len(x) // max(1, len(features))
    if not rows:
        raise ValueError(f"from_csv: {file} has no line of data, only names.")
    found = np.frombuffer(x, "float32").reshape(rows, len(features))
    numbers, class_names = _targets(y, classes, rows, single)
    return Table(found, numbers, [names[i] for i in features], class_names)


def _listed(value: Any) -> Sequence[Any]:
    return [value] if isinstance(value, str | int) else list(value)


@contextlib.contextmanager
def _text_of(file: Path, encoding: str) -> Any:
    opens: Any = gzip.open if file.suffix == ".gz" else open
    try:
        with opens(file, "rt", encoding=encoding, newline="") as text:
            yield text
    except UnicodeDecodeError as error:
        raise ValueError(
            f"from_csv: {file} is not text in {encoding} (byte {error.start}). Pass the encoding, "
            "such as encoding='latin-1', or check that it is a CSV file."
        ) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"from_csv: {file} is damaged: {error}. Get it anew.") from error


def _places(wanted: Sequence[Any], names: list[str], file: Path, argument: str) -> list[int]:
    """Columns by name or number to their places."""
    found = []
    for name in wanted:
        if isinstance(name, str) and name in names:
            found.append(names.index(name))
        elif isinstance(name, int) and -len(names) <= name < len(names):
            found.append(name % len(names))
        else:
            raise ValueError(
                f"from_csv: `{argument}` names the column {name!r}, which {file} does not have."
                f"{did_you_mean(name, names)} It has {len(names)}: {', '.join(names[:20])}"
                f"{', ...' if len(names) > 20 else ''}."
            )
    return found


_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})


def _is_number(text: str) -> bool:
    try:
        return not math.isnan(float(text))
    except ValueError:
        return False


def _is_text(field: str) -> bool:
    return not _is_number(field) and field.strip().lower() not in _MISSING


class _Parser:
    """Turns fields of a line into numbers."""

    def __init__(self, file: Path, names: list[str], missing: float | None) -> None:
        self.file, self.names, self.missing = file, names, missing

    def numbers(self, row: list[str], places: list[int], line: int) -> list[float]:
        try:
            values = [float(row[i]) for i in places]
        except ValueError:
            return [self._number(row[i], i, line) for i in places]
        if any(map(math.isnan, values)):
            return [self._number(row[i], i, line) for i in places]
        return values

    def _number(self, field: str, place: int, line: int) -> float:
        where = f"from_csv: line {line} of {self.file}"
        if field.strip().lower() in _MISSING:
            if self.missing is None:
                raise ValueError(
                    f"{where} has no value ({field!r}) in column {self.names[place]!r}. Drop or "
                    "fill such rows, or pass missing=0.0."
                )
            return float(self.missing)
        try:
            return float(field)
        except ValueError:
            raise ValueError(
                f"{where} has {field!r} in column {self.names[place]!r}, which is no number. Leave "
                "the column out (columns=[...]), number its values first, or pass it as `target` "
                "if it is the class."
            ) from None


def _targets(
    values: array, names: list[str], rows: int, single: bool
) -> tuple[np.ndarray | None, list[str] | None]:
    """Targets as numbers, or a column of text as class numbers with their names."""
    if names:
        classes, numbers = np.unique(names, return_inverse=True)
        return numbers.reshape(-1).astype("int64"), [str(name) for name in classes]
    if not values:
        return None, None
    y = np.frombuffer(values, "float64")
    y = y.astype("int64" if (y == np.round(y)).all() else "float32")
    return (y if single else y.reshape(rows, -1)), None
