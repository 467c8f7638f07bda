"""A dataset as a folder of XDI files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

from xreg.core.data.dataset import Dataset
from xreg.core.errors import DataError
from xreg.core.interfaces.exporter import ANY_SAMPLES, TABLE, Exporter, Part
from xreg.core.progress import track
from xreg.core.writers.headers import Headers, rows_of
from xreg.core.writers.names import file_stems
from xreg.plugins.xdi.plugin import XdiExportConfig

__all__ = ["XdiExporter"]

# What XDI allows for the head of a column.
COLUMN = re.compile(r"[A-Za-z][\w.+-]*", re.ASCII)
ROWS = 256


class XdiExporter(Exporter[XdiExportConfig]):
    """A file for each spectrum.

    Energy and intensity are its columns. Its header says ``Element.symbol`` and ``Element.edge``
    where they are known, ``Sample.id``, and each ``Label.<name>``, ``Parameter.<name>`` (both with
    the unit behind the value) and ``Split.<name>``.
    """

    name: ClassVar[str] = "xdi"
    Config = XdiExportConfig
    needs: ClassVar[tuple[str, ...]] = ANY_SAMPLES
    holds: ClassVar[frozenset[Part]] = TABLE

    def left_out(self, dataset: Dataset) -> Iterator[str]:
        """Add labels, parameters and splits that no field of a header can hold."""
        yield from super().left_out(dataset)
        yield from Headers(dataset, self.config.edge).left_out(dict(self.channels(dataset)))

    def check(self, dataset: Dataset, path: Path) -> None:
        """Refuse channels that no column can be named after."""
        super().check(dataset, path)
        for name, _ in self.channels(dataset):
            if not COLUMN.fullmatch(name) or name.lower() == "energy":
                raise DataError(f"the channel '{name}' cannot be named so in XDI.")

    def _write(self, dataset: Dataset, path: Path) -> None:
        path.mkdir()
        channels = dict(self.channels(dataset))
        names = [
            (row, channel)
            for row in dataset.samples.ids.tolist()
            for channel in (channels if len(channels) > 1 else ("",))
        ]
        stems = iter(file_stems([".".join(filter(None, one)) for one in names]))
        headers = Headers(dataset, self.config.edge)
        n = len(dataset)
        for i in track(range(n), f"writing {path.name}", n):
            if i % ROWS == 0:
                spectra = dataset.spectra.select(slice(i, i + ROWS))
            for name, channel in channels.items():
                lines = [f"# XDI/1.0 xreg/{version('xreg')}"]
                lines += [f"# {line}" for line in headers.lines(i, name, channel, [name])]
                lines += ["#----", f"# energy {name}"]
                lines += rows_of([channel.grid, spectra[name].intensity[i % ROWS]])
                text = "\n".join(lines) + "\n"
                (path / f"{next(stems)}.xdi").write_text(text, encoding="utf-8", newline="\n")
