"""The models that ship: small, whole, with cards, and as good as these say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from xreg.core.metrics import covered_variance
from xreg.registry.datasets import open_dataset
from xreg.registry.models import find, find_model, list_models, load_model
from xreg.registry.recording import verify
from xreg.registry.versions.entries import ModelEntry

ROOT = Path(__file__).parents[2]
MODELS = ("cu-k-xanes", "h2o-xes", "ni2-xas")


def test_three_models_ship_whole():
    assert [m.reference for m in list_models(ROOT, runs=ROOT / "nowhere")] == [
        f"{name}@1.0.0" for name in MODELS
    ]
    assert [v.problems for v in verify(ModelEntry, None, ROOT)] == [[], [], []]


@pytest.mark.parametrize("name", MODELS)
def test_each_is_small_and_says_how_good_it_is(name):
    entry = find(name, ROOT).entry
    assert entry.size < 5e6
    assert entry.authors
    assert entry.intended_use
    assert entry.limits
    score = entry.scores["test"]["r2"]
    assert score.runs == 3
    assert score.spread is not None
    assert load_model(name, ROOT).target.channel == entry.channel


@pytest.mark.parametrize("name", ["h2o-xes", "ni2-xas"])
def test_its_own_test_samples_are_predicted_as_it_was_judged(name):
    found = find_model(name, ROOT)
    folder = found.folder.parent
    data = find(name, ROOT).entry.data
    dataset = open_dataset(data.reference, registry=ROOT)
    with np.load(folder / "splits.npz") as splits:
        rows = np.flatnonzero(np.isin(dataset.samples.ids, splits["test"]))
    known = np.asarray(dataset.spectra[find(name, ROOT).entry.channel].intensity[:])[rows]
    predicted = load_model(name, ROOT).predict(dataset.samples[rows])
    stated = json.loads((folder / "metrics.json").read_text())["test"]["r2"]
    assert covered_variance(known, predicted) == pytest.approx(stated, abs=1e-3)
