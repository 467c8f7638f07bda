"""Checks of importers, on files that the suite of each writes."""

from __future__ import annotations

import hashlib
import importlib
from abc import abstractmethod
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from xreg.core.hooks import ENTRY_POINT_GROUP
from xreg.core.interfaces import Entry, Importer
from xreg.core.readers.importing.log import ImportLog
from xreg.core.testing.base import ComponentSuite, same

__all__ = ["ImporterSuite"]


class ImporterSuite(ComponentSuite):
    """Checks of an importer; three entries are read.

    Attributes
    ----------
    component
        The importer class.
    single
        Whether a source is one entry only: then ``write`` returns a folder of three sources, and
        ``damage`` is given that folder.
    """

    component: ClassVar[type[Importer[Any]]]
    single: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        """Take ``spoil``, as older suites call it, for ``damage``."""
        super().__init_subclass__(**options)
        if "spoil" in vars(cls) and "damage" not in vars(cls):
            cls.damage = vars(cls)["spoil"]  # type: ignore[method-assign]

    @abstractmethod
    def write(self, folder: Path) -> Path:
        """Write a source of three good entries into an empty folder, and return it."""

    @abstractmethod
    def damage(self, source: Path) -> None:
        """Make the second entry bad."""

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        """Return a source of three entries."""
        (tmp_path / "files").mkdir()
        return self.write(tmp_path / "files")

    def read(self, source: Path) -> tuple[list[Entry], ImportLog]:
        """Return what it reads and notes."""
        log, found = ImportLog(), []
        for one in self.sources(source):
            found += self.build().entries(one, log)
        return found, log

    def sources(self, source: Path) -> list[Path]:
        """Return what the importer is given, one after the other."""
        return sorted(source.iterdir()) if self.single else [source]

    def test_sniff(self, source: Path, tmp_path: Path) -> None:
        """It knows its own files better than any other importer, and no foreign ones."""
        source = self.sources(source)[0]
        sure = self.component.sniff(source, _head(source))
        assert 0 < sure <= 1
        for other in _installed():
            if other.name != self.component.name:
                value = other.sniff(source, _head(source))
                assert value < sure, f"'{other.name}' is as sure ({value}) of {source.name}"
        (tmp_path / "empty").mkdir()
        (tmp_path / "notes.txt").write_text("no spectra here\n")
        (tmp_path / "nothing").write_bytes(b"")
        for foreign in (tmp_path / "empty", tmp_path / "notes.txt", tmp_path / "nothing"):
            assert self.component.sniff(foreign, _head(foreign)) == 0, foreign.name

    def test_entries(self, source: Path) -> None:
        """Three entries: a sample and sound spectra each, of one set of channels and units."""
        entries, log = self.read(source)
        assert not log.bad
        assert len(entries) == 3
        ids = [sample.id for entry in entries for sample in entry.samples]
        assert len(set(ids)) == len(ids) >= 3
        for entry in entries:
            assert entry.file
            assert entry.samples
            assert entry.curves
            for channel, curve in entry.curves.items():
                curve.check(channel)
                assert curve.unit.strip(), "a channel states the unit of its intensities"
        units = [{name: curve.unit for name, curve in e.curves.items()} for e in entries]
        assert units == units[:1] * 3

    def test_determinism(self, source: Path) -> None:
        """Reading twice gives the same; the source stays as it is, and its hash is noted."""
        before = _contents(source)
        (one, first), (two, second) = self.read(source), self.read(source)
        assert _contents(source) == before
        assert first.sha256 == second.sha256 != hashlib.sha256().hexdigest()
        for a, b in zip(one, two, strict=True):
            assert [s.id for s in a.samples] == [s.id for s in b.samples]
            assert dict(a.labels) == dict(b.labels)
            for name, curve in a.curves.items():
                same(b.curves[name].energy, curve.energy)
                same(b.curves[name].intensity, curve.intensity)

    def test_bad_entry(self, source: Path) -> None:
        """A bad entry is one bad entry, with its file and a reason; the others are read."""
        whole, _ = self.read(source)
        self.damage(source)
        entries, log = self.read(source)
        for entry in entries:  # as what collects them does
            with log.entry(entry.file):
                for channel, curve in entry.curves.items():
                    curve.check(channel)
        (bad,) = log.bad
        assert bad.file
        assert bad.reason.strip()
        good = [entry for entry in entries if entry.file != bad.file]
        wanted = [whole[0], whole[2]]
        for a, b in zip(good, wanted, strict=True):
            assert [s.id for s in a.samples] == [s.id for s in b.samples]
            for name, curve in b.curves.items():
                same(a.curves[name].intensity, curve.intensity)
        assert not np.isnan([c.intensity.sum() for e in good for c in e.curves.values()]).any()


def _installed() -> list[type[Importer[Any]]]:
    found = []
    for point in entry_points(group=ENTRY_POINT_GROUP):
        try:
            module = importlib.import_module(point.module)
            specs = module.xreg_components() if hasattr(module, "xreg_components") else []
            found += [spec.load() for spec in specs if spec.kind == "importer"]
        except Exception:
            continue  # somebody else's broken plugin
    return found


def _head(path: Path) -> bytes:
    return path.read_bytes()[:4096] if path.is_file() else b""


def _contents(source: Path) -> dict[str, bytes]:
    files = [source] if source.is_file() else sorted(source.rglob("*"))
    return {str(file): file.read_bytes() for file in files if file.is_file()}
