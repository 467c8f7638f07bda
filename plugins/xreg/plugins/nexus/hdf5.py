"""Members of HDF5 groups, none of them outside of the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from xreg.core.errors import DataError
from xreg.core.readers.importing.log import ImportLog

if TYPE_CHECKING:
    import h5py

__all__ = ["DEEPEST", "LONGEST", "MOST_OBJECTS", "member", "members", "text_of"]

# What no file of spectra needs more of.
MOST_OBJECTS, DEEPEST, LONGEST = 100_000, 12, 1_000_000


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


def members(
    group: h5py.Group, where: str, log: ImportLog, kind: str
) -> Iterator[tuple[str, h5py.Group]]:
    """Yield the groups of a NeXus class in a group, by name."""
    import h5py

    for name in group:
        child = member(group, name, where, log)
        if isinstance(child, h5py.Group) and text_of(child.attrs.get("NX_class")) == kind:
            yield name, child


def text_of(value: Any, *, strip: bool = True) -> str:
    """Return the text of a value or attribute, empty where it is none."""
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    text = value if isinstance(value, str) else ""
    return text.strip() if strip else text
