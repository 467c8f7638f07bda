"""Checks of exporters, with the importer of the same format where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Parameters, Samples, Structure
from xreg.core.data.specimens import Specimen, Specimens
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.data.splits import Split
from xreg.core.errors import DataError
from xreg.core.interfaces.exporter import ANY_SAMPLES, Exporter, Part
from xreg.core.interfaces.importer import Importer
from xreg.core.readers.importing.log import ImportLog
from xreg.core.testing.base import ComponentSuite, refuses, same, untouched
from xreg.core.testing.examples import crystals, parameters, waters

__all__ = ["ExporterSuite", "ReadBack"]

N = 5


@dataclass
class ReadBack:
    """What was read of exported files; what a format cannot hold stays empty.

    Attributes
    ----------
    ids
        Of the samples.
    spectra
        (m,) energies and intensities of each sample, by channel.
    units
        Unit of each channel.
    samples
        The samples themselves.
    labels, label_units, parameter_units
        Values of each label by sample; units.
    splits
        Part of each sample by id, for each split.
    """

    ids: list[str] = field(default_factory=list)
    spectra: list[Mapping[str, tuple[NDArray[Any], NDArray[Any]]]] = field(default_factory=list)
    units: Mapping[str, str] = field(default_factory=dict)
    samples: list[Any] = field(default_factory=list)
    labels: list[Mapping[str, Any]] = field(default_factory=list)
    label_units: Mapping[str, str] = field(default_factory=dict)
    parameter_units: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class ExporterSuite(ComponentSuite):
    """Checks of an exporter on five samples.

    Attributes
    ----------
    component
        The exporter class.
    importer
        The importer of the same format; without one, override :meth:`read`.
    import_settings
        Its settings; ``channels`` are given where it has them.
    channels
        Channels of the dataset that is written.
    """

    component: ClassVar[type[Exporter[Any]]]
    importer: ClassVar[type[Importer[Any]] | None] = None
    import_settings: ClassVar[Mapping[str, Any]] = {}
    channels: ClassVar[tuple[str, ...]] = ("xas", "xes")

    # What is written and read --------------------------------------------------------------------

    def dataset(self, kind: str) -> Dataset:
        """Return five samples of a kind with all that a dataset can have."""
        random = np.random.default_rng(7)
        samples: Samples = parameters(N) if kind == "parameters" else waters(N)
        if kind == "specimens":
            known = [8, 8, 8, 8, 0]
            samples = Specimens(samples.ids, ["H2O", "", "D2O", "ice", "H2O"], known)
        ids = samples.ids
        energies = {"xas": np.linspace(2.5, 3.1, 9) * 1000 / 3, "xes": np.array([520.1, 522, 525])}
        spectra = {
            name: Channel(
                random.normal(size=(N, len(energies[name]))), energies[name], (), f"Mb {name}"
            )
            for name in self.channels
        }
        labels = {
            "site": np.arange(N),
            "energy_shift": np.array([0.1, np.nan, -1e-300, 1 / 3, 1e22]),
            "bound": np.array([True, False, True, True, False]),
            "where": np.array(["süß", "007", "T", "two words", 'say "µ"']),
        }
        return Dataset(
            samples,
            Spectra(spectra),
            Metadata(name="toy", version="1.0.0", licence="CC0-1.0", title="A toy"),
            labels,
            {"energy_shift": "eV"},
            {
                "default": Split(ids[:3], ids[3:4], ids[4:]),
                "half": Split(ids[1:3], ids[:0], ids[:1]),
            },
        )

    def place(self, folder: Path) -> Path:
        """Return where to write in a folder."""
        return folder / f"out{''.join(self.component.suffixes[:1])}"

    def read(self, path: Path) -> ReadBack:
        """Read what was written, with the importer of the same format."""
        if self.importer is None:
            pytest.skip("there is no importer of this format, and the suite reads nothing else")
        known = self.importer.Config.model_fields
        more = {"channels": self.channels} if "channels" in known else {}
        log = ImportLog()
        entries = list(self.importer(**{**more, **self.import_settings}).entries(path, log))
        assert not log.bad, f"its own importer finds {log.bad[0]}"
        found = ReadBack(
            label_units=log.label_units, parameter_units=log.parameter_units, splits=log.splits
        )
        for entry in entries:
            (sample,) = entry.samples
            found.ids.append(sample.id)
            found.samples.append(sample)
            found.spectra.append({k: (c.energy, c.intensity) for k, c in entry.curves.items()})
            found.units = {name: curve.unit for name, curve in entry.curves.items()}
            found.labels.append(entry.labels)
        return found

    # The checks ----------------------------------------------------------------------------------

    def test_holds(self) -> None:
        """It says what the format can hold, in known words."""
        assert self.component.holds <= set(Part.__args__)  # type: ignore[attr-defined]
        assert self.component.needs
        assert set(self.component.needs) <= set(ANY_SAMPLES)
        lost = self.component.holds.intersection(ANY_SAMPLES) - set(self.component.needs)
        assert not lost, f"'holds' names {', '.join(lost)}, which 'needs' refuses"
        assert all(end.startswith(".") and end.islower() for end in self.component.suffixes)

    def test_round_trip(self, tmp_path: Path) -> None:
        """What the format can hold comes back bit by bit; the samples in any order."""
        for kind in self.component.needs:
            dataset = self.dataset(kind)
            done = self.build().write(dataset, self.place(tmp_path / kind))
            self.compare(dataset, self.read(done.files[-1]))

    def test_crystals(self, tmp_path: Path) -> None:
        """Cells and absorbers come back too."""
        if not {"structures"} <= self.component.holds & set(self.component.needs):
            pytest.skip("the format holds no structures")
        base = self.dataset("structures")
        given = crystals()
        solid = given[np.arange(N) % len(given)] if len(given) >= N else given
        rows = np.arange(min(N, len(solid)))
        whole = replace(base.select(rows), samples=solid[rows], splits={})
        done = self.build().write(whole, self.place(tmp_path))
        self.compare(whole, self.read(done.files[-1]))

    def compare(self, dataset: Dataset, found: ReadBack) -> None:
        """Compare what came back with what was written."""
        holds, ids = self.component.holds, dataset.samples.ids.tolist()
        assert sorted(found.ids) == sorted(ids)
        for row, name in enumerate(found.ids):
            i = ids.index(name)
            for key, channel in dataset.spectra.items():
                energy, intensity = found.spectra[row][key]
                same(energy, channel.energy)
                same(intensity, channel.intensity[i])
            if found.samples and dataset.samples.kind in holds:
                _same_sample(found.samples[row], dataset.samples[i])
            if "labels" in holds:
                want = {key: np.asarray(value)[i].item() for key, value in dataset.labels.items()}
                got = {
                    key: getattr(v, "item", lambda v=v: v)() for key, v in found.labels[row].items()
                }
                assert set(got) == set(want)
                for key, value in want.items():
                    assert type(got[key]) is type(value), f"{key}: {got[key]!r} is not {value!r}"
                    same(got[key], value)
        if "units" in holds:
            assert dict(found.units) == {k: c.unit for k, c in dataset.spectra.items()}
        if "label units" in holds:
            assert dict(found.label_units) == dict(dataset.label_units)
        if isinstance(dataset.samples, Parameters) and "parameters" in holds:
            units = dict(zip(dataset.samples.names, dataset.samples.units, strict=True))
            assert dict(found.parameter_units) == units
        if "splits" in holds:
            parts = {k: {str(i): p for p in ("train", "validation", "test") for i in getattr(s, p)}
                     for k, s in dataset.splits.items()}  # fmt: skip
            assert {k: dict(v) for k, v in found.splits.items()} == parts

    def test_left_out(self, tmp_path: Path) -> None:
        """It names what the format cannot hold, and nothing else."""
        for kind in self.component.needs:
            dataset = self.dataset(kind)
            done = self.build().write(dataset, self.place(tmp_path / kind))
            told = "\n".join(done.left_out)
            for part, word in (
                ("metadata", "licence"),
                ("splits", "half"),
                ("labels", "where"),
                ("units", "units of channels"),
                (kind, f"the {kind}"),
            ):
                there = word in told
                assert there == (part not in self.component.holds), f"'{word}' in: {told}"

    def test_no_overwriting(self, tmp_path: Path) -> None:
        """What is there stays as it is, and nothing is left behind."""
        dataset = self.dataset(self.component.needs[0])
        path = self.place(tmp_path)
        path.write_text("mine\n")
        with refuses(DataError, path.name):
            self.build().write(dataset, path)
        assert path.read_text() == "mine\n"
        path.unlink()
        done = self.build().write(dataset, path)
        for file in done.files if all(file.is_file() for file in done.files) else ():
            for other in done.files:
                other.unlink(missing_ok=True)
            file.write_text("mine\n")
            with refuses(DataError, file.name):
                self.build().write(dataset, path)
            assert file.read_text() == "mine\n"
            assert [p.name for p in tmp_path.iterdir()] == [file.name]
        assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]

    def test_pure(self, tmp_path: Path) -> None:
        """It changes no data, and writes the same bytes again."""
        dataset = self.dataset(self.component.needs[0])
        arrays = [channel.intensity for channel in dataset.spectra.values()]
        with untouched(*arrays, *dataset.labels.values()):
            one = self.build().write(dataset, self.place(tmp_path / "one"))
        two = self.build().write(dataset, self.place(tmp_path / "two"))
        assert _bytes(one.files) == _bytes(two.files)

    def test_other_samples(self, tmp_path: Path) -> None:
        """Samples of a kind that it does not write are refused, and nothing is written."""
        for kind in {"structures", "parameters", "specimens"} - set(self.component.needs):
            with refuses(DataError, kind):
                self.build().write(self.dataset(kind), self.place(tmp_path / kind))
            assert not (tmp_path / kind).exists()

    def test_no_spectra(self, tmp_path: Path) -> None:
        """Target features alone are refused."""
        base = self.dataset(self.component.needs[0])
        only = Spectra({"moments": Channel(np.ones((N, 2)), None, ("mean", "width"))})
        with refuses(DataError, "target features"):
            self.build().write(replace(base, spectra=only), self.place(tmp_path))

    def test_not_a_number(self, tmp_path: Path) -> None:
        """A spectrum that is not finite is written as it is: no value is made up for it."""
        if self.importer is not None:
            pytest.skip("importers refuse such a spectrum by name, which their suite checks")
        base = self.dataset(self.component.needs[0])
        channel = base.spectra[self.channels[0]]
        channel.intensity[1, 2] = np.nan
        done = self.build().write(base, self.place(tmp_path))
        self.compare(base, self.read(done.files[-1]))


def _same_sample(got: Any, want: Any) -> None:
    if isinstance(want, Specimen):
        assert got == want
        return
    if not isinstance(want, Structure):
        assert dict(got.values) == dict(want.values)
        return
    for name in ("numbers", "positions", "cell", "pbc", "absorber"):
        same(getattr(got, name), getattr(want, name))


def _bytes(files: tuple[Path, ...]) -> dict[str, bytes]:
    every = [(file, file) for file in files if file.is_file()]
    every += [(f, one) for f in files if f.is_dir() for one in f.rglob("*") if one.is_file()]
    return {str(one.relative_to(file.parent)): one.read_bytes() for file, one in every}
