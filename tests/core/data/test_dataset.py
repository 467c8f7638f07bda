"""Spectra, splits and datasets."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import molecule
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from xreg.core.data.dataset import Dataset, Metadata, require_finite
from xreg.core.data.samples import Structures
from xreg.core.data.spectra import Channel, Spectra, Spectrum
from xreg.core.data.splits import Split, make_folds, make_split
from xreg.core.errors import DataError, UnknownNameError

few = settings(max_examples=40)
PARTS = ("train", "validation", "test")


def names(n: int) -> np.ndarray:
    return np.array([f"s{i:03d}" for i in range(n)])


def parts_of(split: Split) -> list[np.ndarray]:
    return [getattr(split, part) for part in PARTS]


# Spectra ------------------------------------------------------------------------------------------


def test_a_channel_has_a_grid_or_features_and_fits_them():
    Channel(np.zeros((2, 3)), np.arange(3.0))
    Channel(np.zeros((2, 2)), features=("mean", "width"), unit="eV")
    for bad in (
        lambda: Channel(np.zeros((2, 3))),
        lambda: Channel(np.zeros((2, 3)), np.arange(3.0), features=("a", "b", "c")),
        lambda: Channel(np.zeros((2, 3)), np.arange(4.0)),
        lambda: Channel(np.zeros(3), np.arange(3.0)),
        lambda: Channel(np.zeros((2, 3)), np.array([0.0, 1.0, 1.0])),
        lambda: Channel(np.zeros((2, 3)), np.array([0.0, np.nan, 1.0])),
    ):
        with pytest.raises(DataError):
            bad()


def test_a_window_keeps_what_lies_inside():
    channel = Channel(np.arange(10.0).reshape(2, 5), np.arange(100.0, 105.0))
    window = channel.window(101, 103)
    assert window.energy.tolist() == [101, 102, 103]
    np.testing.assert_array_equal(window.intensity, [[1, 2, 3], [6, 7, 8]])
    with pytest.raises(DataError, match=r"110…120 eV holds 0 .* span 100…104 eV"):
        channel.window(110, 120)
    with pytest.raises(DataError, match="no energy window"):
        Channel(np.zeros((2, 1)), features=("a",)).window(0, 1)


@few
@given(st.data())
def test_a_channel_subset_is_the_rows_it_names(data):
    n = data.draw(st.integers(1, 8))
    channel = Channel(np.random.default_rng(n).normal(size=(n, 4)), np.arange(4.0))
    key = data.draw(
        st.slices(n)
        | st.lists(st.integers(-n, n - 1), max_size=9).map(lambda i: np.array(i, dtype=int))
        | st.lists(st.booleans(), min_size=n, max_size=n).map(np.array)
    )
    np.testing.assert_array_equal(channel[key].intensity, channel.intensity[key])


def test_an_unknown_channel_is_met_with_a_suggestion():
    spectra = Spectra({"xes": Channel(np.zeros((2, 3)), np.arange(3.0))})
    with pytest.raises(UnknownNameError, match=r"no channel 'xss' \(did you mean 'xes'\?\)"):
        spectra["xss"]
    assert "xas" not in spectra


def test_channels_have_one_length():
    long, short = (Channel(np.zeros((n, 3)), np.arange(3.0)) for n in (2, 1))
    with pytest.raises(DataError, match="differ in length"):
        Spectra({"xes": long, "xas": short})


def test_single_spectra_stack():
    made = [Spectrum({"xes": np.full(3, float(i))}) for i in range(2)]
    spectra = Spectrum.stack(made, {"xes": np.arange(3.0)})
    np.testing.assert_array_equal(spectra["xes"].intensity, [[0, 0, 0], [1, 1, 1]])


# Splits -------------------------------------------------------------------------------------------


@few
@given(
    n=st.integers(10, 300),
    fractions=st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.25, 0.25), (0.9, 0, 0.1), (0.7, 0.3, 0)]),
    seed=st.integers(0, 2**32),
)
def test_a_split_has_everyone_once_in_the_shares_asked_for(n, fractions, seed):
    split = make_split(names(n), fractions, seed=seed)
    assert sorted(np.concatenate(parts_of(split))) == names(n).tolist()
    for part, fraction in zip(parts_of(split), fractions, strict=True):
        assert abs(len(part) - fraction * n) < 2  # the other two parts leave a remainder each
        assert (len(part) == 0) == (fraction == 0)


@few
@given(
    sizes=st.lists(st.integers(1, 12), min_size=12, max_size=60),
    seed=st.integers(0, 2**32),
)
def test_no_group_is_divided_and_shares_are_met_to_a_group(sizes, seed):
    groups = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    n = len(groups)
    assume(0.1 * n >= max(sizes))
    ids = names(n)
    split = make_split(ids, seed=seed, groups=groups)
    home = {name: part for part in PARTS for name in getattr(split, part)}
    assert len(home) == n
    for group in range(len(sizes)):
        assert len({home[name] for name in ids[groups == group]}) == 1
    for part, fraction in zip(parts_of(split), (0.8, 0.1, 0.1), strict=True):
        assert abs(len(part) - fraction * n) <= 2 * max(sizes)


def test_a_seed_gives_one_split_and_another_seed_another():
    one, again, other = (make_split(names(50), seed=seed) for seed in (1, 1, 2))
    assert [p.tolist() for p in parts_of(one)] == [p.tolist() for p in parts_of(again)]
    assert one.test.tolist() != other.test.tolist()


def test_groups_may_be_words():
    groups = np.array(["CuO"] * 4 + ["Cu"] * 4 + ["CuS"] * 4)
    split = make_split(names(12), (0.4, 0.3, 0.3), groups=groups)
    assert [len(part) for part in parts_of(split)] == [4, 4, 4]


@pytest.mark.parametrize("fractions", [(0.8, 0.1, 0.2), (1.1, -0.1, 0.0)])
def test_fractions_must_add_up(fractions):
    with pytest.raises(DataError, match="add up to 1"):
        make_split(names(10), fractions)


def test_too_few_groups_are_refused():
    with pytest.raises(DataError, match=r"2 group\(s\) .* too few to fill the test part"):
        make_split(names(10), groups=np.arange(10) % 2)
    with pytest.raises(DataError, match=r"^2 sample\(s\) are too few to fill the validation part"):
        make_split(names(2))


@pytest.mark.parametrize("groups", [[0.0, 0.0, np.nan, 1.0], ["a", "b", "", "a"]])
def test_samples_without_a_group_are_none_of_their_own(groups):
    with pytest.raises(DataError, match=r"1 of 4 samples have no group \(the first is sample 2"):
        make_split(["a", "b", "c", "d"], (0.5, 0, 0.5), groups=np.array(groups))
    with pytest.raises(DataError, match="have no group"):
        make_folds(4, 2, groups=np.array(groups))


def test_a_split_names_nobody_twice():
    with pytest.raises(DataError, match="'b' stands twice"):
        Split(np.array(["a", "b"]), np.array(["b"]), np.array(["c"]))


def test_a_split_finds_its_rows_in_any_order():
    split = Split(np.array(["c", "a"]), np.array([], dtype=str), np.array(["b"]))
    rows = split.indices(np.array(["b", "c", "x", "a"]))
    assert {part: r.tolist() for part, r in rows.items()} == {
        "train": [1, 3],
        "validation": [],
        "test": [0],
    }
    for ids in (np.array(["a", "b"]), np.array([], dtype=str)):
        with pytest.raises(DataError, match=r"train part names the sample '[ca]'"):
            split.indices(ids)


# Datasets -----------------------------------------------------------------------------------------


@pytest.fixture
def dataset() -> Dataset:
    samples = Structures.from_atoms([molecule("H2O")] * 6, ids=list("abcdef"))
    intensity = np.arange(18.0).reshape(6, 3)
    return Dataset(
        samples=samples,
        spectra=Spectra({"xes": Channel(intensity, np.arange(3.0))}),
        metadata=Metadata(name="toy", version="1.0.0"),
        labels={"angle": np.arange(6.0)},
        label_units={"angle": "°"},
        splits={"default": Split(np.array(list("abcd")), np.array(["e"]), np.array(["f"]))},
    )


def test_a_subset_keeps_everything_together(dataset):
    part = dataset.select(np.array([5, 0, 3]))
    assert part.samples.ids.tolist() == ["f", "a", "d"]
    np.testing.assert_array_equal(part.spectra["xes"].intensity[:, 0], [15, 0, 9])
    np.testing.assert_array_equal(part.label("angle"), [5, 0, 3])
    split = part.splits["default"]
    assert [p.tolist() for p in parts_of(split)] == [["a", "d"], [], ["f"]]
    split.indices(part.samples.ids)


def test_an_unknown_label_is_met_with_a_suggestion(dataset):
    with pytest.raises(
        UnknownNameError, match=r"'toy' has no label 'angel' \(did you mean 'angle'"
    ):
        dataset.label("angel")


def test_lengths_must_agree(dataset):
    with pytest.raises(DataError, match="label 'angle' has 5 entries for 6 samples"):
        Dataset(dataset.samples, dataset.spectra, dataset.metadata, {"angle": np.arange(5)})
    with pytest.raises(DataError, match="channel 'xes' has 6 entries for 2 samples"):
        Dataset(dataset.samples[:2], dataset.spectra, dataset.metadata)


@pytest.mark.parametrize("name", ["../x", "a/b", "A", "", ".", "a b", "-a", "a\n"])
def test_a_name_cannot_leave_its_folder(name):
    with pytest.raises(ValidationError):
        Metadata(name=name, version="1.0.0")


@pytest.mark.parametrize("version", ["../1.0.0", "1.0", "1.0.0/..", "latest", "1.0.0\n", "१.0.0"])
def test_a_version_cannot_leave_its_folder(version):
    with pytest.raises(ValidationError):
        Metadata(name="toy", version=version)


def test_what_is_not_finite_is_named():
    values = np.ones((3, 2))
    require_finite(values, ["a", "b", "c"], "channel 'xes'")
    values[1:, 0] = np.nan, np.inf
    with pytest.raises(DataError, match=r"channel 'xes': values of 2 samples .* 'b'.*the store"):
        require_finite(values, ["a", "b", "c"], "channel 'xes'")


@settings(max_examples=20)
@given(st.integers(2, 6), st.integers(1, 3), st.integers(0, 100))
def test_folds_hold_out_every_row_once_a_repeat_and_divide_no_group(folds, repeats, seed):
    groups = np.random.default_rng(seed).integers(0, 8, 60)
    groups[:8] = np.arange(8)
    found = make_folds(60, folds, repeats=repeats, seed=seed, groups=groups)
    assert len(found) == folds * repeats
    for train, held in found:
        assert not set(groups[train]) & set(groups[held])
        assert sorted([*train, *held]) == list(range(60))
    for repeat in range(repeats):
        held = np.concatenate([h for _, h in found[repeat * folds : (repeat + 1) * folds]])
        assert sorted(held) == list(range(60))
    again = make_folds(60, folds, repeats=repeats, seed=seed, groups=groups)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(found, again, strict=True))


def test_too_few_groups_for_the_folds():
    with pytest.raises(DataError, match="2 groups of samples are too few for 3 folds"):
        make_folds(10, 3, groups=np.arange(10) % 2)
