"""Words around numbers."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: ``1 sample``, ``2,040 samples``.

    Parameters
    ----------
    number
        How many.
    one, many
        The noun for one and for any other number; with an s at the end if not given.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
