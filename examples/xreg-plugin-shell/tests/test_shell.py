import pytest
from ase import Atoms
from xreg_shell.shell import Shell

from xreg.core.data.samples import Structures
from xreg.core.testing import DescriptorSuite


class TestShell(DescriptorSuite):
    component = Shell
    waive = {"unknown_element": "elements play no part, only where neighbours stand"}


def test_octahedron():
    """Steinhardt, Nelson and Ronchetti, figure 2: Q4 = 0.764 and Q6 = 0.354 for simple cubic."""
    corners = [[s * 2.0 * (i == j) for j in range(3)] for i in range(3) for s in (1, -1)]
    samples = Structures.from_atoms([Atoms("FeO6", [[0, 0, 0], *corners])])
    number, mean, spread, q2, q3, q4, q6 = Shell().fit_transform(samples)[0]
    assert (number, mean, spread) == pytest.approx((6, 2, 0))
    assert (q2, q3, q4, q6) == pytest.approx((0, 0, 0.764, 0.354), abs=5e-4)
