"""How the arrays of a store are cut, rounded and encoded (schema 1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from xreg.core.data.samples import Parameters, Samples, Structures
from xreg.core.data.specimens import Specimens
from xreg.core.data.spectra import ARBITRARY
from xreg.core.errors import DataError, UnknownNameError, did_you_mean

__all__ = [
    "SCHEMA",
    "ArraySpec",
    "ChannelSpec",
    "check_names",
    "check_precision",
    "round_mantissa",
    "sample_arrays",
    "stored_dtype",
]

SCHEMA = 1
SHARD_ROWS = 1000
# Arrays of a few bytes a sample: one file holds very many of them.
SMALL_SHARD = 100_000
CHUNK_BYTES = 1 << 18
# A name becomes a folder of the store, so it may hold nothing that a path gives a meaning to, and
# be none that the store itself needs.
LONGEST_NAME = 200
"""Characters of the name of a channel, label or split, which is that of a folder."""
NAME = re.compile(r"(?!zarr\.json$)[A-Za-z0-9][A-Za-z0-9_.+-]*", re.IGNORECASE)
CRC = {"name": "crc32c"}
STRING_CODECS: list[dict[str, Any]] = [
    {"name": "zstd", "configuration": {"level": 9, "checksum": False}},
    CRC,
]


@dataclass(frozen=True, eq=False)
class ChannelSpec:
    """What a channel will hold, declared before its rows exist.

    Attributes
    ----------
    energy
        (m,) strictly increasing energies in eV; None for target features.
    features
        Names of the m target features; empty for a spectrum.
    unit
        Unit of the intensity.
    dtype
        Type in which values are stored, where no precision is asked for.
    """

    energy: NDArray[np.float64] | None = None
    features: tuple[str, ...] = ()
    unit: str = ARBITRARY
    dtype: str = "float64"

    @property
    def width(self) -> int:
        """Number m of points or features."""
        return len(self.features) if self.energy is None else len(self.energy)

    @property
    def leaf(self) -> str:
        """Name of the array that holds the values."""
        return "features" if self.energy is None else "intensity"


@dataclass(frozen=True)
class ArraySpec:
    """One array of a store.

    Attributes
    ----------
    path
        Path below the store.
    shape
        Shape; rows come first.
    dtype
        Zarr's name of the type; ``string`` for text of any length.
    shard
        Rows in one file.
    bits
        Explicit mantissa bits that values are rounded to; None stores them as they are.
    attributes
        What else is known about it (unit, names).
    bulk
        Whether it makes up most of the store: spectra, positions, parameters.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    shard: int = SMALL_SHARD
    bits: int | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    bulk: bool = False

    def create(self, root: zarr.Group, chunk: int = 0) -> zarr.Array[Any]:
        """Create the empty array; a hole in it reads as NaN, and every chunk must be written.

        Parameters
        ----------
        root
            The store.
        chunk
            Rows compressed together; as many as :func:`chunk_rows` says if 0.
        """
        tail = self.shape[1:]
        text = self.dtype == "string"
        # A name takes some 64 bytes in memory.
        row = int(np.prod(tail, dtype=int)) * (64 if text else np.dtype(self.dtype).itemsize)
        precision = {} if self.bits is None else {"precision_bits": self.bits}
        # An empty axis has no chunks; Zarr wants their size to be positive all the same.
        solid = tuple(max(size, 1) for size in tail)
        return root.create_array(
            self.path,
            shape=self.shape,
            dtype=self.dtype,
            chunks=(chunk or chunk_rows(self.shard, row), *solid),
            shards=(self.shard, *solid),
            compressors=self._codecs(),
            fill_value="" if text else np.nan if np.dtype(self.dtype).kind == "f" else 0,
            attributes={**self.attributes, **precision},
            config={"write_empty_chunks": True},
        )

    def _codecs(self) -> list[dict[str, Any]]:
        """Return the codecs of a chunk; decision 0005 has the measurements behind them.

        A byte shuffle and LZ4 decode several times as fast as zstd, at nearly its size. Long rows
        at full precision hardly shrink by any codec, and are read fastest as they are.
        """
        if self.dtype == "string":
            return STRING_CODECS
        if self.bulk and self.bits is None:
            return [CRC]
        settings = {
            "cname": "lz4hc",
            "clevel": 9,
            "shuffle": "shuffle",
            "typesize": np.dtype(self.dtype).itemsize,
            "blocksize": 0,
        }
        return [{"name": "blosc", "configuration": settings}, CRC]


