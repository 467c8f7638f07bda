"""How much memory a file may claim, so that nobody's file fills a machine."""

from __future__ import annotations

from xreg.core.errors import DataError

__all__ = ["LEAST", "RATIO", "require_plausible"]

LEAST = 512 * 1024**2
"""So many bytes any file may claim."""

RATIO = 20
"""Beyond that, so many times its own size: more than measured or computed numbers compress."""


def require_plausible(claimed: int, present: int, what: str) -> None:
    """Refuse a claim of bytes in memory before anything is allocated for it.

    Raises
    ------
    DataError
        If the claim is negative, or above both bounds.
    """
    if claimed < 0 or claimed > max(LEAST, RATIO * present):
        raise DataError(
            f"{what} claims {claimed:,} bytes of memory and is of {present:,}: it is damaged, or "
            "was made to fill a machine."
        )
