"""Samples: subsets, batches and lazy arrays all show the same structures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from hypothesis import given, settings
from hypothesis import strategies as st

from xreg.core.data.samples import Parameters, Structures
from xreg.core.errors import DataError, SampleError

few = settings(max_examples=30)


class Lazy:
    """An array that counts what is read of it, as a store's array would be."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.read = values, values.shape, 0

    def __getitem__(self, key: Any) -> np.ndarray:
        part = self.values[key]
        self.read += len(part)
        return part


@st.composite
def frames(draw: st.DrawFn) -> list[Atoms]:
    found = []
    for size in draw(st.lists(st.integers(1, 5), min_size=1, max_size=6)):
        numbers = draw(st.lists(st.integers(1, 94), min_size=size, max_size=size))
        rng = np.random.default_rng(draw(st.integers(0, 99)))
        periodic = draw(st.booleans())
        found.append(
            Atoms(
                numbers=numbers,
                positions=rng.normal(size=(size, 3)),
                cell=np.diag(rng.uniform(3, 5, 3)) if periodic else None,
                pbc=periodic,
            )
        )
    return found


def keys(n: int) -> st.SearchStrategy[Any]:
    rows = st.lists(st.integers(-n, n - 1), max_size=8).map(lambda i: np.array(i, dtype=int))
    masks = st.lists(st.booleans(), min_size=n, max_size=n).map(lambda m: np.array(m, dtype=bool))
    return st.slices(n) | rows | masks


