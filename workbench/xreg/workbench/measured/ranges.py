"""Ranges of energy that whoever has measured spectra may state."""

from __future__ import annotations

__all__ = ["Range", "require_ascending"]

Range = tuple[float, float]
WIDEST_SHIFT = 100.0


def require_ascending(shift: Range, window: Range | None) -> None:
    """Raise `ValueError` for limits of a shift, or a window, that do not ascend; both in eV."""
    low, high = shift
    if not -WIDEST_SHIFT <= low <= high <= WIDEST_SHIFT:
        raise ValueError(f"the shift must ascend within ±100 eV, got {low:g}, {high:g}")
    if window is not None and not window[0] < window[1]:
        raise ValueError("the window must ascend, got {:g}, {:g}".format(*window))
