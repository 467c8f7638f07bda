"""The arrays of numbers in an .npz or HDF5 file, each read only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import DataError, MissingRequirementError
from xreg.core.files import readable, require_plausible
from xreg.core.readers.isolated import RAISED, isolated
from xreg.core.readers.npz import load_arrays
from xreg.core.readers.stored import stored

if TYPE_CHECKING:
    import h5py

__all__ = ["Found", "Source", "is_container", "open_arrays"]

HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
# What no file of spectra needs more of.
MOST_OBJECTS, DEEPEST = 100_000, 12


@dataclass(frozen=True, eq=False)
class Source:
    """One array of a file.

    Attributes
    ----------
    shape
        Its shape.
    read
        Reads it.
    unit
        Unit that the file states, empty where it does not.
    axis
        Which of its axes the file itself says is the energy; None where it does not.
    energies
        Path of those energies, as the file says it.
    """

    shape: tuple[int, ...]
    read: Callable[[], NDArray[Any]]
    unit: str = ""
    axis: int | None = None
    energies: str = ""


@dataclass
class Found:
    """The arrays of a file by path, and what was passed over.

    Attributes
    ----------
    arrays
        Arrays of one to three axes.
    marked
        Paths of those that the file itself marks as its signal.
    notes
        What was passed over, in words.
    """

    arrays: dict[str, Source] = field(default_factory=dict)
    marked: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def is_container(path: Path) -> bool:
    """Return whether a file is an archive of arrays or HDF5, by its content and not its name."""
    try:
        return _head(path).startswith((HDF5, ZIP))
    except OSError:
        return False


def _head(path: Path) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as stream:
        return stream.read(8)


def open_arrays(path: Path) -> Found:
    """Return the arrays of numbers in a file.

    In HDF5 links to other files, virtual datasets and external storage are never followed; each is
    noted.

    Raises
    ------
    DataError
        If the file is neither .npz nor HDF5, is damaged, or holds too many objects.
    MissingRequirementError
        If it is HDF5 and h5py is not installed.
    """
    with readable(f"'{path}'"):
        head = _head(path)
    if head.startswith(ZIP):
        arrays = {
            name: Source(values.shape, lambda values=values: values)  # type: ignore[misc]
            for name, values in load_arrays(path).items()
            if values.dtype.kind in "iuf" and 1 <= values.ndim <= 3
        }
        return Found(arrays)
    if head.startswith(HDF5):
        return _of_hdf5(path)
    raise DataError(f"'{path}' is neither .npz nor HDF5 by its content.")


def _of_hdf5(path: Path) -> Found:
    try:
        import h5py
    except ImportError:
        raise MissingRequirementError(
            f"'{path}' is HDF5, and h5py is not installed: pip install \"xreg[measured]\"."
        ) from None

    def look() -> Found:
        found = Found()
        with h5py.File(path, "r") as file:
            _walk(file, path, found)
        return found

    try:
        return isolated(path, look)
    except RAISED as error:
        text = " ".join(str(error).split())[:100]
        raise DataError(f"'{path}' cannot be read as HDF5 ({text}).") from None


def _walk(file: h5py.File, path: Path, found: Found) -> None:
    """Look at every object of a file once."""
    import h5py

    seen, known = 0, set[Any]()
    stack: list[tuple[str, h5py.Group]] = [("", file)]
    while stack:
        prefix, group = stack.pop()
        if prefix.count("/") > DEEPEST:
            raise DataError(f"'{path}' is more than {DEEPEST} groups deep.")
        children = {}
        for name in group:
            seen += 1
            if seen > MOST_OBJECTS:
                raise DataError(f"'{path}' holds more than {MOST_OBJECTS:,} objects.")
            link, place = group.get(name, getlink=True), f"{prefix}{name}"
            if isinstance(link, h5py.ExternalLink):
                found.notes.append(f"{place} is a link to another file, which is not followed")
                continue
            if isinstance(link, h5py.SoftLink):
                continue  # what it names is met at its own place
            child = group[name]
            info = h5py.h5o.get_info(child.id)
            if (token := (info.fileno, info.addr)) in known:
                continue
            known.add(token)
            if isinstance(child, h5py.Group):
                stack.append((f"{place}/", child))
            elif not isinstance(child, h5py.Dataset):
                continue  # a type that was given a name
            elif child.external or child.is_virtual:
                found.notes.append(f"the numbers of {place} lie in another file, which is not read")
            elif child.dtype.kind in "iuf" and 1 <= child.ndim <= 3:
                children[name] = child
                found.arrays[place] = Source(
                    tuple(child.shape), _Reader(path, place), _text(child.attrs.get("units"))
                )
        _mark(group, prefix, children, found)


def _mark(group: h5py.Group, prefix: str, children: dict[str, Any], found: Found) -> None:
    """Take what an NXdata group says of itself: its signal, and the axis of its energies."""
    signal = _text(group.attrs.get("signal"))
    if signal not in children:
        return
    place = f"{prefix}{signal}"
    found.marked.append(place)
    axes = [_text(one) for one in np.atleast_1d(group.attrs.get("axes", []))]
    energies = [i for i, name in enumerate(axes) if "energy" in name.lower()]
    if len(energies) == 1 and axes[energies[0]] in children:
        source = found.arrays[place]
        found.arrays[place] = Source(
            source.shape, source.read, source.unit, energies[0], f"{prefix}{axes[energies[0]]}"
        )


@dataclass(frozen=True)
class _Reader:
    """Reads the numbers at a place of an HDF5 file."""

    path: Path
    place: str

    def __call__(self) -> NDArray[Any]:
        try:
            return isolated(self.path, self._read)
        except RAISED as error:
            text = " ".join(str(error).split())[:100]
            raise DataError(f"'{self.path}': {self.place} cannot be read ({text}).") from None

    def _read(self) -> NDArray[Any]:
        import h5py

        with h5py.File(self.path, "r") as file:
            dataset = file[self.place]
            claimed, present = dataset.size * 8, self.path.stat().st_size
            require_plausible(claimed, present, f"'{self.path}': {self.place}")
            return stored(dataset)


def _text(value: Any) -> str:
    """Return the text of an attribute, empty where it is none."""
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace").strip()
    return value.strip() if isinstance(value, str) else ""