def same(one: Structures, other: Structures) -> None:
    for name in ("ids", "numbers", "positions", "offsets", "absorber", "cell", "pbc"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@few
@given(frames())
def test_atoms_round_trip(atoms):
    samples = Structures.from_atoms(atoms)
    assert samples.shape == (len(atoms),)
    assert samples.ids.tolist() == [str(i) for i in range(len(atoms))]
    for i, (sample, frame) in enumerate(zip(samples, atoms, strict=True)):
        assert sample.to_atoms() == frame
        assert samples[i].to_atoms() == frame
    assert set(samples.species()) == {z for frame in atoms for z in frame.numbers}


@few
@given(st.data())
def test_a_subset_is_the_samples_it_names(data):
    samples = Structures.from_atoms(data.draw(frames()))
    key = data.draw(keys(len(samples)))
    rows = np.arange(len(samples))[key]
    if len(set(rows.tolist())) < len(rows):
        with pytest.raises(DataError, match="more than once"):
            samples[key]
        return
    subset = samples[key]
    assert subset.ids.tolist() == samples.ids[key].tolist()
    for got, row in zip(subset, rows, strict=True):
        assert got.to_atoms() == samples[int(row)].to_atoms()
        assert got.absorber == samples.absorber[row]


@few
@given(frames(), st.integers(1, 7))
def test_batches_add_up_to_the_whole(atoms, size):
    samples = Structures.from_atoms(atoms)
    batches = list(samples.batches(size))
    assert all(len(batch) <= size for batch in batches)
    joined = Structures.from_atoms([s.to_atoms() for batch in batches for s in batch])
    same(joined, samples)


@few
@given(st.data())
def test_lazy_arrays_show_the_same(data):
    samples = Structures.from_atoms(data.draw(frames()))
    lazy = Structures(
        samples.ids,
        Lazy(samples.numbers),
        Lazy(samples.positions),
        samples.offsets,
        samples.absorber,
        samples.cell,
        samples.pbc,
    )
    key = data.draw(st.slices(len(samples)))
    same(lazy[key], samples[key])
    assert lazy.species() == samples.species()
    np.testing.assert_array_equal(lazy.absorbers(), samples.absorbers())


def test_a_slice_reads_no_more_than_it_needs():
    water = Structures.from_atoms([molecule("H2O")] * 100)
    positions = Lazy(water.positions)
    lazy = Structures(water.ids, water.numbers, positions, water.offsets, water.absorber)
    assert len(lazy[10:20]) == 10
    assert positions.read == 30


def test_cell_and_periodicity_survive():
    crystal = bulk("Cu", cubic=True)
    samples = Structures.from_atoms([molecule("H2O"), crystal], absorber=[0, 2])
    assert samples[1].to_atoms() == crystal
    assert samples[1:].pbc.all()
    assert samples.absorbers().tolist() == [8, 29]


def test_nothing_selected_is_no_sample():
    samples = Structures.from_atoms([molecule("H2O")])
    assert len(samples[:0]) == 0
    assert list(samples[np.zeros(1, dtype=bool)]) == []
    with pytest.raises(IndexError):
        samples[1]


@pytest.mark.parametrize("absorber", [3, -1])
def test_an_absorber_must_be_an_atom_of_its_sample(absorber):
    with pytest.raises(SampleError, match=f"sample 'w' has absorber index {absorber} but 3 atoms"):
        Structures.from_atoms([molecule("H2O")], absorber=absorber, ids=["w"])


def test_ids_must_differ():
    with pytest.raises(DataError, match="'a' occurs more than once"):
        Structures.from_atoms([molecule("H2O")] * 2, ids=["a", "a"])


def test_arrays_must_fit_together():
    good = {"numbers": np.ones(3, int), "positions": np.zeros((3, 3)), "offsets": [0, 1, 3]}
    Structures(["a", "b"], absorber=[0, 1], **good)
    for name, bad in (
        ("numbers", np.ones(4, int)),
        ("positions", np.zeros((3, 2))),
        ("offsets", [0, 3]),
        ("cell", np.zeros((3, 3))),
    ):
        with pytest.raises(DataError, match=f"'{name}' has shape|'positions' has shape"):
            Structures(["a", "b"], absorber=[0, 1], **{**good, name: bad})


def test_offsets_must_count_up_from_zero():
    with pytest.raises(DataError, match="offsets"):
        Structures(["a", "b"], np.ones(3, int), np.zeros((3, 3)), [1, 2, 3], [0, 0])
    with pytest.raises(DataError, match="offsets"):
        Structures(["a", "b"], np.ones(3, int), np.zeros((3, 3)), [0, 4, 3], [0, 0])


@few
@given(st.data())
def test_parameters_behave_as_structures_do(data):
    n = data.draw(st.integers(1, 6))
    values = np.random.default_rng(n).normal(size=(n, 2))
    table = Parameters([f"p{i}" for i in range(n)], Lazy(values), ("10Dq", "Ds"), ("eV", "eV"))
    assert [set(p.values) for p in table] == [{"10Dq", "Ds"}] * n
    assert table[n - 1].values["Ds"] == values[n - 1, 1]
    key = data.draw(st.slices(n))
    subset = table[key]
    np.testing.assert_array_equal(subset.values, values[key])
    assert (subset.names, subset.units) == (table.names, table.units)
    batches = list(table.batches(4))
    np.testing.assert_array_equal(np.concatenate([b.values for b in batches]), values)


def test_parameters_must_fit_together():
    with pytest.raises(DataError, match="need"):
        Parameters(["a"], np.zeros((1, 2)), ("x", "y"), ("eV",))
    with pytest.raises(DataError, match="need"):
        Parameters(["a"], np.zeros((1, 3)), ("x", "y"), ("eV", "eV"))
    with pytest.raises(DataError, match="'a' occurs more than once"):
        Parameters(["a", "a"], np.zeros((2, 1)), ("x",), ("eV",))


def test_scikit_learn_indexes_samples():
    from sklearn.model_selection import train_test_split

    samples = Structures.from_atoms([molecule("H2O")] * 10)
    train, test = train_test_split(samples, random_state=0)
    assert sorted([*train.ids, *test.ids]) == sorted(samples.ids)


def test_absorbers_are_found_across_blocks():
    block = 1 << 20
    sizes = [block - 1, 3, block + 2]
    numbers = np.ones(sum(sizes), dtype=np.int32)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    absorber = [block - 2, 1, block + 1]
    numbers[offsets[:-1] + absorber] = [8, 16, 29]
    lazy = Structures(
        ["a", "b", "c"], Lazy(numbers), Lazy(np.zeros((len(numbers), 3))), offsets, absorber
    )
    assert lazy.absorbers().tolist() == [8, 16, 29]
    assert lazy.species() == (1, 8, 16, 29)
