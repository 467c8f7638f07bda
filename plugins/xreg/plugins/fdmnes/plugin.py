"""The generator ``fdmnes``: what it is called, what it needs, and its settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from xreg.core.config import Distinct, setting
from xreg.core.hooks import ComponentSpec, Program, hookimpl
from xreg.core.programs.engine import EngineConfig
from xreg.core.readers.importing.settings import MeasuredSettings

XREG_API = "1.0"

TYPED_KEYWORDS = (
    "Absorber", "Convolution", "Crystal", "Ecent", "Edge", "Elarg", "End", "Energpho", "Filout",
    "Gamma_fix", "Gamma_hole", "Gamma_max", "Green", "Molecule", "N_self", "P_self", "Quadrupole",
    "R_self", "Radius", "Range", "Relativism", "SCF", "Spinorbit", "Z_absorber",
)  # fmt: skip
"""Keywords that the generator writes itself."""

PASSED_KEYWORDS = (
    "Adimp", "Allsite", "Ata", "Atom_nsph", "Center", "Center_abs", "Center_s", "Chfree",
    "Clementi", "Core_resolved", "D_max_pot", "Debye", "Delta_eps", "Dilatorb", "Dipmag", "Dirac",
    "Dyn_eg", "Dyn_g", "E1e1", "E1e2", "E1e3", "E1m1", "E1m2", "E2e2", "E3e3", "Eimag", "Excited",
    "Full_atom", "Full_potential", "Full_self_abs", "Gamma_tddft", "Green_bulk", "Green_int",
    "Hedin", "Hubbard", "Hubbard_z", "Iord", "Kern_fac", "Kern_fast", "Ldipimp", "Lmax",
    "Lmax_tddft", "Lmaxfree", "Lmaxso_max", "Lmaxstden", "Lmoins1", "Lplus1", "Lquaimp", "M1m1",
    "M2m2", "Magnetism", "Memory_save", "Muffintin", "Multrmax", "No_dft", "No_e1e1", "No_e1e2",
    "No_e1e3", "No_e2e2", "No_e3e3", "No_fermi", "No_renorm", "No_res_mag", "No_res_mom",
    "No_scf_bulk", "No_solsing", "Non_relat", "Noncentre", "Nonexc", "Normaltau", "Norman", "Nrato",
    "Octupole", "One_run", "One_scf", "Over_rad", "Overlap", "P_self_max", "Perdew", "Polarized",
    "Quadmag", "Ray_max_dirac", "Rcharge", "Rcharge_z", "Renorm", "Rionic_z", "Rmt", "Rmtg",
    "Rmtg_z", "Rmtv0", "Rpalf", "Rpotmax", "Rydberg", "Scf_abs", "Scf_exc", "Scf_non_excited",
    "Scf_smooth", "Scf_step", "Screening", "Self_abs", "Solsing", "Spherical", "Step_azim",
    "Supermuf", "Symsite", "Tddft", "V0imp", "Vmax", "Xalpha", "Z_nospinorbite", "Zero_azim",
)  # fmt: skip
"""Keywords that are passed on: numbers stand below them or nothing, and none names a file."""

NUMBERS = re.compile(r"[-+0-9.eEdD \t\n]*")

KEYWORD_LENGTH = 8
"""By so many characters keywords are told apart."""

MAX_POINTS = 20_000
"""Most energies: more is a slip of the pen, not a spectrum."""

Text = Annotated[str, Field(max_length=10_000)]


class FdmnesConfig(EngineConfig):
    """Settings of the generator ``fdmnes``; FDMNES' own keyword of each is in its description.

    The defaults are those of the published set-up: 376 energies about the edge, multiple scattering
    in muffin-tin potentials, self-consistent within 6 Å, quadrupole transitions, scalar relativity.
    """

    channels: Annotated[tuple[Literal["raw", "convoluted"], ...], Distinct] = setting(
        ("raw",),
        min_length=1,
        max_length=2,
        description="Spectra to keep: raw is FDMNES' cross section before, convoluted after its "
        "Convolution.",
    )
    edge: Literal["K", "L1", "L2", "L3", "L23", "M1", "M2", "M3", "M23", "M4", "M5", "M45"] = (
        setting("K", description="Edge: the core level.")
    )
    sites: Literal["absorber", "element"] = setting(
        "absorber",
        description="Absorber: the sample's own atom; or Z_absorber: the mean of all atoms of its "
        "element, each at its own core level.",
    )
    range: tuple[float, ...] = setting(
        (-15.0, 0.2, 60.0),
        unit="eV",
        min_length=3,
        max_length=21,
        description="Range: energies from the Fermi level, as first, step, energy, step, …, last.",
    )
    radius: float = setting(
        6.0, unit="Å", gt=0, le=30, description="Radius: the cluster reaches so far."
    )
    method: Literal["multiple-scattering", "finite-difference"] = setting(
        "multiple-scattering",
        description="Green for multiple scattering in muffin-tin potentials; finite differences "
        "(no keyword) need no muffin tins and a hundred times the time.",
    )
    scf: bool = setting(True, description="SCF: self-consistent potentials.")
    scf_radius: float = setting(
        6.0, unit="Å", gt=0, le=30, description="R_self: radius for self-consistency."
    )
    scf_iterations: int = setting(50, ge=1, le=1000, description="N_self: most iterations.")
    scf_mixing: float | None = setting(
        None,
        gt=0,
        le=1,
        description="P_self: share of the new density; FDMNES' own where not given.",
    )
    quadrupole: bool = setting(True, description="Quadrupole: add quadrupole transitions.")
    relativity: Literal["none", "scalar", "spin-orbit"] = setting(
        "scalar", description="Relativism, or Spinorbit, or neither."
    )
    gamma_hole: float | None = setting(
        None,
        unit="eV",
        ge=0,
        le=50,
        description="Gamma_hole: width of the core level (FWHM); FDMNES' own where not given.",
    )
    gamma_max: float = setting(
        15.0, unit="eV", ge=0, le=100, description="Gamma_max: width far above the edge."
    )
    gamma_fix: bool = setting(
        False, description="Gamma_fix: gamma_hole at all energies, without gamma_max."
    )
    e_cent: float = setting(
        30.0, unit="eV", gt=0, le=500, description="Ecent: where the width has grown half-way."
    )
    e_larg: float = setting(
        30.0, unit="eV", gt=0, le=500, description="Elarg: over which energies the width grows."
    )
    keywords: dict[str, Text] = setting(
        {},
        max_length=100,
        code=True,
        description="Further keywords and the numbers below them, as FDMNES reads them (such as "
        "{'Rmtg': '1.1 0.9'}; empty for a keyword alone).",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ends, steps = self.range[::2], self.range[1::2]
        if len(self.range) % 2 == 0:
            raise ValueError("range must be first, step, energy, step, …, last")
        if any(a >= b for a, b in pairwise(ends)) or min(steps) < 0.01:
            raise ValueError("range must rise, in steps of at least 0.01 eV")
        spans = [b - a for a, b in pairwise(ends)]
        if sum(s / step for s, step in zip(spans, steps, strict=True)) > MAX_POINTS:
            raise ValueError(f"range has more than {MAX_POINTS} energies")
        typed = {word.lower()[:KEYWORD_LENGTH] for word in TYPED_KEYWORDS}
        passed = {word.lower()[:KEYWORD_LENGTH] for word in PASSED_KEYWORDS}
        from xreg.core.readers.numbers import are_numbers  # which imports numpy

        for word, below in self.keywords.items():
            if not re.fullmatch(r"[A-Za-z0-9_]+", word):
                raise ValueError("a keyword of keywords is one word")
            if word.strip().lower()[:KEYWORD_LENGTH] in typed:
                raise ValueError(f"keywords must not hold {word}, which other settings write")
            if word.lower()[:KEYWORD_LENGTH] not in passed:
                raise ValueError(
                    f"keywords must not hold {word}; passed on are {', '.join(PASSED_KEYWORDS)}"
                )
            if not NUMBERS.fullmatch(below) or not are_numbers(below):
                raise ValueError(f"what stands below {word} in keywords must be numbers")
        return self


class FdmnesImportConfig(MeasuredSettings):
    """Settings of the importer ``fdmnes``."""

    edge_energy: float | None = setting(
        None,
        unit="eV",
        gt=0,
        le=200_000,
        description="Energy of the edge (E_edge), where energies are counted from it and no raw "
        "output beside the file tells it.",
    )


FDMNES = Program(
    "FDMNES",
    "pip install --no-deps pyfitit, or download it from fdmnes.neel.cnrs.fr and set $FDMNES to it",
    variable="FDMNES",
    names=("fdmnes", "fdmnes_linux64", "fdmnes_linux"),
    wheel="pyfitit",
    inside={"linux": "/fdmnes_linux64", "win32": "/fdmnes_win64.exe"},
)


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer generator and importer."""
    return [
        ComponentSpec(
            "generator",
            "fdmnes",
            FdmnesConfig,
            "xreg.plugins.fdmnes.generator:Fdmnes",
            summary="X-ray absorption near an edge by multiple scattering or finite differences "
            "(FDMNES)",
            requires=[FDMNES],
        ),
        ComponentSpec(
            "importer",
            "fdmnes",
            FdmnesImportConfig,
            "xreg.plugins.fdmnes.importer:FdmnesImporter",
            summary="Spectra as FDMNES writes them: raw, convoluted, of several sites",
        ),
    ]
