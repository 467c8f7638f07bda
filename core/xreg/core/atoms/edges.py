"""Absorption edges: tabulated energies, and natural widths of the core levels.

The table (``edges.json``) names its sources: energies of Elam, Ravel and Sieber (2002); widths of
Krause and Oliver (1979), and of Keski-Rahkonen and Krause (1974) where those have none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from xreg.core.errors import DataError

__all__ = ["Edge", "EdgeName", "edge_of", "edges_of"]

EdgeName = Literal["K", "L1", "L2", "L3", "M1", "M2", "M3", "M4", "M5"]


@dataclass(frozen=True, slots=True)
class Edge:
    """An absorption edge of an element.

    Attributes
    ----------
    energy
        Tabulated energy in eV.
    width
        Natural width of the core level in eV, full width at half maximum.
    """

    energy: float
    width: float


def edge_of(symbol: str, name: str) -> Edge:
    """Return an edge.

    Raises
    ------
    DataError
        If the element has no such edge above 10 eV; the message says which edges it has.
    """
    table = _table()
    if (found := table.get(name, {}).get(symbol)) is None:
        has = [edge for edge, elements in table.items() if symbol in elements]
        raise DataError(f"{symbol} has no {name} edge, only {', '.join(has) or 'none'}")
    return Edge(*found)


def edges_of(symbol: str) -> dict[str, Edge]:
    """Return the tabulated edges of an element by name; none where it has none above 10 eV."""
    return {
        name: Edge(*elements[symbol]) for name, elements in _table().items() if symbol in elements
    }


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, tuple[float, float]]]:
    content = json.loads(Path(__file__).with_name("edges.json").read_text())
    return dict(content["edges"])
