"""Exactly which code and which registry a result comes from."""

from __future__ import annotations

from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import xreg.core
from xreg.core.errors import XregError
from xreg.registry import worktree
from xreg.registry.datasets import find
from xreg.registry.registries import plain_place

__all__ = ["origin", "packages", "repositories"]


@cache
def packages() -> dict[str, str]:
    """Return the version of every installed distribution, by name."""
    read = (d.metadata for d in distributions())  # parsed at each access
    found = ((metadata["Name"], metadata["Version"]) for metadata in read)
    return dict(sorted({name: version for name, version in found if name}.items()))


def repositories() -> dict[str, dict[str, Any]]:
    """Return commit and dirty flag of the git repositories that had a part.

    ``xreg`` is that of the code, where it is installed from one; ``working folder`` that of the
    recipe. What is in none is not listed.
    """
    places = {"xreg": Path(xreg.core.__file__).parent, "working folder": Path.cwd()}
    states = {name: worktree.state(place) for name, place in places.items()}
    return {name: state for name, state in states.items() if state is not None}


def origin(name: str, version: str, registry: str | None) -> dict[str, Any] | None:
    """Return which registry a dataset came from: its name, place and commit; never a credential.

    None where it cannot be found any more.
    """
    try:
        found = find(f"{name}@{version}", registry=registry)
        state = worktree.state(found.root)
    except (XregError, OSError):
        return None
    return {
        "registry": plain_place(found.registry.name),
        "location": plain_place(found.registry.location),
        "commit": None if state is None else state["commit"],
    }
