"""The generator ``pyscf``: what it is called, what it needs, and its settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from xreg.core.config import Config, Distinct, setting
from xreg.core.hooks import ComponentSpec, Requirement, hookimpl

XREG_API = "1.0"

LEBEDEV = (
    1, 6, 14, 26, 38, 50, 74, 86, 110, 146, 170, 194, 230, 266, 302, 350, 434, 590, 770, 974,
    1202, 1454, 1730, 2030, 2354, 2702, 3074, 3470, 3890, 4334, 4802, 5294, 5810,
)  # fmt: skip
"""Sizes of the angular grids that exist."""

MAX_POINTS = 20_000
"""Most energies of one channel: more is a slip of the pen, not a spectrum."""

MAX_CHARGE = 20
"""Largest charge of a molecule, either sign."""

DEFAULT_ATTEMPTS = 2
"""Ways to converge an SCF that are tried by default."""

BASIS = r"^[A-Za-z0-9][A-Za-z0-9 +*(),@_-]{0,79}$"
"""What a basis set may be called. PySCF takes any other text for a file, or for the basis set
itself, whose numbers it evaluates as Python."""

Name = Annotated[str, Field(pattern=BASIS)]
Radial = Annotated[int, Field(ge=5, le=500)]
Grid = tuple[float, float, float]
Width = Annotated[float, Field(ge=0)]
Formula = Annotated[str, Field(pattern=r"^([A-Z][a-z]?[0-9]{0,3}){1,10}$")]
Partial = Annotated[float, Field(ge=-10, le=10)]


def composition(formula: str) -> tuple[tuple[str, int], ...]:
    """Return symbols and numbers of atoms of a formula such as ``H2SO4``, by symbol."""
    counts: dict[str, int] = {}
    for symbol, number in re.findall(r"([A-Z][a-z]?)([0-9]*)", formula):
        counts[symbol] = counts.get(symbol, 0) + int(number or 1)
    return tuple(sorted(counts.items()))


class ChargeLabel(Config):
    """A charge that each sample brings with it."""

    label: str = setting(
        min_length=1, description="Label of the samples that holds the charge in e, a whole number."
    )


class CutConfig(Config):
    """Which molecules of a liquid are computed, and what the others are to them."""

    radius: float = setting(
        unit="Å",
        gt=0,
        le=20,
        description="Molecules with an atom nearer to the absorber than this are computed, whole.",
    )
    species: dict[Formula, dict[str, Partial]] = setting(
        min_length=1,
        max_length=100,
        description="Charges of the atoms of each molecule that occurs, by formula and element, "
        "such as {H2O: {O: -0.834, H: 0.417}}; they add up to the molecule's own, and those of the "
        "computed molecules to the charge that is computed.",
    )
    charges: bool = setting(
        True, description="Whether the other molecules of the sample act as point charges."
    )
    charge_width: Width = setting(
        0.5,
        unit="Å",
        description="Width w of these charges, spread as exp(-r²/w²) so that they draw no "
        "electrons out of the molecules; 0 for points.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for formula, charges in self.species.items():
            counts = dict(composition(formula))
            if set(counts) != set(charges):
                raise ValueError(
                    f"species '{formula}' needs the charges of {', '.join(counts)} and no others"
                )
            total = sum(n * charges[symbol] for symbol, n in counts.items())
            if abs(total - round(total)) > 1e-6:
                raise ValueError(
                    f"the charges of species '{formula}' add up to {total:.4g}, no whole number"
                )
        formulas = [composition(formula) for formula in self.species]
        if len(set(formulas)) != len(formulas):
            raise ValueError("species names one twice")
        return self


class PySCFConfig(Config):
    """Settings of the generator ``pyscf``.

    The defaults are for the O K edge of light molecules at about half a second a structure.
    """

    channels: Annotated[tuple[Literal["xes", "xas", "xps"], ...], Distinct] = setting(
        ("xes", "xas", "xps"), min_length=1, description="Spectra to compute."
    )
    edge: Literal["K"] = setting("K", description="Core level: K is 1s of the absorber.")
    charge: Annotated[int, Field(ge=-MAX_CHARGE, le=MAX_CHARGE)] | ChargeLabel = setting(
        0,
        unit="e",
        description="Charge of the molecule, of all samples or, as {label: charge}, of each.",
    )
    cut: CutConfig | None = setting(
        None,
        description="For samples of a liquid: molecules that are cut out and computed, with the "
        "charge that they have together, among the charges of the others.",
    )
    spin: int = setting(
        0, ge=0, le=20, description="Unpaired electrons in the ground state (2S, not 2S+1)."
    )

    functional: str = setting(
        "PBE",
        pattern=r"^[A-Za-z0-9 +*(),.:_-]{1,200}$",
        description="Exchange-correlation functional, in PySCF's words.",
    )
    basis: str = setting(
        "def2-tzvpd",
        pattern=BASIS,
        description="Basis set of the elements that basis_for does not name; diffuse functions "
        "carry the Rydberg part of the absorption.",
    )
    basis_for: dict[str, Name] = setting(
        {}, description="Basis set by element symbol, such as {'S': 'def2-tzvp'}."
    )
    absorber_basis: Name | None = setting(
        None,
        description="Basis set of the absorber alone, where other atoms of its element need less.",
    )
    grid_for: dict[str, tuple[Radial, int]] = setting(
        {"H": (20, 86), "O": (30, 146)},
        description="Radial and angular points of the integration grid by element symbol.",
    )
    grid_level: int = setting(
        2, ge=1, le=9, description="PySCF's grid level for elements that grid_for does not name."
    )
    density_fitting: bool = setting(
        False,
        description="Fit the Coulomb term; gains nothing for a few atoms, much from about ten on.",
    )
    auxiliary_basis: Name | None = setting(
        None,
        description="Basis that the Coulomb term is fitted in, such as 'def2-universal-jfit'; "
        "PySCF's choice for the basis where not given.",
    )
    convergence: float = setting(
        1e-7, unit="Hartree", gt=0, le=1e-5, description="Energy change at which an SCF has ended."
    )
    max_cycles: int = setting(50, ge=5, le=1000, description="Most cycles of one SCF.")
    level_shift: float = setting(
        0.0,
        unit="Hartree",
        ge=0,
        le=5,
        description="Raises the empty orbitals in the first cycles of every SCF, until its orbital "
        "gradient is below 0.3: for ions side by side, between which electrons would cross over.",
    )
    attempts: int = setting(
        DEFAULT_ATTEMPTS,
        ge=DEFAULT_ATTEMPTS,
        le=4,
        description="Ways to converge an SCF, tried in turn: as it is, with the empty orbitals "
        "raised, with damping besides and twice the cycles, with more of both and four times the "
        "cycles. Where more than 2 are allowed, the label scf_attempt says which one was needed.",
    )

    xes_orbitals: Literal["ground", "half-hole"] = setting(
        "ground",
        description="Orbitals of the emission: the ground state's, or those of a spin-restricted "
        "half core hole (needed where only differences between like environments matter).",
    )
    half_hole_start: Literal["ground", "atoms"] = setting(
        "ground",
        description="What the SCF of a half-hole emission starts from: the ground state, or the "
        "atoms' densities, which spares the ground state (and its total energy as a label).",
    )
    xes_reference: Literal["delta-scf", "orbital"] = setting(
        "delta-scf",
        description="Energy scale of the emission: the highest line at the difference of the "
        "core and the valence ionisation energy, or plain orbital energy differences.",
    )
    xes_grid: Grid = setting(
        (500.0, 532.0, 0.3), unit="eV", description="First and last energy and step of xes."
    )
    xes_gaussian: Width = setting(
        1.8, unit="eV", description="Gaussian full width at half maximum of an emission line."
    )
    xes_lorentzian: Width = setting(
        0.16, unit="eV", description="Lorentzian full width at half maximum of an emission line."
    )
    xas_grid: Grid = setting(
        (522.0, 542.0, 0.2), unit="eV", description="First and last energy and step of xas."
    )
    xas_gaussian: Width = setting(
        1.0, unit="eV", description="Gaussian full width of an absorption line to a bound state."
    )
    xas_slope: Width = setting(
        0.4,
        description="Growth of that width with the energy above the vacuum level, in eV for an "
        "eV: there a finite basis has single states in place of a continuum.",
    )
    xas_lorentzian: Width = setting(
        0.16, unit="eV", description="Lorentzian full width of an absorption line."
    )
    xps_grid: Grid = setting(
        (534.0, 543.0, 0.15), unit="eV", description="First and last energy and step of xps."
    )
    xps_gaussian: Width = setting(
        0.8, unit="eV", description="Gaussian full width at half maximum of the photoline."
    )
    xps_lorentzian: Width = setting(
        0.16, unit="eV", description="Lorentzian full width at half maximum of the photoline."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for channel in ("xes", "xas", "xps"):
            first, last, step = getattr(self, f"{channel}_grid")
            if not (0 < first < last and step > 0 and (last - first) / step < MAX_POINTS):
                raise ValueError(
                    f"{channel}_grid must be first < last and a step > 0, with fewer than "
                    f"{MAX_POINTS} points"
                )
            if getattr(self, f"{channel}_gaussian") + getattr(self, f"{channel}_lorentzian") == 0:
                raise ValueError(f"{channel}_gaussian and {channel}_lorentzian cannot both be 0")
        for element, (_, angular) in self.grid_for.items():
            if angular not in LEBEDEV:
                raise ValueError(
                    f"grid_for gives {element} {angular} angular points; there are grids of "
                    f"{', '.join(map(str, LEBEDEV[5:16]))} …"
                )
        if self.cut is not None and self.charge != 0:
            raise ValueError("charge goes without 'cut', whose species have theirs")
        if self.spin and self.xes_orbitals == "half-hole":
            raise ValueError("xes_orbitals 'half-hole' is spin-restricted and needs spin 0")
        if self.half_hole_start == "atoms" and (
            self.channels != ("xes",)
            or self.xes_orbitals != "half-hole"
            or self.xes_reference != "orbital"
        ):
            raise ValueError(
                "half_hole_start 'atoms' is for channels [xes] with xes_orbitals 'half-hole' and "
                "xes_reference 'orbital': everything else needs the ground state"
            )
        return self


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the generator."""
    return [
        ComponentSpec(
            "generator",
            "pyscf",
            PySCFConfig,
            "xreg.plugins.pyscf.generator:PySCF",
            summary="XES, XAS and XPS of one site of a molecule by DFT with core holes (PySCF)",
            requires=[Requirement("pyscf", 'pip install "xreg[pyscf]"')],
        )
    ]
