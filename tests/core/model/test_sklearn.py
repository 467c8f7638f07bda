"""Components in scikit-learn's tools, on samples as well as on arrays."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from xreg.core.data.samples import Structures
from xreg.core.errors import ConfigError
from xreg.core.testing import parameters, waters
from xreg.plugins.internal.internal import Internal
from xreg.plugins.ridge.ridge import Ridge as RidgeEmulator


def spectra(samples: Structures) -> np.ndarray:
    """Return targets that follow from the bonds and the angle."""
    bonds = Internal().fit_transform(samples)
    return np.column_stack([bonds[:, 0] + bonds[:, 1], bonds[:, 2] / 100, bonds[:, 0]])


@pytest.fixture(scope="module")
def samples() -> Structures:
    return waters(60)


def model() -> Pipeline:
    """Return descriptor, scaler and emulator as one estimator of scikit-learn."""
    return Pipeline(
        [("descriptor", Internal()), ("scaler", StandardScaler()), ("emulator", RidgeEmulator())]
    )


def test_pipeline_on_structures(samples: Structures) -> None:
    Y = spectra(samples)
    fitted = model().fit(samples[:40], Y[:40])
    assert fitted.predict(samples[40:]).shape == (20, 3)
    assert fitted.score(samples[40:], Y[40:]) > 0.999
    check_is_fitted(fitted[-1])
    names = fitted[:1].get_feature_names_out()
    assert names.tolist() == ["r(O–H) long", "r(O–H) short", "angle(H–O–H)"]


def test_clone_of_a_pipeline(samples: Structures) -> None:
    original = model().set_params(descriptor__angles="cosine", emulator__alpha=0.5)
    original.fit(samples, spectra(samples))
    copy = clone(original)
    assert copy.get_params()["descriptor__angles"] == "cosine"
    assert copy.get_params()["emulator__alpha"] == 0.5
    assert not copy["descriptor"].__sklearn_is_fitted__()
    with pytest.raises(ConfigError, match="unknown key 'angels'"):
        copy.set_params(descriptor__angels="cosine")


@pytest.mark.parametrize("cv", [3, KFold(4, shuffle=True, random_state=0)])
def test_cross_validation_on_structures(samples: Structures, cv: object) -> None:
    scores = cross_val_score(model(), samples, spectra(samples), cv=cv, error_score="raise")
    assert scores.min() > 0.99


def test_groups_and_predictions(samples: Structures) -> None:
    """Whole trajectories are held out; predictions come in the order of the samples."""
    Y, groups = spectra(samples), np.repeat(np.arange(6), 10)
    guess = cross_val_predict(model(), samples, Y, groups=groups, cv=GroupKFold(3))
    np.testing.assert_allclose(guess, Y, atol=0.05)


def test_grid_search_over_a_descriptors_setting(samples: Structures) -> None:
    search = GridSearchCV(
        model(), {"descriptor__angles": ["degrees", "none"]}, cv=3, error_score="raise"
    )
    search.fit(samples, spectra(samples))
    assert search.best_params_ == {"descriptor__angles": "degrees"}


def test_train_test_split_keeps_samples(samples: Structures) -> None:
    train, test, y_train, _ = train_test_split(samples, spectra(samples), test_size=15)
    assert isinstance(train, Structures)
    assert (len(train), len(test)) == (45, 15)
    np.testing.assert_allclose(spectra(train), y_train)


def test_parameters_are_indexed_alike() -> None:
    rows = parameters(20)
    train, test = train_test_split(rows, test_size=5, random_state=0)
    assert set(train.ids) | set(test.ids) == set(rows.ids)


def test_emulator_among_scikit_learns_own_estimators() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 4))
    for y in (X @ [1.0, 2.0, 3.0, 4.0], X @ rng.normal(size=(4, 3))):
        ours, theirs = (
            cross_val_score(make_pipeline(StandardScaler(), last), X, y, cv=5, scoring="r2")
            for last in (RidgeEmulator(alpha=0.1), Ridge(alpha=0.1))
        )
        np.testing.assert_allclose(ours, theirs, atol=1e-3)
