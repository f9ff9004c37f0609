"""HDF5 as Keras lays it out: attributes, lists of names, datasets; checked where it is read.

Reading goes through a `Tree`, which refuses whatever could reach out of the file or claims more
memory than the file can hold. `MemoryTree` has the same content as plain arrays: it is what the
child process of `kerasish.saving.untrusted` hands over.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from kerasish.saving.limits import FileError, Limits

HEADER_LIMIT = 64512
SIGNATURE = b"\x89HDF\r\n\x1a\n"
MOST_PARTS = 64
_FILTERS = {1, 2, 3}  # gzip, shuffle, checksum: built in, so that no plugin is ever loaded


class Tree(Protocol):
    """A read-only tree of groups, attributes and datasets; places are paths such as ``"a/b"``."""

    path: str
    most: int
    """How many bytes may be read from it in all."""

    def attributes(self, place: str) -> list[str]:
        """Names of a group's attributes; none where there is no such group."""

    def attribute(self, place: str, name: str) -> Any:
        """An attribute: text, a list of texts, or None where it is missing."""

    def members(self, place: str) -> dict[str, str]:
        """Names of what is in a group, each "group" or "dataset"."""

    def shape(self, place: str) -> tuple[int, ...] | None:
        """Shape of a dataset; None where there is none."""

    def size_of(self, place: str) -> int:
        """How many bytes the numbers of a dataset take in memory, if the file can hold them."""

    def read(self, place: str) -> np.ndarray:
        """The numbers of a dataset."""


class FileTree:
    """A `Tree` over an open h5py file."""

    def __init__(self, file: Any, path: str, size: int, most: int | None = None) -> None:
        import h5py

        self._h5py, self._file, self.path = h5py, file, path
        self._found: dict[str, Any] = {"": file}
        self._places = {h5py.h5o.get_info(file["/"].id).addr: ""}
        self.limits = Limits(size, most)
        self.most = self.limits.most

    def attributes(self, place: str) -> list[str]:
        """Names of a group's attributes."""
        found = self._find(place)
        return [] if found is None else list(found.attrs)

    def attribute(self, place: str, name: str) -> Any:
        """An attribute: text, a list of texts, or None where it is missing."""
        found = self._find(place)
        if found is None or name not in found.attrs:
            return None
        kind = found.attrs.get_id(name)
        count = math.prod(kind.shape or ())
        self.limits.check_count(f"the attribute '{name}' of '/{place}'", count)
        return _texts(found.attrs[name])

    def members(self, place: str) -> dict[str, str]:
        """Names of what is in a group."""
        found = self._find(place)
        if found is None or not isinstance(found, self._h5py.Group):
            return {}
        self.limits.check_count(f"the group '/{place}'", len(found))
        kinds = {}
        for name in found:
            child = self._child(found, name, f"{place}/{name}")
            kinds[name] = "group" if isinstance(child, self._h5py.Group) else "dataset"
        return kinds

    def shape(self, place: str) -> tuple[int, ...] | None:
        """Shape of a dataset."""
        found = self._find(place)
        return found.shape if isinstance(found, self._h5py.Dataset) else None

    def size_of(self, place: str) -> int:
        """How many bytes a dataset takes in memory."""
        return self._checked(place)[1]

    def read(self, place: str) -> np.ndarray:
        """The numbers of a dataset, if they can be in the file."""
        dataset, wanted = self._checked(place)
        self.limits.take(f"the dataset '/{place}'", wanted)
        values = np.asarray(dataset[()])
        return _from_bfloat16(values) if values.dtype.kind == "V" else values

    def _checked(self, place: str) -> tuple[Any, int]:
        """A dataset and the memory that reading it takes."""
        dataset = self._find(place)
        if not isinstance(dataset, self._h5py.Dataset):
            raise FileError(f"there is no dataset '/{place}'")
        what = f"the dataset '/{place}'"
        if dataset.external or dataset.is_virtual:
            raise FileError(f"{what} keeps its numbers in another file, which is not allowed")
        dtype, shape = dataset.dtype, dataset.shape
        half = dtype.kind == "V" and dtype.itemsize == 2 and "dtype" in dataset.attrs
        if shape is None or dtype.itemsize > 16 or not (dtype.kind in "biuf" or half):
            raise FileError(f"{what} does not hold numbers but elements of type {dtype}")
        wanted = math.prod(shape) * dtype.itemsize
        plist = dataset.id.get_create_plist()
        if plist.get_layout() == self._h5py.h5d.CHUNKED:
            chunk = math.prod(dataset.chunks) * dtype.itemsize
            filters = {plist.get_filter(i)[0] for i in range(plist.get_nfilters())}
            if filters - _FILTERS:
                raise FileError(f"{what} is packed with a filter that is not allowed")
            wanted = max(wanted, chunk)
        else:
            self.limits.check_stored(what, wanted, dataset.id.get_storage_size())
        return dataset, wanted

    def _find(self, place: str) -> Any:
        """The group or dataset at a place, or None; links are not followed."""
        place = _clean(place)
        if place not in self._found:
            if place.count("/") >= MOST_PARTS:
                raise FileError(f"the path '/{place[:60]}...' is too deep")
            owner, _, name = place.rpartition("/")
            group = self._find(owner)
            there = isinstance(group, self._h5py.Group) and name in group
            self._found[place] = self._child(group, name, place) if there else None
        return self._found[place]

    def _child(self, group: Any, name: str, place: str) -> Any:
        link = group.get(name, getlink=True)
        if not isinstance(link, self._h5py.HardLink):
            kind = "to another file " if isinstance(link, self._h5py.ExternalLink) else ""
            raise FileError(f"'/{place.lstrip('/')}' is a link {kind}and links are not followed")
        child = group[name]
        place = _clean(place)
        first = self._places.setdefault(self._h5py.h5o.get_info(child.id).addr, place)
        if first != place:  # so that a walk has an end
            raise FileError(f"'/{place}' is the same as '/{first}', and nothing may be there twice")
        return child


