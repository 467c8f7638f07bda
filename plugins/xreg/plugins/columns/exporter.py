"""A dataset as a folder of text columns."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

import numpy as np

from xreg.core.data.dataset import Dataset
from xreg.core.data.spectra import Channel
from xreg.core.errors import DataError
from xreg.core.interfaces.exporter import ANY_SAMPLES, TABLE, Exporter, Part
from xreg.core.progress import track
from xreg.core.writers.headers import Headers, rows_of
from xreg.core.writers.names import file_stems
from xreg.plugins.columns.plugin import ColumnsExportConfig

__all__ = ["ColumnsExporter"]

SIGNAL, NOISE = "xmu", "sigma"
ROWS = 256


class ColumnsExporter(Exporter[ColumnsExportConfig]):
    """``<id>.dat`` for each sample: columns ``energy`` and ``xmu``, as Athena names them.

    The header is of lines that begin with ``#``, the last of which names the columns; its fields
    are those of XDI. The channel ``<channel>_noise`` becomes the column ``sigma``.
    """

    name: ClassVar[str] = "columns"
    Config = ColumnsExportConfig
    needs: ClassVar[tuple[str, ...]] = ANY_SAMPLES
    holds: ClassVar[frozenset[Part]] = TABLE

    def check(self, dataset: Dataset, path: Path) -> None:
        """Refuse several channels where none is chosen, and one that is not there."""
        if self.config.channel:
            _ = dataset.spectra[self.config.channel]
        super().check(dataset, path)
        there, first = self._first(dataset)
        others = [name for name in there if name not in (first, f"{first}_noise")]
        if others and not self.config.channel:
            raise DataError(
                f"columns holds one channel, and '{dataset.metadata.name}' has "
                f"{', '.join(there)}; choose with --set to.channel={first}."
            )

    def channels(self, dataset: Dataset) -> Iterator[tuple[str, Channel]]:
        """Yield the channel that is written, and that of its noise where it has one."""
        there, first = self._first(dataset)
        if first in there:
            yield first, there[first]
            noise = there.get(f"{first}_noise")
            if noise is not None and _is_noise(noise, there[first]):
                yield f"{first}_noise", noise

    def _first(self, dataset: Dataset) -> tuple[dict[str, Channel], str]:
        """Return the channels with energies, and the name of the one to write."""
        there = dict(super().channels(dataset))
        return there, self.config.channel or next(
            (name for name in there if not name.endswith("_noise")), next(iter(there), "")
        )

    def left_out(self, dataset: Dataset) -> Iterator[str]:
        """Add labels, parameters and splits that no field of a header can hold."""
        yield from super().left_out(dataset)
        name, channel = next(self.channels(dataset))
        yield from Headers(dataset, self.config.edge).left_out({name: channel})

    def _write(self, dataset: Dataset, path: Path) -> None:
        path.mkdir()
        (name, channel), *noise = self.channels(dataset)
        stems, n = file_stems(dataset.samples.ids.tolist()), len(dataset)
        headers = Headers(dataset, self.config.edge)
        columns = [SIGNAL, *([NOISE] if noise else [])]
        for i in track(range(n), f"writing {path.name}", n):
            if i % ROWS == 0:
                part = [one[i : i + ROWS].intensity for _, one in [(name, channel), *noise]]
            lines = [f"# xreg/{version('xreg')}"]
            lines += [f"# {line}" for line in headers.lines(i, name, channel, columns)]
            lines += ["#" + "-" * 30, f"# energy {' '.join(columns)}"]
            lines += rows_of([channel.grid, *(values[i % ROWS] for values in part)])
            text = "\n".join(lines) + "\n"
            (path / f"{stems[i]}.dat").write_text(text, encoding="utf-8", newline="\n")


def _is_noise(noise: Channel, channel: Channel) -> bool:
    """Whether a channel can be the column of standard deviations of another."""
    values = np.asarray(noise.intensity)
    same = noise.unit == channel.unit and np.array_equal(noise.grid, channel.grid)
    return same and bool((np.isfinite(values) & (values > 0)).all())
