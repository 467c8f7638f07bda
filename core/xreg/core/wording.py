"""Words around numbers."""

from __future__ import annotations

__all__ = ["counted", "superscript", "with_unit"]

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


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


def with_unit(name: str, unit: str) -> str:
    """Return a quantity as tables and axes name it: ``r (Å)``; a pure number by its name alone."""
    return f"{name} ({unit})" if unit else name


def superscript(number: int) -> str:
    """Return a whole number in raised digits, as in ``Å³``."""
    return str(number).translate(_RAISED)
