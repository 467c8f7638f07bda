"""The descriptor ``labels``: numbers as they are, texts one column each, missing ones refused."""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Parameters
from xreg.core.data.specimens import Specimens
from xreg.core.data.spectra import Spectra
from xreg.core.errors import DataError, OutsideError, SampleError
from xreg.core.interfaces.blocks import Blocks
from xreg.core.model.check import Check
from xreg.core.model.domain import Domain, Target
from xreg.core.model.model import Model
from xreg.core.model.pipeline import Pipeline
from xreg.core.testing import DescriptorSuite, clusters, crystals, parameters, waters
from xreg.plugins.coulomb.coulomb import Coulomb
from xreg.plugins.labels.labels import Labels
from xreg.plugins.ridge.ridge import Ridge
from xreg.registry.plugins import host
from xreg.workbench.predict.samples import read_samples

CHARGE = {"charge": np.array([0, 1, -1] * 30), "spin": np.array(["low", "high"] * 45)}


def labelled(samples, labels=CHARGE):
    return samples.with_labels({name: values[: len(samples)] for name, values in labels.items()})


class TestOfStructures(DescriptorSuite):
    component = Labels
    settings = {"names": ["charge", "spin"]}
    waive = {
        "continuity": "labels do not move with atoms",
        "unknown_element": "no element is read",
        "not_finite": "no position is read",
    }

    def samples(self):
        return labelled(clusters())


class TestOfParameters(DescriptorSuite):
    component = Labels
    settings = {"names": ["charge"]}

    def samples(self):
        return labelled(parameters())


class TestLabelsOfSamples:
    @pytest.mark.parametrize(
        "samples", [waters(9), crystals(9), parameters(9), Specimens([str(i) for i in range(9)])]
    )
    def test_subsets_keep_them(self, samples):
        whole = labelled(samples)
        assert not samples.labels
        rows = np.array([7, 2, 2 + 3])
        for key in (rows, slice(2, 8, 2), np.arange(9) > 5):
            np.testing.assert_array_equal(whole[key].labels["charge"], CHARGE["charge"][:9][key])
        assert [len(part.labels["spin"]) for part in whole.batches(4)] == [4, 4, 1]

    def test_of_a_dataset(self):
        about = Metadata(name="d", version="1.0.0")
        data = Dataset(parameters(6), Spectra({}), about, {"charge": CHARGE["charge"][:6]})
        assert data.samples.labels["charge"].tolist() == [0, 1, -1, 0, 1, -1]
        assert data.select([4, 1]).samples.labels["charge"].tolist() == [1, 1]

    def test_other_lengths_are_refused(self):
        with pytest.raises(DataError, match=r"'charge' has shape \(2,\) where 6 samples are"):
            parameters(6).with_labels({"charge": [0, 1]})


class TestColumns:
    def test_numbers_and_texts(self):
        samples = labelled(waters(4))
        component = Labels(names=["spin", "charge"]).fit(samples)
        assert [one.name for one in component.feature_labels] == [
            "spin = high", "spin = low", "charge",
        ]  # fmt: skip
        wanted = [[0, 1, 0], [1, 0, 1], [0, 1, -1], [1, 0, 0]]
        np.testing.assert_array_equal(component.transform(samples), wanted)

    def test_the_absorber_is_one_where_no_label_is_called_so(self):
        samples = crystals(6)
        component = Labels(names=["absorber"]).fit(samples)
        found = component.transform(samples)
        assert (found.sum(axis=1) == 1).all()
        own = labelled(samples, {"absorber": np.arange(6.0)})
        np.testing.assert_array_equal(
            Labels(names=["absorber"]).fit_transform(own)[:, 0], np.arange(6)
        )

    @pytest.mark.parametrize(
        ("labels", "names", "said"),
        [
            (CHARGE, ["chrge"], "no label 'chrge' .did you mean 'charge'"),
            ({"q": np.full(90, np.nan)}, ["q"], "no sample has the label 'q'"),
            ({"q": np.array(["a", 1] * 45, object)}, ["q"], "a text of some samples and a number"),
            ({"id": np.array([f"x{i}" for i in range(120)])}, ["id"], "120 values, more than 100"),
        ],
    )
    def test_what_cannot_be_features(self, labels, names, said):
        samples = waters(len(next(iter(labels.values()))))
        with pytest.raises(DataError, match=said):
            Labels(names=names).fit(labelled(samples, labels))