def sample_arrays(
    samples: Samples, shard_rows: int, shard_atoms: int, precision: Mapping[str, int]
) -> Iterator[tuple[ArraySpec, Any]]:
    """Yield the arrays that hold samples, and what to write into each.

    Parameters
    ----------
    samples
        Structures, parameters or specimens.
    shard_rows
        Samples in one file of spectra.
    shard_atoms
        Atoms in one file; 0 for as many as ``shard_rows`` samples have on average, so that shards
        of equally large structures end where shards of spectra end.
    precision
        Mantissa bits of ``positions`` or ``parameters``.
    """
    n = len(samples)
    yield ArraySpec("samples/ids", (n,), "string"), samples.ids
    if isinstance(samples, Structures):
        total = int(samples.offsets[-1])
        atoms = shard_atoms or shard_rows * max(1, -(-total // n))
        bits = precision.get("positions")
        real, length = stored_dtype("float64", bits), {"unit": "Å"}
        at = "samples/structures/"
        yield ArraySpec(at + "numbers", (total,), "uint8", atoms), samples.numbers
        place = ArraySpec(at + "positions", (total, 3), real, atoms, bits, length, bulk=True)
        yield place, samples.positions
        yield ArraySpec(at + "offsets", (n + 1,), "int64"), samples.offsets
        yield ArraySpec(at + "absorber", (n,), "int32"), samples.absorber
        yield ArraySpec(at + "cell", (n, 3, 3), "float64", attributes=length), samples.cell
        yield ArraySpec(at + "pbc", (n, 3), "bool"), samples.pbc
    elif isinstance(samples, Parameters):
        bits = precision.get("parameters")
        columns = {"names": list(samples.names), "units": list(samples.units)}
        shape, real = (n, len(samples.names)), stored_dtype("float64", bits)
        path = "samples/parameters/values"
        yield ArraySpec(path, shape, real, shard_rows, bits, columns, bulk=True), samples.values
    elif isinstance(samples, Specimens):
        at = "samples/specimens/"
        yield ArraySpec(at + "composition", (n,), "string"), samples.composition
        yield ArraySpec(at + "absorber", (n,), "int32"), samples.absorber


def chunk_rows(shard: int, row_bytes: int) -> int:
    """Return how many rows of a shard are compressed together: about a quarter of a MiB."""
    most = min(max(1, CHUNK_BYTES // max(row_bytes, 1)), shard)
    return next(rows for rows in range(most, 0, -1) if shard % rows == 0)


def stored_dtype(dtype: str, bits: int | None) -> str:
    """Return the type that holds ``bits`` of mantissa, or the given one where none are asked."""
    if bits is None:
        return dtype
    return "float32" if bits <= np.finfo(np.float32).nmant else "float64"


def round_mantissa(values: NDArray[Any], dtype: str, bits: int | None) -> NDArray[Any]:
    """Return values in their stored type, mantissas rounded to ``bits`` bits (half to even).

    The relative error is at most 2**-(bits + 1), but never less than the stored type allows.
    """
    block = np.ascontiguousarray(values, dtype=dtype)
    if bits is None or bits >= np.finfo(block.dtype).nmant:
        return block
    from numcodecs import BitRound

    return BitRound(keepbits=bits).encode(block.copy()).view(block.dtype)


def check_precision(precision: Mapping[str, int], known: Iterable[str]) -> None:
    """Refuse a precision of something that the store does not have, or of no bits."""
    for name, bits in precision.items():
        if name not in known:
            raise UnknownNameError(
                f"precision is given for '{name}', which is no channel, nor 'positions' or "
                f"'parameters'{did_you_mean(name, known)}."
            )
        if not 1 <= bits <= 52:
            raise DataError(f"precision of '{name}' is {bits} bits; give 1 … 52.")


def check_names(kind: str, names: Iterable[str]) -> None:
    """Refuse a name that cannot be a folder of the store."""
    for name in names:
        if len(name) > LONGEST_NAME:
            raise DataError(
                f"'{name[:40]}…' cannot name a {kind}: it has {len(name)} characters, and may have "
                f"{LONGEST_NAME}."
            )
        if not NAME.fullmatch(name):
            raise DataError(
                f"'{name}' cannot name a {kind}; use letters, digits and '_.+-', and begin with "
                "a letter or digit."
            )
