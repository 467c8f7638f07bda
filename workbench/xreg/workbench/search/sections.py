"""Sections of a search: components with spaces, the families that compete, and their folds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from xreg.core.config import Config, setting
from xreg.workbench.recipes.sections import NAME, ComponentSection, StartedSection

__all__ = ["Families", "FamilySection", "FoldsSection", "SpaceSection", "StartingSpaceSection"]


class SpaceSection(ComponentSection):
    """A component by name; its settings may be values or ranges to draw from."""

    space: str = setting(
        "",
        description="Ready search space of the component that the settings here are laid over; "
        "its first one if empty (xreg plugins show NAME). Every component has defaults, in which "
        "nothing is drawn.",
    )

    @field_validator("space", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            raise ValueError("names a ready space; ranges of settings stand beside 'name'")
        return value


class StartingSpaceSection(StartedSection, SpaceSection):
    """An emulator with its search space, and what its training begins with."""


class FamilySection(Config):
    """One competitor: a descriptor, and what is to differ from the common model."""

    descriptor: SpaceSection | None = setting(
        None,
        description="The descriptor; none for an emulator that takes samples. That of the label's "
        "name where a family says nothing.",
    )
    emulator: StartingSpaceSection | None = setting(
        None, description="An emulator of its own; the common one if not given."
    )
    decomposer: SpaceSection | None = setting(
        None,
        description="A decomposer that trains its own network (ednn, nnca, pls), judged in place "
        "of an emulator by the covered variance of all its scores.",
    )

    @model_validator(mode="after")
    def _judged(self) -> Self:
        if self.descriptor is None and self.emulator is None:
            raise ValueError("needs a 'descriptor' or an 'emulator'")
        if self.emulator is not None and self.decomposer is not None:
            raise ValueError("has an 'emulator' and a 'decomposer'; one of them is judged")
        return self


def _labelled(value: Any) -> Any:
    """Return families in which one that says nothing has the descriptor of its label's name."""
    if not isinstance(value, Mapping):
        return value
    return {label: body or {"descriptor": label} for label, body in value.items()}


Families = Annotated[
    dict[Annotated[str, Field(pattern=NAME)], FamilySection], BeforeValidator(_labelled)
]


class FoldsSection(Config):
    """How candidates are judged: cross-validation on all samples but the test part."""

    count: int = setting(5, ge=2, le=100, description="Number of folds.")
    repeats: int = setting(1, ge=1, le=100, description="How often all is divided anew.")
    group: str | None = setting(
        None, description="Label whose groups are never divided; the split's if not given."
    )
