"""SPEC files: scans one after the other, as the program spec and others write them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from xreg.core.errors import DataError
from xreg.core.interfaces import Entry, Importer
from xreg.core.measured.tables import LABEL_UNITS, TableReader, names_energy, stem_of
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.numbers import is_row, whole_number
from xreg.core.readers.spectra.blocks import SCAN, chosen_block, split_blocks
from xreg.core.readers.spectra.ends import CUT_OFF, is_cut_off
from xreg.core.readers.spectra.table import Table, table_of_block
from xreg.core.readers.text import lines_of
from xreg.plugins.spec.plugin import SpecImportConfig

__all__ = ["SpecImporter"]

# ascan energy 7.1 7.2 100 1: from, to, intervals, time; with up to four motors.
STEPS = re.compile(r"(?:[ad][2-4]?scan|lup)")
HEAD = re.compile(rb"^#S \d+ ", re.MULTILINE)


@dataclass(frozen=True)
class Scan:
    """The lines of a scan.

    Attributes
    ----------
    key
        Its number, and how often this number came so far: ``12.1``.
    command
        What was typed.
    first
        Number of its first line in the file.
    """

    key: str
    command: str
    first: int
    lines: Sequence[str]

    @property
    def number(self) -> str:
        """The number alone where it is the first of that number."""
        return self.key.removesuffix(".1")

    @property
    def date(self) -> str:
        """What stands behind ``#D``."""
        return next((line[2:].strip() for line in self.lines if line.startswith("#D")), "")

    @property
    def points(self) -> int | None:
        """How many points a command of spec's asks for, None where it is another."""
        words = self.command.split()
        if len(words) < 6 or not STEPS.fullmatch(words[0]):
            return None
        intervals = whole_number(words[-2])
        return None if intervals is None else intervals + 1


class SpecImporter(Importer[SpecImportConfig]):
    """Each scan over the energy is a sample, called as the file with the scan's number behind.

    Rows are read as those of any text table, so that a cell that is no number, or a row of another
    length, makes the scan a bad one. A scan without a column named as an energy is passed over;
    one of fewer points than its command asks for is told. ``--energy`` names one, ``--scan``
    chooses one scan (``12``, or ``12.2`` where the number comes twice). Which column is the signal
    is chosen as in text columns. Labels: ``scan``, ``command`` and ``date``.
    """

    name: ClassVar[str] = "spec"
    Config = SpecImportConfig

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by the head of a file (``#F``) and that of a scan (``#S 1``)."""
        if head.startswith(b"#F "):
            return 0.9
        return 0.8 if HEAD.search(head) and b"\n#L " in head else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield each scan over the energy."""
        log.label_units = LABEL_UNITS
        reader = TableReader(self.config, log)
        content = log.read(source)
        lines = lines_of(content)
        every = _scans(lines)
        above = lines[: every[0].first - 1] if every else []
        if rows := [i for i, line in enumerate(above, 1) if is_row(line)]:
            why = f"{len(rows)} row(s) of numbers stand before the first scan"
            log.pass_over(f"{source}, line {rows[0]}", why)
        scans = _chosen(every, self.config.columns.scan, source)
        for scan in scans:
            where = f"{source}, scan {scan.number}"
            with log.entry(where):
                table = _table(scan)
                if table is None:
                    log.pass_over(where, "it has no points")
                    continue
                if not names_energy(table, self.config.columns):
                    log.pass_over(where, f"none of its columns is {_no_energy(table.names)}")
                    continue
                name = f"{stem_of(source)}-{scan.number}" if len(scans) > 1 else stem_of(source)
                if scan is every[-1] and is_cut_off(content):
                    log.remark(where, CUT_OFF)
                if (asked := scan.points) is not None and asked != len(table.values):
                    log.remark(where, f"it has {len(table.values)} points of the {asked} asked for")
                told = {"scan": scan.number, "command": scan.command, "date": scan.date}
                known = {key: text for key, text in told.items() if text}
                yield reader.entry(table, where, name, {"file": stem_of(source), **known})


def _no_energy(names: Sequence[str]) -> str:
    if any(names):
        return f"named as an energy ({', '.join(names[:6])})"
    return "named; say which is the energy and which the signal with --energy N --signal N"


def _scans(lines: Sequence[str]) -> list[Scan]:
    """Return the scans of a file."""
    heads = [(i, found) for i, line in enumerate(lines) if (found := SCAN.match(line))]
    starts = [i for i, _ in heads]
    seen = Counter[str]()
    scans = []
    for (i, head), end in zip(heads, [*starts[1:], len(lines)], strict=False):
        seen[head[1]] += 1
        key = f"{head[1]}.{seen[head[1]]}"
        scans.append(Scan(key, head[2].strip(), i + 1, lines[i:end]))
    return scans


def _chosen(scans: list[Scan], number: str, source: Path) -> list[Scan]:
    if not number:
        return scans
    wanted = [scan for scan in scans if number in (scan.key, scan.key.rpartition(".")[0])]
    if len(wanted) != 1:
        some = ", ".join(scan.key for scan in scans[:6]) + (", …" if len(scans) > 6 else "")
        count = f"{len(wanted)} scans" if wanted else "no scan"
        raise DataError(f"'{source}' has {count} {number}; it has {some}.")
    return wanted


def _table(scan: Scan) -> Table | None:
    """Return the columns of a scan; None of one without rows."""
    blocks = [block for block in split_blocks(scan.lines, scan.first) if block.rows]
    if not blocks:
        return None
    table = table_of_block(chosen_block(blocks, ""))
    labels = [line for line in scan.lines if line.startswith("#L ")]
    if labels and not any(table.names):
        raise DataError(
            f"its rows have {len(table.names)} columns, and its header names others "
            f"('{labels[-1][:40]}')"
        )
    return table