class TestOfEachSample:
    @pytest.fixture
    def fitted(self):
        return Labels(names=["charge", "spin"]).fit(labelled(waters(6)))

    @pytest.mark.parametrize(
        ("charge", "spin", "said", "kind"),
        [
            (np.nan, "low", "sample 'water-1' has no label 'charge', which the model", SampleError),
            (None, "low", "has no label 'charge'", SampleError),
            (1, "", "has no label 'spin'", SampleError),
            ("much", "low", "'charge' with 'much', which is no number", SampleError),
            (1, "middle", "'spin' with 'middle', on which nothing was trained", OutsideError),
            (1, "hihg", "did you mean 'high'", OutsideError),
            (1, 2.0, "'spin' with '2', on which nothing was trained", OutsideError),
        ],
    )
    def test_is_refused_by_name(self, fitted, charge, spin, said, kind):
        samples = waters(3)
        samples = samples.with_labels(
            {
                "charge": np.array([0, charge, "-1"], object),
                "spin": np.array(["low", spin, "high"], object),
            }
        )
        assert list(fitted.unusable(samples)) == [1]
        with pytest.raises(kind, match=said):
            fitted.transform(samples)
        rest = samples[[0, 2]]
        np.testing.assert_array_equal(fitted.transform(rest), [[0, 0, 1], [-1, 1, 0]])

    def test_without_any(self, fitted):
        assert sorted(fitted.unusable(waters(2))) == [0, 1]

    def test_missing_ones_do_not_stop_a_fit(self):
        labels = {"charge": np.array([np.nan, 1, 2.0])}
        component = Labels(names=["charge"]).fit(labelled(waters(3), labels))
        assert list(component.unusable(labelled(waters(3), labels))) == [0]


class TestInAModel:
    """A spectrum that the charge decides, beside any descriptor."""

    @pytest.fixture
    def model(self):
        samples = labelled(waters(60))
        pipeline = Pipeline(
            Ridge(alpha=1e-6),
            descriptor=Blocks({"coulomb": Coulomb(), "labels": Labels(names=["charge", "spin"])}),
        )
        charge = CHARGE["charge"][:60]
        Y = np.linspace(1, 2, 12) * (3 + charge[:, None]) + (CHARGE["spin"][:60] == "high")[:, None]
        return pipeline.fit(samples, Y, Target("xes", np.linspace(0, 1, 12))), samples, Y

    def test_it_is_learned(self, model):
        trained, samples, Y = model
        np.testing.assert_allclose(trained.predict(samples), Y, atol=1e-3)
        assert trained.needs_labels == ["charge", "spin"]

    def test_samples_without_are_refused_one_by_one(self, model):
        trained, samples, _ = model
        part = samples[:4]
        part = part.with_labels({**part.labels, "charge": np.array([0, np.nan, 1, np.nan])})
        refused = trained.refusals(part)
        assert sorted(refused) == [1, 3]
        assert "has no label 'charge'" in refused[1]

    def test_saved_and_read(self, model, tmp_path):
        trained, samples, _ = model
        trained.save(tmp_path / "model")
        again = Model.load(tmp_path / "model", host().load)
        np.testing.assert_array_equal(again.predict(samples), trained.predict(samples))
        assert again.needs_labels == ["charge", "spin"]

    def test_predicts_a_file_that_tells_them(self, model, tmp_path):
        trained, *_ = model
        frames = []
        for i, said in enumerate(["charge=1 spin=high", "charge=-1 spin=low", "charge=1"]):
            at = "O 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n"
            frames.append(f"3\nid=w{i} {said}\n{at}")
        path = tmp_path / "new.xyz"
        path.write_text("".join(frames))
        read = read_samples(path, trained.domain, labels=trained.needs_labels).known_to(trained)
        assert read.samples.ids.tolist() == ["w0", "w1"]
        assert [reason for _, reason in read.bad] == [trained.refusals(read_all(path, trained))[2]]
        found = trained.predict(read.samples)
        np.testing.assert_allclose(found[0] - found[1], 2 * np.linspace(1, 2, 12) + 1, atol=1e-2)


def read_all(path, trained):
    return read_samples(path, trained.domain, labels=trained.needs_labels).samples


def test_check_samples_of_a_model_keep_them():
    samples = labelled(parameters(3))
    check = Check.first(samples, np.ones((3, 2)))
    domain = Domain("parameters", parameters=samples.names, units=samples.units)
    again = Check.of(check.arrays(), domain)
    for name, values in samples.labels.items():
        np.testing.assert_array_equal(again.samples.labels[name], values)


def test_columns_of_a_table(tmp_path):
    (tmp_path / "new.csv").write_text("id,a,charge,more\nx,1,2,7\ny,3,,7\n")
    domain = Domain("parameters", parameters=("a",), units=("eV",))
    read = read_samples(tmp_path / "new.csv", domain, labels=["charge", "spin"])
    assert read.samples.labels["charge"].tolist() == ["2", ""]
    assert any("more" in note and "charge" not in note for note in read.notes)
    component = Labels(names=["charge"]).fit(
        Parameters(["a", "b"], np.ones((2, 1)), ("a",), ("eV",)).with_labels({"charge": [1.0, 2.0]})
    )
    assert list(component.unusable(read.samples)) == [1]
    assert component.transform(read.samples[:1]).tolist() == [[2.0]]
