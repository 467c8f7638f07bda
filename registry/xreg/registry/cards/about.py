"""What a publication must state, and what it may state once only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from xreg.core.errors import ConfigError
from xreg.core.settings_in_words import explain
from xreg.registry.cards.citation import licence_fault
from xreg.registry.versions.entries import About, Collection

__all__ = ["MEANING", "REQUIRED", "about", "missing", "require_about"]

REQUIRED = {
    "dataset": ("authors", "licence"),
    "model": ("title", "authors", "licence", "intended_use", "limits"),
}
MEANING = {
    "title": ("--title", "One line that says what it is"),
    "authors": ("--author", "Authors ('Family, Given (ORCID)' or '{Group}')"),
    "licence": ("--licence", "Licence (an SPDX name such as CC-BY-4.0)"),
    "intended_use": ("--use", "What it is meant for"),
    "limits": ("--limits", "Where it is known to fail"),
}
"""By field: the option that states it, and what is asked of a person."""


def about(given: Mapping[str, Any], known: Mapping[str, Any] | None = None) -> About:
    """Return what is said about a version, joined from two sources that must not disagree.

    Parameters
    ----------
    given
        What its publisher says now; empty values count as not said.
    known
        What it says itself.

    Raises
    ------
    ConfigError
        If a field is malformed, or the two differ.
    """
    said = {key: value for key, value in given.items() if value}
    before = {key: value for key, value in (known or {}).items() if value}
    for key in said.keys() & before.keys():
        if said[key] != before[key]:
            raise ConfigError(
                f"its {key} is '{before[key]}' and cannot be published as '{said[key]}'; leave one "
                "of them out, or make it again."
            )
    try:
        return About(**{**before, **said})
    except (TypeError, ValidationError) as error:
        why = explain(error, About) if isinstance(error, ValidationError) else str(error)
        raise ConfigError(f"the card cannot be made: {why}.") from None


def missing(said: About, collection: Collection) -> list[str]:
    """Return the required fields that are empty."""
    return [name for name in REQUIRED[collection.noun] if not getattr(said, name)]


def require_about(said: About, collection: Collection) -> None:
    """Refuse a publication that lacks what must be stated, or states a licence nobody can read.

    Raises
    ------
    ConfigError
        With everything that is missing, and how to say it.
    """
    if lacking := missing(said, collection):
        options = ", ".join(f"{name} ({MEANING[name][0]})" for name in lacking)
        raise ConfigError(
            f"a {collection.noun} is published with its {', '.join(REQUIRED[collection.noun])}; "
            f"missing: {options}."
        )
    if fault := licence_fault(said.licence):
        raise ConfigError(f"{fault}.")
