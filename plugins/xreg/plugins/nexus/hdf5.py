"""Members of HDF5 groups, none of them outside of the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from xreg.core.errors import DataError
from xreg.core.readers.importing.log import ImportLog

if TYPE_CHECKING:
    import h5py

__all__ = ["DEEPEST", "LONGEST", "MOST_NUMBERS", "MOST_OBJECTS", "follow", "identity", "member",
           "members", "text_in", "text_of"]  # fmt: skip

# What no file of spectra needs more of.
MOST_OBJECTS, DEEPEST, LONGEST = 100_000, 12, 1_000_000
MOST_NUMBERS = 50_000_000
"""Numbers held at a time, 400 MB; chunks that were never written or are packed take no room."""
LONGEST_TEXT = 1_000_000
"""Bytes of one text; a packed one may claim thousands of times what it takes in the file."""
MOST_LINKS = 8
"""Soft links, one naming the next."""


def member(group: h5py.Group, name: str, where: str, log: ImportLog) -> Any:
    """Return a member of a group; None where it lies in another file, or nowhere."""
    import h5py

    link = group.get(name, getlink=True)
    if link is None:
        return None
    path = f"{group.name.rstrip('/')}/{name}"
    if isinstance(link, h5py.ExternalLink):
        log.pass_over(f"{where}: {path}", "it is a link to another file, which is not followed")
        return None
    if isinstance(link, h5py.SoftLink):
        return None  # what it names is met at its own place
    try:
        child = group[name]
    except (KeyError, OSError, RuntimeError) as error:
        raise DataError(f"its {path} cannot be read ({error})") from None
    if isinstance(child, h5py.Dataset) and (child.external or child.is_virtual):
        log.pass_over(f"{where}: {path}", "its numbers lie in another file, which is not read")
        return None
    return child


def follow(group: h5py.Group, path: str, hops: int = 0) -> Any:
    """Return what a path from a group leads to within its file; None where it leads out or nowhere.

    Soft links are followed, links to other files are not, on no part of the way.
    """
    import h5py

    node: Any = group.file["/"] if path.startswith("/") else group
    for part in filter(None, path.split("/")):
        if part == ".":
            continue
        link = node.get(part, getlink=True) if isinstance(node, h5py.Group) else None
        if isinstance(link, h5py.SoftLink):
            node = follow(node, link.path, hops + 1) if hops < MOST_LINKS else None
        elif isinstance(link, h5py.HardLink):
            node = node[part]
        else:
            return None
    outside = isinstance(node, h5py.Dataset) and (node.external or node.is_virtual)
    return None if outside else node


def identity(node: h5py.Group | h5py.Dataset) -> tuple[Any, ...]:
    """Return what two names of one object have in common."""
    import h5py

    info = h5py.h5o.get_info(node.id)
    return (info.fileno, info.addr)


def members(
    group: h5py.Group, where: str, log: ImportLog, kind: str
) -> Iterator[tuple[str, h5py.Group]]:
    """Yield the groups of a NeXus class in a group, by name."""
    import h5py

    for name in group:
        child = member(group, name, where, log)
        if isinstance(child, h5py.Group) and text_of(child.attrs.get("NX_class")) == kind:
            yield name, child


def text_in(dataset: h5py.Dataset, *, strip: bool = True) -> str:
    """Return the text that a dataset of one value holds, empty where it holds none.

    Raises
    ------
    DataError
        If it claims more room than any text needs.
    """
    if dataset.dtype.itemsize > LONGEST_TEXT:
        raise DataError(
            f"its {dataset.name} is a text of {dataset.dtype.itemsize:,} bytes, more than "
            f"{LONGEST_TEXT:,}"
        )
    return text_of(dataset[()], strip=strip)


def text_of(value: Any, *, strip: bool = True) -> str:
    """Return the text of a value or attribute, empty where it is none."""
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    text = value if isinstance(value, str) else ""
    return text.strip() if strip else text