class MemoryTree:
    """A `Tree` of attributes and arrays that have been read already."""

    def __init__(
        self,
        path: str,
        attributes: dict[str, dict[str, Any]],
        arrays: dict[str, np.ndarray],
        errors: dict[str, str],
    ) -> None:
        self.path, self._attributes, self._arrays = path, attributes, arrays
        self._errors = errors  # of places that could not be read, for when they are wanted
        self.most = sum(array.nbytes for array in arrays.values())

    def attributes(self, place: str) -> list[str]:
        """Names of a group's attributes."""
        return list(self._attributes.get(self._readable(place), {}))

    def attribute(self, place: str, name: str) -> Any:
        """An attribute, or None."""
        return self._attributes.get(self._readable(place), {}).get(name)

    def _readable(self, place: str) -> str:
        place = _clean(place)
        if place in self._errors:
            raise FileError(self._errors[place])
        return place

    def members(self, place: str) -> dict[str, str]:
        """Names of what is in a group."""
        place = self._readable(place)
        start = f"{_clean(place)}/" if _clean(place) else ""
        found: dict[str, str] = {}
        for group in self._attributes:
            if group.startswith(start) and group != _clean(place):
                found[group[len(start) :].partition("/")[0]] = "group"
        for array in self._arrays:
            if array.startswith(start):
                name, _, rest = array[len(start) :].partition("/")
                found[name] = "group" if rest else "dataset"
        return found

    def shape(self, place: str) -> tuple[int, ...] | None:
        """Shape of an array."""
        array = self._arrays.get(self._readable(place))
        return None if array is None else array.shape

    def size_of(self, place: str) -> int:
        """How many bytes an array takes."""
        return self.read(place).nbytes

    def read(self, place: str) -> np.ndarray:
        """An array."""
        try:
            return self._arrays[self._readable(place)]
        except KeyError:
            raise FileError(f"there is no dataset '/{_clean(place)}'") from None


def names_in(tree: Tree, place: str, name: str) -> list[str] | None:
    """A list of names, which may be cut into ``name0``, ``name1``, ...; None if there is none."""
    whole = tree.attribute(place, name)
    if whole is not None:
        return _checked_names(whole, place, name)
    parts: list[str] = []
    count = 0
    while (part := tree.attribute(place, f"{name}{count}")) is not None:
        parts += _checked_names(part, place, name)
        count += 1
    return parts if count else None


def write_names(group: Any, name: str, names: Sequence[str]) -> None:
    """Write a list of names as Keras does: cut up where it exceeds HDF5's limit of 64 KB."""
    data = [text.encode("utf-8") for text in names]
    longest = max((len(item) for item in data), default=0)
    if longest > HEADER_LIMIT:
        raise ValueError(
            f"A name of {longest} bytes is too long for HDF5, which holds {HEADER_LIMIT}: "
            f"{max(names, key=len)[:60]!r}... Give that layer or weight a shorter name."
        )
    array = np.asarray(data)
    count, parts = 1, [array]
    while any(part.nbytes > HEADER_LIMIT for part in parts):
        count += 1
        parts = np.array_split(array, count)
    if count == 1:
        group.attrs[name] = data
        return
    for i, part in enumerate(parts):
        group.attrs[f"{name}{i}"] = part


def write_array(group: Any, name: str, value: Any) -> None:
    """Write numbers as one contiguous dataset in their own type."""
    array = np.asarray(value)
    group.create_dataset(name, array.shape, array.dtype)[...] = array


def signature_of(path: str | os.PathLike[str]) -> bytes:
    """The first bytes of a file."""
    with open(path, "rb") as file:
        return file.read(64)


def _clean(place: str) -> str:
    return "/".join(part for part in place.split("/") if part)


def _texts(value: Any) -> Any:
    """Bytes and fixed-length strings as text; numbers are dropped, for no name is one."""
    if isinstance(value, bytes | np.bytes_):
        return value.decode("utf-8")
    if isinstance(value, str):
        return str(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "OSU":
        return [_texts(item) for item in value.reshape(-1).tolist()]
    if isinstance(value, np.ndarray) and value.size == 0:
        return []
    return ""


def _checked_names(value: Any, place: str, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise FileError(f"the attribute '{name}' of '/{place}' is not a list of names")
    return value


def _from_bfloat16(values: np.ndarray) -> np.ndarray:
    wide = values.view(np.uint16).astype(np.uint32) << 16
    return wide.view(np.float32).reshape(values.shape)


def datasets_under(tree: Tree, place: str, depth: int = MOST_PARTS) -> Iterator[str]:
    """The places of all datasets below a group."""
    if depth == 0:
        raise FileError(f"the group '/{place[:60]}' is too deep")
    for name, kind in tree.members(place).items():
        inner = f"{place}/{name}" if place else name
        if kind == "dataset":
            yield inner
        else:
            yield from datasets_under(tree, inner, depth - 1)


def shapes_of(tree: Tree, places: Iterable[str]) -> list[tuple[int, ...] | None]:
    """The shapes at several places."""
    return [tree.shape(place) for place in places]
