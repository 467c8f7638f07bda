"""Whatever a dataset holds comes back from a file, or is said to be left out."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Parameters, Structure, Structures
from xreg.core.data.specimens import Specimens
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.data.splits import PARTS, Split
from xreg.core.errors import DataError
from xreg.core.readers.spectra.checks import require_signal
from xreg.core.text import one_line
from xreg.workbench.exporting.exports import export_dataset
from xreg.workbench.importing.imports import import_dataset
from xreg.workbench.importing.options import ImportOptions

FINITE = st.floats(-1e12, 1e12, allow_nan=False)
# What a reader may take for something else.
ODD = st.sampled_from(
    [
        "007",
        "12",
        "1e5",
        "nan",
        "T",
        "False",
        "1 2",
        "T F",
        "_JSON 1",
        " a ",
        '"',
        "\\",
        "a=b",
        "{1}",
    ]
)
# No surrogates, which no text file holds.
TEXT = ODD | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
VISIBLE = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
# An import refuses a name that would steer a terminal, or that begins or ends with a blank.
NAME = (ODD | st.text(VISIBLE, min_size=1, max_size=8)).filter(
    lambda t: one_line(t) == t == t.strip()
)
# A store holds no other names of labels.
LABEL = st.sampled_from(["007", "12", "1e5", "nan", "T", "False", "a."]) | st.from_regex(
    r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,8}", fullmatch=True
)
UNIT = st.sampled_from(["arb. u.", "Mb", "1/eV", "⟨2p|r|3d⟩²/eV", "µ0 at +50 eV", 'odd "unit"'])
COLUMN = st.sampled_from(["int", "float", "bool", "text"])
PLAIN_NAME = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)


@st.composite
def energies(draw: st.DrawFn) -> np.ndarray:
    steps = draw(st.lists(st.floats(1e-3, 10.0), min_size=2, max_size=11))
    return np.cumsum([draw(st.floats(1.0, 2e4)), *steps])


@st.composite
def datasets(draw: st.DrawFn, kind: str, ids: Any = NAME, several: bool = True) -> Dataset:
    n = draw(st.integers(1, 4))
    names = draw(st.lists(ids, min_size=n, max_size=n, unique_by=str.casefold))
    spectra = {}
    for name in draw(st.sampled_from([["xas"], ["xas", "xes-2"]] if several else [["xas"]])):
        energy = draw(energies())
        rows = [draw(st.lists(FINITE, min_size=len(energy), max_size=len(energy))) for _ in names]
        intensity = np.array(rows)
        intensity[:, 0] += intensity[:, 1] + 1.0  # a constant spectrum is refused as no signal
        try:
            for row in intensity:
                require_signal(energy, row)
        except DataError:  # by chance a value that programs write for a missing one
            reject()
        spectra[name] = Channel(intensity, energy, (), draw(UNIT))
    labels = {}
    for name in draw(st.lists(LABEL, max_size=3, unique=True)):
        values = {
            "int": st.integers(-(2**40), 2**40),
            "float": st.floats(width=64, allow_infinity=True),
            "bool": st.booleans(),
            "text": TEXT,
        }[draw(COLUMN)]
        labels[name] = np.array([draw(values) for _ in names])
    splits = {}
    for name in draw(st.lists(PLAIN_NAME, max_size=2, unique=True)):
        parts = np.array([draw(st.sampled_from([*PARTS, ""])) for _ in names])
        if (parts != "").any():
            splits[name] = Split(*(np.array(names)[parts == part] for part in PARTS))
    units = {name: draw(st.sampled_from(["eV", "Å"])) for name in labels if draw(st.booleans())}
    if kind == "specimens":
        absorbers = [draw(st.sampled_from([0, 8, 26])) for _ in names]
        samples: Any = Specimens(names, [draw(TEXT) for _ in names], absorbers)
    elif kind == "parameters":
        columns = draw(st.lists(NAME, min_size=1, max_size=3, unique=True))
        values = np.array([[draw(FINITE) for _ in columns] for _ in names])
        samples = Parameters(names, values, columns, [draw(TEXT) for _ in columns])
    else:
        samples = Structures.of([draw(structures(name)) for name in names])
    metadata = Metadata(name="toy", version="1.0.0", licence="CC0-1.0")
    return Dataset(samples, Spectra(spectra), metadata, labels, units, splits)


@st.composite
def structures(draw: st.DrawFn, name: str) -> Structure:
    size = draw(st.integers(1, 4))
    jitter = [[draw(st.floats(-0.1, 0.1)) for _ in range(3)] for _ in range(size)]
    positions = np.array([[1.9 * i, 0.3 * i, 0.0] for i in range(size)]) + jitter
    periodic = draw(st.booleans())
    cell = np.diag([11.0, 12.5, 13.0]) + (0.1 * draw(st.floats(-1, 1)) if periodic else 0.0)
    return Structure(
        name,
        np.array([draw(st.sampled_from([1, 8, 26, 29])) for _ in range(size)], np.int32),
        positions,
        cell if periodic else np.zeros((3, 3)),
        np.full(3, periodic),
        draw(st.integers(0, size - 1)),
    )


def round_trip(
    dataset: Dataset, file: str, to: str = "", sniffed: bool = False
) -> tuple[Dataset, str]:
    """Export and import again, by channels and layout, or as ``xreg data import FILE...`` does."""
    with tempfile.TemporaryDirectory() as folder:
        done = export_dataset(dataset, Path(folder) / file, to)
        options: dict[str, Any] = {"dataset": {"name": "toy", "version": "1.0.0"}}
        if not sniffed:
            options["channels"] = list(dataset.spectra)
            options["layout"] = to or file.rpartition(".")[2]
        source = done.files[-1]
        sources = [source] if source.is_file() or not sniffed else sorted(source.iterdir())
        again = import_dataset(sources, ImportOptions.parse(options, "test"))
    return again, "\n".join(done.left_out)


def compare(got: Dataset, want: Dataset, left_out: str, holds_more: bool = True) -> None:
    order = {name: i for i, name in enumerate(got.samples.ids.tolist())}
    assert set(order) == set(want.samples.ids.tolist())
    rows = np.array([order[name] for name in want.samples.ids.tolist()])
    got = got.select(rows)
    for name, channel in want.spectra.items():
        np.testing.assert_array_equal(got.spectra[name].energy, channel.energy)
        np.testing.assert_array_equal(got.spectra[name].intensity, channel.intensity)
        assert got.spectra[name].unit == channel.unit or f"the unit {channel.unit!r}" in left_out
    for name, values in want.labels.items():
        if name not in got.labels:
            assert f"label {name!r}" in left_out
            continue
        if f"that label {name!r} holds texts" in left_out:
            continue
        assert got.labels[name].dtype.kind == values.dtype.kind, name
        np.testing.assert_array_equal(got.labels[name], values)
        if holds_more:
            assert got.label_units.get(name, "") == want.label_units.get(name, "")
    assert set(got.labels) <= set(want.labels)
    if holds_more:
        kept = {name for name in want.splits if f"split {name!r}" not in left_out}
        assert set(got.splits) == kept
        for name in kept:
            split = want.splits[name]
            for part in PARTS:
                assert set(getattr(got.splits[name], part)) == set(getattr(split, part))
    if isinstance(got.samples, Specimens):
        if isinstance(want.samples, Parameters):
            assert all(f"parameter {name!r}" in left_out for name in want.samples.names)
            return
        assert "the structures" in left_out or isinstance(want.samples, Specimens)
        if isinstance(want.samples, Specimens):
            assert list(got.samples) == list(want.samples)
        return
    if isinstance(want.samples, Parameters):
        names = list(want.samples.names)
        kept = [i for i, name in enumerate(names) if f"parameter {name!r}" not in left_out]
        assert list(got.samples.names) == [names[i] for i in kept]
        assert list(got.samples.units) == [want.samples.units[i] for i in kept]
        np.testing.assert_array_equal(got.samples.values, want.samples.values[:, kept])
        return
    for a, b in zip(got.samples, want.samples, strict=True):
        for field in ("numbers", "positions", "cell", "pbc", "absorber"):
            np.testing.assert_array_equal(getattr(a, field), getattr(b, field))


@settings(max_examples=60, deadline=None)
@given(datasets("structures"))
def test_extxyz(dataset):
    again, left_out = round_trip(dataset, "out.extxyz")
    compare(again, dataset, left_out)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["structures", "parameters", "specimens"]).flatmap(datasets))
def test_npz(dataset):
    again, left_out = round_trip(dataset, "out.npz")
    compare(again, dataset, left_out)


def labelled(labels: dict[str, list[str]]) -> Dataset:
    """Return two small structures with labels."""
    cell, pbc = np.zeros((3, 3)), np.zeros(3, bool)
    atoms = [Structure(n, np.array([29, 8]), np.eye(3)[:2] * 2, cell, pbc, 0) for n in "ab"]
    channel = Channel(np.tile(np.arange(5.0), (2, 1)), np.arange(5.0) + 8979, (), "arb. u.")
    found = {name: np.array(values) for name, values in labels.items()}
    metadata = Metadata(name="toy", version="1.0.0")
    return Dataset(Structures.of(atoms), Spectra({"xas": channel}), metadata, found)


@settings(max_examples=40, deadline=None)
@given(datasets("structures", ids=PLAIN_NAME, several=False))
@example(labelled({"a.": ["007", ""], "b.": ["007", "12"], "b": ["007", "007"]}))
def test_pairs(dataset):
    again, left_out = round_trip(dataset, "out", "pairs")
    compare(again, dataset, left_out, holds_more=False)
    if dataset.splits:
        assert "splits: " in left_out
    if dataset.labels and dataset.label_units:
        assert "units of labels: " in left_out


MEASURED = st.sampled_from(["specimens", "parameters", "structures"])


@settings(max_examples=20, deadline=None)
@given(
    MEASURED.flatmap(lambda kind: datasets(kind, ids=PLAIN_NAME, several=False)),
    st.sampled_from(["xdi", "columns"]),
)
def test_a_file_for_each_spectrum(dataset, to):
    try:
        again, left_out = round_trip(dataset, "out", to, sniffed=True)
    except DataError as error:
        if "as programs mark a missing value" in str(error):
            reject()
        raise
    compare(again, dataset, left_out)


@settings(max_examples=20, deadline=None)
@given(MEASURED.flatmap(datasets), st.sampled_from(["out.nxs", "out.csv"]))
def test_one_file_or_table(dataset, file):
    try:
        again, left_out = round_trip(dataset, file, sniffed=True)
    except DataError as error:
        if "cannot head a column of csv; rename it" not in str(error):
            raise
        return
    compare(again, dataset, left_out)


@settings(max_examples=40, deadline=None)
@given(ids=st.lists(NAME, min_size=1, max_size=4, unique=True))
def test_folders_write_a_file_for_each_id_or_nothing(ids):
    energy = np.arange(3.0)
    spectra = Spectra({"xas": Channel(np.ones((len(ids), 3)), energy)})
    samples = Parameters(ids, np.ones((len(ids), 1)), ["x"], [""])
    whole = Dataset(samples, spectra, Metadata(name="toy", version="1.0.0"))
    folds = {one.casefold() for one in ids}
    able = len(folds) == len(ids) and not any(set('/\\:*?"<>|') & set(one) for one in ids)
    with tempfile.TemporaryDirectory() as folder:
        if able and all(one == one.strip(" .") and one.strip() == one for one in ids):
            export_dataset(whole, Path(folder) / "out", "xdi")
            assert {p.name for p in (Path(folder) / "out").iterdir()} == {f"{i}.xdi" for i in ids}
        elif not able:
            with pytest.raises(DataError, match="choose a format of one file"):
                export_dataset(whole, Path(folder) / "out", "xdi")
            assert not list(Path(folder).iterdir())


@pytest.mark.parametrize("name", ["../up", "a/b", "", " a", "a.", "x" * 300, "tab\there"])
def test_an_id_that_can_name_no_file_is_refused(name, tmp_path):
    spectra = Spectra({"xas": Channel(np.ones((1, 3)), np.arange(3.0))})
    samples = Parameters([name], np.ones((1, 1)), ["x"], [""])
    whole = Dataset(samples, spectra, Metadata(name="toy", version="1.0.0"))
    with pytest.raises(DataError, match="choose a format of one file"):
        export_dataset(whole, tmp_path / "out", "xdi")
    assert not list(tmp_path.iterdir())
