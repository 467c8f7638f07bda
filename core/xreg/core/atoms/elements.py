"""The chemical elements, and settings of methods that work element by element; nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from xreg.core.config import Config, setting

__all__ = [
    "PUBLISHED_ROWS",
    "SYMBOLS",
    "AtomRowConfig",
    "SiteConfig",
    "Species",
    "atomic_number",
    "formula",
    "symbols",
]

_TABLE = (
    "X H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As "
    "Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd "
    "Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am "
    "Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"
)
SYMBOLS = _TABLE.split()
"""Symbol of each atomic number; 0 is no element."""

_NUMBERS = {symbol: number for number, symbol in enumerate(SYMBOLS) if number}


def atomic_number(symbol: str) -> int:
    """Return the atomic number of a symbol."""
    return _NUMBERS[symbol]


def symbols(numbers: Iterable[int]) -> str:
    """Return the symbols of atomic numbers, ascending, separated by commas."""
    return ", ".join(SYMBOLS[number] for number in sorted(numbers))


def _known(symbol: str) -> str:
    if symbol not in _NUMBERS:
        raise ValueError("must be the symbol of an element, such as 'Cu'")
    return symbol


def _ordered(species: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(species)) != len(species):
        raise ValueError("names an element twice")
    return tuple(sorted(species, key=atomic_number))


Symbol = Annotated[str, Field(pattern=r"^[A-Z][a-z]?$"), AfterValidator(_known)]
Species = Annotated[tuple[Symbol, ...], Field(min_length=1), AfterValidator(_ordered)]


class SiteConfig(Config):
    """Settings of every descriptor of a site (see :mod:`xreg.core.descriptors.sites`)."""

    species: Species | None = setting(
        None,
        description="Elements that structures may contain; those of the training data where none "
        "are given.",
    )
    periodic: bool = setting(
        True,
        description="Respect the periodicity that a structure states; off takes every structure "
        "for a molecule.",
    )
    molecules: float | None = setting(
        None,
        unit="Å",
        gt=0,
        le=20,
        description="See only whole molecules, each with an atom nearer to the absorber than this; "
        "where none is given, atoms one by one. Atoms are bonded nearer than 1.25 times the sum of "
        "their covalent radii.",
    )
    composition: bool = setting(
        False,
        description="Columns on the whole sample too: shares of its elements, their properties, "
        "and a crystal's density. Edges follow it beyond any cutoff.",
    )


Count = Annotated[int, Field(ge=0, le=1000)]
Role = Literal["absorber", "others"]

PUBLISHED_ROWS: Mapping[str, Any] = {
    "absorber": {"int": [1, 15]},
    "others": {"choice": list(range(4, 51, 2))},
    "H": {"choice": list(range(2, 67, 4))},
}
"""Ranges of ``counts`` in Eronen et al., Phys. Chem. Chem. Phys. 26, 22752 (2024), supplement,
Tables VII and VIII: rows of the site's element (sulfur), of the other one (oxygen), of hydrogen."""


class AtomRowConfig(SiteConfig):
    """Settings of every descriptor of :mod:`xreg.core.descriptors.atom_rows`."""

    counts: Annotated[dict[Symbol | Role, Count], Field(min_length=1)] | None = setting(
        None,
        description="How many atoms of each element have a row, the absorber included; where not "
        "given, the largest number in a structure of the training data. 'absorber' stands for the "
        "absorber's element and 'others' for every element of the training data that is not "
        "named. Rows that a structure cannot fill are zero.",
    )

    @property
    def by_role(self) -> bool:
        """Whether ``counts`` leaves it to the training data which elements there are."""
        return self.counts is not None and not set(get_args(Role)).isdisjoint(self.counts)

    @model_validator(mode="after")
    def _rows(self) -> Self:
        if self.counts is None:
            return self
        if not any(self.counts.values()):
            raise ValueError("'counts' asks for no atom at all")
        if self.by_role:
            return self
        if self.species is not None and set(self.counts) != set(self.species):
            raise ValueError("'counts' and 'species' must name the same elements")
        return self


def formula(numbers: Iterable[int]) -> str:
    """Return the chemical formula of (a,) atomic numbers, metals first."""
    from ase.formula import Formula
    from ase.symbols import Symbols

    return str(Formula(str(Symbols([int(z) for z in numbers]))).format("metal"))
