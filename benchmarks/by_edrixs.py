"""The model of the generator ``multiplet`` in edrixs, an independent program (GPL-3)."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from xreg.core.ions.model import Ion

KRYLOV = 200  # edrixs' own default


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def model(ion: Ion, v: Mapping[str, float]) -> dict[str, Any]:
    """Return edrixs' arguments for an ion with a sample's parameters."""
    import edrixs

    i, f, s1, s2 = ion.initial, ion.final, v["S1"], v["S2"]
    repulsion = [
        [2 / 63 * s1 * (x["F2dd"] + x["F4dd"]), s1 * x["F2dd"], s1 * x["F4dd"]] for x in (i, f)
    ]
    exchange = [s2 * f["G1pd"], s2 * f["G3pd"]]
    average = exchange[0] / 15 + 3 / 70 * exchange[1]
    return {
        "v_soc": (i["zeta3d"], f["zeta3d"]),
        "c_soc": f["zeta2p"],
        "v_noccu": ion.electrons,
        "slater": (repulsion[0], [*repulsion[1], average, s1 * f["F2pd"], *exchange]),
        "v_cfmat": edrixs.cf_tetragonal_d(
            10 * v["Dq"], 3 * v["Ds"] - 5 * v["Dt"], 4 * v["Ds"] + 5 * v["Dt"]
        ),
    }


def levels(ion: Ion, v: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return initial (i,) and final (f,) energies in eV and the dipole matrices (3, f, i)."""
    import edrixs

    with quiet():
        below, above, dipole = edrixs.ed_1v1c_py(("d", "p"), **model(ion, v))
    return below, above, dipole


def operators(ion: Ion, v: Mapping[str, float]) -> tuple[Any, Any, Any]:
    """Return both Hamiltonians and the dipole operators as sparse matrices."""
    import edrixs

    with quiet():
        *definition, _ = edrixs.model_1v1c(("d", "p"), **model(ion, v))
        initial, final, dipole = edrixs.get_ops(*definition, backend="scipy")
    return initial, final, dipole


def by_krylov(
    built: tuple[Any, Any, Any],
    states: int,
    energies: np.ndarray,
    width: np.ndarray,
    kelvin: float,
    vectors: int = KRYLOV,
) -> np.ndarray:
    """Return the isotropic spectrum (n,) of the lowest states by edrixs' sparse solver."""
    import edrixs

    initial, final, dipole = built
    with quiet():
        below, eigenvectors = edrixs.ed(initial, states)
        found = edrixs.xas(
            below, eigenvectors, final, dipole, energies, gamma_c=width,
            pol_type=[("isotropic", 0.0)], temperature=kelvin, backend_kws={"nkryl": vectors},
        )  # fmt: skip
    return np.asarray(found)[:, 0]
