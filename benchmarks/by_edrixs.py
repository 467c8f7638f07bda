"""The model of the generator ``multiplet`` in edrixs, an independent program (GPL-3)."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Mapping

import numpy as np

from xreg.core.ions.model import Ion


def levels(ion: Ion, v: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return initial (i,) and final (f,) energies in eV and the dipole matrices (3, f, i)."""
    import edrixs

    i, f, s1, s2 = ion.initial, ion.final, v["S1"], v["S2"]
    repulsion = [
        [2 / 63 * s1 * (x["F2dd"] + x["F4dd"]), s1 * x["F2dd"], s1 * x["F4dd"]] for x in (i, f)
    ]
    exchange = [s2 * f["G1pd"], s2 * f["G3pd"]]
    average = exchange[0] / 15 + 3 / 70 * exchange[1]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        below, above, dipole = edrixs.ed_1v1c_py(
            ("d", "p"),
            v_soc=(i["zeta3d"], f["zeta3d"]),
            c_soc=f["zeta2p"],
            v_noccu=ion.electrons,
            slater=(repulsion[0], [*repulsion[1], average, s1 * f["F2pd"], *exchange]),
            v_cfmat=edrixs.cf_tetragonal_d(
                10 * v["Dq"], 3 * v["Ds"] - 5 * v["Dt"], 4 * v["Ds"] + 5 * v["Dt"]
            ),
        )
    return below, above, dipole
