"""Authors of data and models: how they are written down, and ORCID identifiers."""

from __future__ import annotations

import re
from typing import Any, Self

from pydantic import ConfigDict, Field, model_validator

from xreg.core.config import Exact

__all__ = ["Author", "orcid_fault"]

ORCID = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]")
PREFIX = re.compile(r"(https?://)?(www\.)?orcid\.org/", re.IGNORECASE)
LONGEST = 1000
WRITTEN = re.compile(r"(?P<name>[^();]+?)\s*(?:[(;]\s*(?P<orcid>[^()]*?)\s*\)?)?")


def orcid_fault(orcid: str) -> str:
    """Return what is wrong with an ORCID identifier (ISO 7064, MOD 11-2), or nothing."""
    if not ORCID.fullmatch(orcid):
        return "is no ORCID identifier; one looks like 0000-0002-1825-0097"
    total = 0
    for digit in orcid.replace("-", "")[:-1]:
        total = 2 * (total + int(digit))
    check = (12 - total % 11) % 11
    if orcid[-1] != ("X" if check == 10 else str(check)):
        return "has a wrong check digit, so a digit of it is mistyped"
    return ""


class Author(Exact):
    """A person or a group.

    Attributes
    ----------
    family, given
        Names of a person.
    group
        Name of a group or organisation, in place of these.
    orcid
        A person's ORCID identifier, checked; empty if there is none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    family: str = Field("", max_length=200)
    given: str = Field("", max_length=200)
    group: str = Field("", max_length=300)
    orcid: str = ""

    @model_validator(mode="before")
    @classmethod
    def _written(cls, value: Any) -> Any:
        """Take ``Family, Given (ORCID)`` or ``{Group}`` apart."""
        if not isinstance(value, str):
            return value
        if len(value) > LONGEST:
            raise ValueError(f"'{value[:30]}…' of {len(value):,} letters is no author; {HOW}")
        found = WRITTEN.fullmatch(" ".join(value.split()))
        if found is None:
            raise ValueError(f"'{value}' is no author; {HOW}")
        name, orcid = found["name"], PREFIX.sub("", found["orcid"] or "")
        if name.startswith("{") and name.endswith("}"):
            return {"group": name[1:-1].strip(), "orcid": orcid}
        family, comma, given = (part.strip() for part in name.partition(","))
        if not comma:
            raise ValueError(f"'{value}' may be a person or a group; {HOW}")
        return {"family": family, "given": given, "orcid": orcid}

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.family) == bool(self.group) or (self.given and not self.family):
            raise ValueError(f"an author has a family name, or is a group; {HOW}")
        if self.orcid and (fault := orcid_fault(self.orcid)):
            raise ValueError(f"the ORCID '{self.orcid}' of {self.name} {fault}")
        return self

    @property
    def name(self) -> str:
        """As one reads it: ``Marie Curie``."""
        return self.group or f"{self.given} {self.family}".strip()

    def __str__(self) -> str:
        return f"{self.name} (https://orcid.org/{self.orcid})" if self.orcid else self.name


HOW = "write a person as 'Family, Given' or 'Family, Given (ORCID)', a group as '{Name}'"
