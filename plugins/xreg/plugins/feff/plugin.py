"""Declares the generator and the importer ``feff``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from xreg.core.atoms.elements import Symbol
from xreg.core.config import Config, Distinct, setting
from xreg.core.hooks import ComponentSpec, Requirement, hookimpl
from xreg.core.programs.engine import EngineConfig
from xreg.core.readers.importing.settings import ChannelName

XREG_API = "1.0"

TYPED_CARDS = (
    "ATOMS", "CONTROL", "COREHOLE", "CORRECTIONS", "EDGE", "EGRID", "END", "EXCHANGE", "FMS",
    "HOLE", "POTENTIALS", "PRINT", "S02", "SCF", "TITLE", "XANES", "XES",
)  # fmt: skip
"""Cards that the generator writes itself."""

PASSED_CARDS = (
    "ABSOLUTE", "AFOLP", "CHBROAD", "CHSHIFT", "CHWIDTH", "CORVAL", "CRITERIA", "DEBYE", "EGAP",
    "ELLIPTICITY", "EPS0", "FOLP", "INTERSTITIAL", "ION", "IORDER", "JUMPRM", "LDEC",
    "LDOS", "LJMAX", "MPSE", "MULTIPOLE", "NLEG", "NOHOLE", "NUMDENS", "OPCONS", "PCRITERIA",
    "PLASMON", "PMBSE", "POLARIZATION", "PREPS", "RGRID", "RMULTIPLIER", "RPATH", "RSIGMA", "SCXC",
    "SELF", "SETEDGE", "SFCONV", "SFSE", "SIG2", "SIG3", "SIGGK", "SPIN", "SS", "SYMMETRY", "TDLDA",
    "TEMP", "UNFREEZEF",
)  # fmt: skip
"""Cards that are passed on: numbers stand behind them, and none names a file."""

CARD = re.compile(r"([A-Za-z][A-Za-z0-9]*)((?:[ \t]+[-+]?[0-9.]+(?:[eEdD][-+]?[0-9]+)?)*)[ \t]*")
"""One card and its numbers; no comment, no text, no second line."""

ABSORPTION_MESH, EMISSION_MESH = ("xkmax", "xkstep"), ("above",)
"""Settings that only one kind of spectrum has."""

Momentum = Annotated[int, Field(ge=-1, le=5)]
Card = Annotated[str, Field(min_length=1, max_length=2000)]


class FeffConfig(EngineConfig):
    """Settings of the generator ``feff``; FEFF's own name of each stands in capitals.

    The defaults are the conventions of large published FEFF data sets (Materials Project): SCF 7 Å,
    FMS 9 Å, RPA core hole, Hedin–Lundqvist exchange, ground-state exchange in the background.
    """

    spectrum: Literal["absorption", "emission"] = setting(
        "absorption",
        description="XANES or XES: absorption from the core level, or emission from the occupied "
        "states between 'below' and the Fermi level into its hole.",
    )
    channels: Annotated[tuple[Literal["raw", "background"], ...], Distinct] = setting(
        ("raw",),
        min_length=1,
        max_length=2,
        description="Spectra to keep: raw is FEFF's mu, background its atomic mu0.",
    )
    edge: Literal["K", "L1", "L2", "L3", "M1", "M2", "M3", "M4", "M5"] = setting(
        "K", description="EDGE: the core level."
    )
    radius: float = setting(
        10.0,
        unit="Å",
        gt=0,
        le=50,
        description="ATOMS: the cluster reaches so far from the absorber.",
    )
    scf_radius: float = setting(
        7.0,
        unit="Å",
        ge=0,
        le=30,
        description="SCF rfms1: radius for self-consistent potentials; 0 overlaps free atoms.",
    )
    scf_single: bool | None = setting(
        None,
        description="SCF lfms1: one scattering calculation for the whole cluster and not one about "
        "each potential; for molecules, and off for crystals, where not given.",
    )
    scf_iterations: int = setting(100, ge=1, le=100, description="SCF nscmt: most iterations.")
    scf_mixing: float = setting(
        0.2, gt=0, le=0.9, description="SCF ca: share of the new density in each iteration."
    )
    scf_plain: int = setting(
        3, ge=1, le=100, description="SCF nmix: iterations mixed plainly before Broyden's method."
    )
    scf_retries: int = setting(
        2,
        ge=0,
        le=5,
        description="How often potentials that do not converge are begun anew, each time with half "
        "the scf_mixing and twice the scf_plain; the label scf_tries counts.",
    )
    fms_radius: float = setting(
        9.0, unit="Å", gt=0, le=30, description="FMS rfms: radius for full multiple scattering."
    )
    core_hole: Literal["RPA", "FSR", "NONE"] | None = setting(
        None,
        description="COREHOLE: screened in the random phase approximation, the final state rule, "
        "or no hole; where not given RPA for absorption and NONE for emission, whose final state "
        "has none.",
    )
    exchange: Literal["hedin-lundqvist", "dirac-hara", "ground-state", "dirac-hara-hl"] = setting(
        "hedin-lundqvist", description="EXCHANGE ixc (0, 1, 2, 3): self-energy of the electron."
    )
    background_exchange: Literal[
        "hedin-lundqvist", "dirac-hara", "ground-state", "dirac-hara-hl"
    ] = setting("ground-state", description="EXCHANGE ixc0: the same for the atomic background.")
    exchange_real: float = setting(
        0.0, unit="eV", ge=-50, le=50, description="EXCHANGE vr0: shift of the Fermi level."
    )
    exchange_imag: float = setting(
        0.0, unit="eV", ge=0, le=50, description="EXCHANGE vi0: constant broadening (HWHM)."
    )
    corrections_real: float = setting(
        0.0, unit="eV", ge=-50, le=50, description="CORRECTIONS vrcorr: shift of the energies."
    )
    corrections_imag: float = setting(
        0.0, unit="eV", ge=0, le=50, description="CORRECTIONS vicorr: broadening (HWHM)."
    )
    s02: float = setting(1.0, ge=0, le=1, description="S02: amplitude reduction factor.")
    xkmax: float = setting(
        4.0,
        unit="1/Å",
        gt=0,
        le=10,
        description="XANES xkmax: wave number where the mesh of absorption ends.",
    )
    xkstep: float = setting(
        0.04, unit="1/Å", gt=0, le=1, description="XANES xkstep: that mesh's step above the edge."
    )
    vixan: float = setting(
        0.1,
        unit="eV",
        gt=0,
        le=2,
        description="XANES vixan: its smallest step, at the edge; of emission every step.",
    )
    below: float = setting(
        15.0,
        unit="eV",
        ge=0,
        le=100,
        description="EGRID: how far below the Fermi level the mesh begins.",
    )
    above: float = setting(
        5.0,
        unit="eV",
        ge=0,
        le=40,
        description="EGRID: how far above the Fermi level the mesh of emission ends, where "
        "broadening leaves some.",
    )
    lmax: dict[Symbol, tuple[Momentum, Momentum]] = setting(
        {},
        max_length=20,
        description="POTENTIALS l_scmt, l_fms by element; FEFF's own for -1 and for elements that "
        "are not named.",
    )
    cards: tuple[Card, ...] = setting(
        (),
        max_length=100,
        code=True,
        description="Further cards of feff.inp, each with its numbers (such as 'FOLP 0 1.1').",
    )

    @property
    def hole(self) -> Literal["RPA", "FSR", "NONE"]:
        """What stands on the COREHOLE card."""
        return self.core_hole or ("NONE" if self.spectrum == "emission" else "RPA")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        other = ABSORPTION_MESH if self.spectrum == "emission" else EMISSION_MESH
        for name in other:
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} has no meaning for {self.spectrum}; leave it out")
        if self.spectrum == "emission" and self.below < self.vixan:
            raise ValueError("below must hold at least one step (vixan) of an emission spectrum")
        if max(self.scf_radius, self.fms_radius) > self.radius:
            raise ValueError("scf_radius and fms_radius must not exceed radius")
        from xreg.core.readers.numbers import are_numbers  # which imports numpy

        for card in self.cards:
            if len(card.splitlines()) > 1:
                raise ValueError("an entry of cards is one line")
            word = (card.split() or [""])[0].upper()
            # FEFF itself looks at four letters.
            if word[:4] in {typed[:4] for typed in TYPED_CARDS}:
                raise ValueError(f"cards must not hold {word}, which other settings write")
            if not (found := CARD.fullmatch(card)) or not are_numbers(found[2]):
                raise ValueError(f"{card!r} of cards is not the name of a card and numbers")
            if word not in PASSED_CARDS:
                raise ValueError(
                    f"cards must not hold {word}; passed on are {', '.join(PASSED_CARDS)}"
                )
        return self


class FeffImportConfig(Config):
    """Settings of the importer ``feff``."""

    channel: ChannelName = setting("xas", description="Name for the channel.")
    absorber: Symbol | None = setting(
        None,
        description="Element whose sites are imported, of a tree with sites of several; others are "
        "passed over.",
    )


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer generator and importer."""
    return [
        ComponentSpec(
            "generator",
            "feff",
            FeffConfig,
            "xreg.plugins.feff.generator:Feff",
            summary="X-ray absorption near an edge, and emission into a core hole, by real-space "
            "multiple scattering (FEFF10)",
            requires=[Requirement("feff10", 'pip install "xreg[feff]"')],
        ),
        ComponentSpec(
            "importer",
            "feff",
            FeffImportConfig,
            "xreg.plugins.feff.importer:FeffImporter",
            summary="Trees of <material>/POSCAR and <material>/<site>_<element>/xmu.dat, packed or "
            "not",
        ),
    ]
