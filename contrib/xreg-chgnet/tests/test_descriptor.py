"""The descriptor ``chgnet``: the conformance suite, molecules, sites of one crystal, refusals."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

pytest.importorskip("chgnet", reason="chgnet is not installed (pip install xreg-chgnet)")

from ase.build import bulk
from xreg_chgnet.descriptor import CHGNetDescriptor

from xreg.core.data.samples import Structures
from xreg.core.errors import SampleError
from xreg.core.testing import DescriptorSuite


class TestCHGNet(DescriptorSuite):
    component = CHGNetDescriptor
    plugin = "xreg_chgnet"
    tolerance: ClassVar[float] = 2e-5  # of single precision
    waive: ClassVar[dict[str, str]] = {
        "unknown_element": "nothing is learned in fit: every element up to plutonium is known"
    }


def crystal(absorber: int, scale: float = 1.0, ids: str = "s") -> Structures:
    atoms = bulk("MgO", "rocksalt", 4.21 * scale, cubic=True)
    count = len(atoms)
    return Structures(
        [f"{ids}{absorber}"],
        atoms.numbers,
        atoms.positions,
        np.array([0, count]),
        np.array([absorber]),
        np.array(atoms.cell)[None],
        np.array([[True] * 3]),
    )


def test_sites_that_are_alike_have_like_features_and_one_mean() -> None:
    build = CHGNetDescriptor().fit(crystal(0))
    mg, other, oxygen = (build.transform(crystal(i))[0] for i in (0, 2, 1))
    assert mg.shape == (512,)
    np.testing.assert_allclose(other, mg, atol=1e-4 * np.abs(mg).max())
    assert np.abs(oxygen - mg)[:256].max() > 0.1
    np.testing.assert_allclose(oxygen[256:], mg[256:], atol=1e-5 * np.abs(mg).max())
    small = CHGNetDescriptor(layers=(2,), crystal=False).fit(crystal(0)).transform(crystal(0))
    np.testing.assert_array_equal(small[0], mg[64:128])


def molecule(positions: np.ndarray, numbers: tuple[int, ...] = (8, 1, 1)) -> Structures:
    return Structures(
        ["m"], np.array(numbers), positions, np.array([0, len(numbers)]), np.zeros(1, int)
    )


WATER = np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])


def test_a_molecule_stands_in_a_box_of_its_own() -> None:
    build = CHGNetDescriptor().fit(molecule(WATER))
    first = build.transform(molecule(WATER))
    np.testing.assert_allclose(build.transform(molecule(WATER + 50.0)), first, atol=1e-3)
    assert np.abs(build.transform(molecule(WATER * 1.1)) - first).max() > 1e-2


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (molecule(WATER, (8, 1, 95)), "contains Am"),
        (molecule(WATER * 30), "no atom within 6 Å"),
        (molecule(WATER * 0.1), "0.10 Å from the absorber"),
    ],
)
def test_what_cannot_be_described_is_refused_by_name(samples: Structures, said: str) -> None:
    with pytest.raises(SampleError, match="sample 'm'") as caught:
        CHGNetDescriptor().fit(samples).transform(samples)
    assert said in str(caught.value)
