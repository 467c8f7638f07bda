"""The descriptor ``as-is``."""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.data.samples import Parameters
from xreg.core.errors import DataError, SampleError
from xreg.core.testing import DescriptorSuite
from xreg.plugins.as_is.as_is import AsIs


class TestAsIs(DescriptorSuite):
    component = AsIs


def table(values: list[list[float]], names: str = "abc", units: tuple[str, ...] = ("eV", "", "K")):
    rows = np.array(values, dtype=float)
    ids = [str(i) for i in range(len(rows))]
    return Parameters(ids, rows, tuple(names[: rows.shape[1]]), units[: rows.shape[1]])


def test_the_numbers_stay_as_they_are() -> None:
    samples = table([[1.5, -2, 3e5], [0, 7, 2]])
    component = AsIs().fit(samples)
    np.testing.assert_array_equal(component.transform(samples), samples.values)
    assert [(label.name, label.unit) for label in component.feature_labels] == [
        ("a", "eV"), ("b", ""), ("c", "K"),
    ]  # fmt: skip


def test_other_parameters_are_refused() -> None:
    component = AsIs().fit(table([[1, 2, 3]]))
    for other, said in (
        (table([[1, 2]]), "2 parameters for 3"),
        (table([[1, 2, 3]], "abd"), r"'d \(K\)' where 'c \(K\)' was"),
        (table([[1, 2, 3]], units=("Ry", "", "K")), r"'a \(Ry\)'"),
    ):
        with pytest.raises(DataError, match=said):
            component.transform(other)
    with pytest.raises(SampleError, match="sample '0': the parameter b is not finite"):
        component.transform(table([[1, np.nan, 3]]))
