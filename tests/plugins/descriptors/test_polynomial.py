"""The descriptor ``polynomial`` against products written out by hand."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from xreg.core.data.samples import Parameters
from xreg.core.errors import ConfigError, DataError, SampleError
from xreg.core.testing import DescriptorSuite
from xreg.plugins.polynomial.polynomial import Polynomial


class TestPolynomial(DescriptorSuite):
    component = Polynomial


class TestStatedLimits(DescriptorSuite):
    component = Polynomial
    settings = {"degree": 2, "box": "symmetric", "limits": {"S1": [0.5, 1.5]}}


def table(values, names=("a", "b", "c"), units=("eV", "", "K")):
    return Parameters([f"s{i}" for i in range(len(values))], np.array(values, float), names, units)


@settings(max_examples=20)
@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.sampled_from(["unit", "symmetric"]),
    st.integers(0, 2**32 - 1),
)
def test_columns_are_the_products_of_boxed_parameters(p, degree, box, seed):
    rng = np.random.default_rng(seed)
    values = rng.uniform(-3, 5, (6, p)) * 10.0 ** rng.integers(-3, 4, p)
    names = [f"p{i}" for i in range(p)]
    samples = table(values, names, [""] * p)
    component = Polynomial(degree=degree, box=box).fit(samples)
    z = (values - values.min(axis=0)) / np.ptp(values, axis=0)
    if box == "symmetric":
        z = 2 * z - 1
    terms = [
        term for k in range(1, degree + 1) for term in combinations_with_replacement(range(p), k)
    ]
    want = np.column_stack([np.prod(z[:, list(term)], axis=1) for term in terms])
    np.testing.assert_allclose(component.transform(samples), want, atol=1e-9)
    seen = component.torch_view()(torch.tensor(values))
    np.testing.assert_allclose(seen, want, atol=1e-9)


def test_published_size_and_labels():
    names = ("Dq", "Ds", "Dt", "S1", "S2", "T", "sigma", "gamma1", "gamma2")
    values = np.random.default_rng(0).uniform(size=(10, 9))
    labels = Polynomial().fit(table(values, names, [""] * 9)).get_feature_names_out().tolist()
    assert len(labels) == 219
    assert labels[:10] == [*names, "Dq²"]
    assert {"Dq·Ds", "Dq²·Ds", "gamma2³", "Dq·T·gamma1"} < set(labels)


def test_stated_limits_replace_those_of_training():
    samples = table([[1, 2, 3], [2, 4, 3]])
    component = Polynomial(degree=1, limits={"a": (0, 4), "c": (0, 30)}).fit(samples)
    np.testing.assert_allclose(component.transform(samples), [[0.25, 0, 0.1], [0.5, 1, 0.1]])


def test_values_outside_the_box_go_linearly_on():
    component = Polynomial(degree=2).fit(table([[0, 0, 0], [1, 1, 1]]))
    np.testing.assert_allclose(component.transform(table([[-2, 0, 3]]))[0, [0, 2, 3]], [-2, 3, 4])


def test_constant_parameter_enters_no_column_and_may_not_change():
    component = Polynomial(degree=2).fit(table([[0, 7, 1], [1, 7, 3], [2, 7, 2]]))
    assert component.get_feature_names_out().tolist() == ["a", "c", "a²", "a·c", "c²"]
    assert component.transform(table([[1, 7, 2]])).tolist() == [[0.5, 0.5, 0.25, 0.25, 0.25]]
    with pytest.raises(SampleError, match=r"'s1' has b = 8, but it was 7"):
        component.transform(table([[1, 7, 2], [1, 8, 2]]))
    with pytest.raises(DataError, match="no parameter varied"):
        Polynomial().fit(table([[1, 2, 3]])).transform(table([[1, 2, 3]]))


def test_view_has_true_gradients_in_the_parameters_units():
    rng = np.random.default_rng(1)
    low, high = np.array([-1.4, 1.0, 0.3]), np.array([1.4, 1000.0, 0.3])
    component = Polynomial().fit(table(rng.uniform(low, high, (20, 3))))
    x = torch.tensor(rng.uniform(low, high, (4, 3)), requires_grad=True)
    assert torch.autograd.gradcheck(component.torch_view(), (x,))
    assert component.torch_view()(x.detach().float()).dtype == torch.float32


def test_other_parameters_are_refused():
    component = Polynomial().fit(table([[0, 0, 0], [1, 1, 1]]))
    with pytest.raises(DataError, match=r"'polynomial' was fitted on .* got 'c' where 'b' was"):
        component.transform(table([[0, 0, 0]], ("a", "c", "b")))
    with pytest.raises(DataError, match=r"got 'a \(meV\)' where 'a \(eV\)' was"):
        component.transform(table([[0, 0, 0]], units=("meV", "", "K")))
    with pytest.raises(DataError, match="limits for 'd'"):
        Polynomial(limits={"d": (0, 1)}).fit(table([[0, 0, 0], [1, 1, 1]]))
    with pytest.raises(SampleError, match="'s0': the parameter b is not finite"):
        component.transform(table([[0, np.nan, 0]]))


def test_limits_must_ascend():
    with pytest.raises(ConfigError, match=r"'limits\.a' must rise"):
        Polynomial(limits={"a": (1, 1)})
