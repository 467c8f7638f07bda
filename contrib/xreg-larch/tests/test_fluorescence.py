"""xreg's estimate of self-absorption against larch's correction of it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from xreg.core.measured.fluorescence import left_of_thick

fluo = pytest.importorskip("larch.xafs.fluo")


@pytest.mark.parametrize(
    ("formula", "element", "edge", "line", "angles"),
    [
        ("Fe2O3", "Fe", "K", "Ka", (45, 45)),
        ("Fe", "Fe", "K", "Ka", (45, 45)),
        ("FeSO4(H2O)7", "Fe", "K", "Ka", (30, 60)),
        ("CaCO3", "Ca", "K", "Ka", (60, 30)),
        ("CuO", "Cu", "K", "Ka", (45, 45)),
        ("PbSO4", "Pb", "L3", "La", (45, 45)),
        ("CeO2", "Ce", "L3", "La", (45, 45)),
    ],
)
def test_larch_undoes_what_is_estimated(
    formula: str, element: str, edge: str, line: str, angles: tuple[float, float]
) -> None:
    """Small structure, damped by the estimate, is as high as before after larch's correction."""
    from xraydb import xray_edge

    e0 = xray_edge(element, edge).energy
    energy = np.arange(e0 - 200, e0 + 600, 0.5)
    x = energy - e0
    ripple = np.where(x > 60, 0.02 * np.sin(0.2 * np.sqrt(np.maximum(x, 0)) * 6), 0.0)
    left = left_of_thick(formula, element, edge, *angles)
    seen = (x > 0) * 1.0 + left * ripple
    group = SimpleNamespace(energy=energy, mu=seen)
    fluo.fluo_corr(
        energy, seen, formula, element, group=group, edge=edge, line=line,
        anginp=angles[0], angout=angles[1], e0=e0, pre1=-150, pre2=-50, norm1=100, norm2=590,
        nnorm=1,
    )  # fmt: skip
    above = x > 120
    height = np.polyfit(ripple[above], group.norm_corr[above], 1)[0]
    assert height == pytest.approx(1, abs=0.02)
    # Without the damping, the correction would make it as many times too high.
    assert left < 0.85
