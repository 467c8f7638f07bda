"""What an importer tells beside its entries: what is bad, passed over or chosen."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from xreg.core.errors import DataError
from xreg.core.files import MOST, read_file, readable
from xreg.core.readers.structures import Frame, absorbing_sites
from xreg.core.readers.summary import PassedOver
from xreg.core.text import one_line

__all__ = ["BadEntry", "ImportLog"]


@dataclass(frozen=True)
class BadEntry:
    """An entry that cannot become a sample."""

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


class _Entry(AbstractContextManager[None]):
    """Some µs for each of many files shorter than a generator."""

    __slots__ = ("bad", "file")

    def __init__(self, bad: list[BadEntry], file: str) -> None:
        self.bad, self.file = bad, file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, DataError):
            self.bad.append(BadEntry(one_line(self.file), str(error).rstrip(".")))
            return True
        return False


@dataclass
class ImportLog:
    """Notes of one import.

    Attributes
    ----------
    bad
        Entries that cannot become samples.
    passed_over
        Files and frames that are none of what is imported.
    remarks
        What was chosen, converted or sorted: the files, by what was done.
    assumed
        Atomic number of each first atom that is taken for the absorber, by the sample's id.
    several
        Ids of those of them whose structure has further atoms of that element.
    label_units
        Units of the labels, by name.
    parameter_units
        Units of the parameters, by name, where samples are parameter sets.
    splits
        Part (train, validation or test) of each sample by id, for each split of the source by name.
    """

    bad: list[BadEntry] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    assumed: dict[str, int] = field(default_factory=dict)
    several: list[str] = field(default_factory=list)
    label_units: Mapping[str, str] = field(default_factory=dict)
    parameter_units: Mapping[str, str] = field(default_factory=dict)
    splits: dict[str, dict[str, str]] = field(default_factory=dict)
    _hash: Any = field(default_factory=hashlib.sha256)

    def entry(self, file: str) -> AbstractContextManager[None]:
        """Note a :class:`DataError` of the block as the reason why this file is bad."""
        return _Entry(self.bad, file)

    def pass_over(self, file: str, reason: str) -> None:
        """Note a file or frame that is not read because it is none of what is imported."""
        self.passed_over.append(PassedOver(one_line(file), reason))

    def remark(self, file: str, text: str) -> None:
        """Note what was chosen, converted or sorted in a file."""
        file = one_line(file)
        files = self.remarks.setdefault(text, [])
        if file not in files[-1:]:
            files.append(file)

    def notes(self) -> dict[str, Any]:
        """Return all notes but the account of files, as what can be sent between processes."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "_hash"}

    def add(self, notes: Mapping[str, Any]) -> None:
        """Add what :meth:`notes` of another log returned."""
        for name in ("bad", "passed_over", "several"):
            getattr(self, name).extend(notes[name])
        for name in ("remarks", "splits"):
            for key, value in notes[name].items():
                mine = getattr(self, name).setdefault(key, type(value)())
                mine.update(value) if isinstance(value, dict) else mine.extend(value)
        self.assumed.update(notes["assumed"])
        self.label_units, self.parameter_units = notes["label_units"], notes["parameter_units"]

    def sites(self, frame: Frame, name: str, absorber: int | str | None, every: bool) -> list[int]:
        """Return the absorbing atoms of a frame; without any word on them, its first atom."""
        for note in frame.notes:
            self.remark(frame.where, note)
        if found := absorbing_sites(frame, absorber, every=every):
            return found
        self.assumed[name] = int(frame.numbers[0])
        if (frame.numbers == frame.numbers[0]).sum() > 1:
            self.several.append(name)
        return [0]

    def read(self, file: Path | str, most: int = MOST) -> bytes:
        """Return the content of a file, and account for it.

        Raises
        ------
        DataError
            If it cannot be read, is a pipe or device, or holds more than ``most`` bytes.
        """
        with readable(f"'{file}'"):
            return self.seen(os.path.basename(file), read_file(file, most))

    def seen(self, file: str, content: bytes) -> bytes:
        """Account for a file that was read; return its content."""
        line = f"{file}\0{hashlib.sha256(content).hexdigest()}\n"
        self._hash.update(line.encode(errors="backslashreplace"))  # a name may be no UTF-8
        return content

    @property
    def sha256(self) -> str:
        """Hash of the names and contents of all files that were read, in the order of reading."""
        return str(self._hash.hexdigest())
