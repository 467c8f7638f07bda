"""What a stranger's plugin returns is checked before anything is computed from it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from xreg.core.config import Config
from xreg.core.data.samples import Parameters
from xreg.core.errors import PluginError
from xreg.core.interfaces import Descriptor, Emulator, FeatureLabel
from xreg.core.interfaces.outputs import real_numbers
from xreg.core.model.features import build_features

X = np.arange(8.0).reshape(4, 2)


class Settings(Config):
    """None."""


class Odd(Emulator[Settings]):
    """Returns what it is told."""

    name: ClassVar[str] = "odd"
    Config = Settings
    answer: Any = None

    def _fit(self, X: Any, Y: Any, validation: Any) -> None:
        self.done_ = 1

    def _predict(self, X: Any) -> Any:
        return self.answer


GOOD = np.ones((4, 3))
BAD = np.where(np.arange(4)[:, None] == 2, np.nan, GOOD)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "returned NoneType in place of a prediction and its spread"),
        (GOOD, "returned ndarray in place of a prediction and its spread"),
        ((GOOD + 1j, None), "is of type complex128, no array of real numbers"),
        ((csr_matrix(GOOD), None), "is of type csr_matrix"),
        ((GOOD.astype(object), None), "is of type ndarray"),
        ((GOOD.astype(str), None), "is of type <U32"),
        ((GOOD[:1], None), r"the prediction of emulator 'odd' has the shape \(1, 3\) for 4 inputs"),
        ((GOOD[:, 0], None), r"has the shape \(4,\) for 4 inputs"),
        ((BAD, None), r"not finite for input 2 of 4 \(from 0\)"),
        ((GOOD, -GOOD), "spread of emulator 'odd' is negative"),
        ((GOOD, GOOD[:, :2]), "negative, or of another shape"),
        ((GOOD, BAD), "the spread of emulator 'odd' is not finite for input 2"),
    ],
)
def test_a_prediction_that_is_none(answer: Any, said: str) -> None:
    emulator = Odd(Settings()).fit(X, GOOD)
    emulator.answer = answer
    with pytest.raises(PluginError, match=said):
        emulator.predict(X)


@pytest.mark.parametrize("answer", [(GOOD.tolist(), None), (GOOD.astype("f4"), GOOD)])
def test_a_prediction_of_other_numbers_is_one(answer: Any) -> None:
    emulator = Odd(Settings()).fit(X, GOOD)
    emulator.answer = answer
    np.testing.assert_array_equal(emulator.predict(X), GOOD)


class Strange(Descriptor[Settings]):
    """Does what it is told."""

    name: ClassVar[str] = "strange"
    Config = Settings
    accepts = Parameters
    act: Any = staticmethod(lambda samples: samples.values)

    def fit(self, samples: Any, y: Any = None) -> Strange:
        return self

    @property
    def feature_labels(self) -> list[FeatureLabel]:
        return [FeatureLabel("a"), FeatureLabel("b")]

    def transform(self, samples: Any) -> Any:
        return self.act(samples)


def spoil(samples: Any) -> Any:
    found = samples.values.copy()
    samples.values[:] = 0
    return found


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda s: s.values * 1j, "what descriptor 'strange' returned is of type complex128"),
        (lambda s: csr_matrix(s.values), "is of type csr_matrix"),
        (lambda s: [[1], [1, 2]], "is of type list"),
        (lambda s: s.values[:1], r"returned an array of shape \(1, 2\) for 4 samples"),
        (spoil, "changed the samples that it was to describe"),
    ],
)
def test_features_that_are_none(act: Any, said: str) -> None:
    samples = Parameters(np.array(list("abcd")), X.copy(), ("x", "y"), ("eV", "eV"))
    descriptor = Strange(Settings())
    descriptor.act = act
    with pytest.raises(PluginError, match=said):
        build_features(descriptor, samples)


def test_whole_numbers_are_real() -> None:
    assert real_numbers([[1, 2]], "x").tolist() == [[1, 2]]
