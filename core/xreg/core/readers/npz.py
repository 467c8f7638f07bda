"""Archives of NumPy arrays (.npz): every claim is checked before memory is taken for it."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import DataError
from xreg.core.files import require_plausible

__all__ = ["load_arrays"]

MEMBERS = 10_000
KINDS = "biufcSU"
"""Kinds of numbers and texts; no objects, which would be pickles, no times, no records."""


def load_arrays(path: Path, source: IO[bytes] | None = None) -> dict[str, NDArray[Any]]:
    """Return the arrays of an archive by name; nothing in it is ever run.

    Raises
    ------
    DataError
        If it is no such archive, is damaged, holds anything but plain arrays, or claims more memory
        than its size makes believable.
    """
    try:
        with zipfile.ZipFile(source or path) as archive:
            members = archive.infolist()
            size = source.seek(0, 2) if source else path.stat().st_size
            if len(members) > MEMBERS or len({m.filename for m in members}) < len(members):
                raise DataError(f"'{path}' holds too many arrays, or two of one name.")
            require_plausible(sum(m.file_size for m in members), size, f"'{path}'")
            return {
                member.filename.removesuffix(".npy"): _array(archive, member, path)
                for member in members
            }
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"'{path}' cannot be read ({error.strerror or error}).") from None
    except (
        ValueError, TypeError, LookupError, EOFError, ArithmeticError, RuntimeError, SyntaxError,
        MemoryError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        text = " ".join(str(error).split())[:100]
        raise DataError(f"'{path}' cannot be read as .npz of plain arrays ({text}).") from None


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> NDArray[Any]:
    where = f"'{path}': '{member.filename}'"
    if not member.filename.endswith(".npy"):
        raise DataError(f"{where} is no array (.npy).")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{where} is compressed in a way that NumPy does not use.")
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise DataError(f"{where} is of format {version}, which plain arrays are not.")
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read(file)
        if dtype.hasobject:
            raise DataError(f"{where}: pickled arrays are never read.")
        if dtype.kind not in KINDS or dtype.subdtype is not None:
            raise DataError(f"{where} is of {dtype}; give plain numbers or texts.")
        if any(length < 0 for length in shape):
            raise DataError(f"{where} has the shape {shape}.")
        count = math.prod(shape)
        if max(shape, default=0) > np.iinfo(np.intp).max or len(shape) > 32:
            raise DataError(f"{where} has the shape {shape}.")
        present = member.file_size - file.tell()
        if count * dtype.itemsize != present:
            raise DataError(
                f"{where} says {count:,} values of {dtype} and holds {present:,} bytes; the file "
                "is damaged."
            )
        data = file.read(present)
    if len(data) != present:
        raise DataError(f"{where} ends early; the file is damaged.")
    values = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    return np.array(values)  # of its own memory, which can be written
