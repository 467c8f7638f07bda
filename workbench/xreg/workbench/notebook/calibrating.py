"""A calibrated model, in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from xreg.workbench.notebook.tables import Drawing, Table, remark_list

if TYPE_CHECKING:
    from xreg.workbench.calibrate.calibrate import Calibrated

__all__ = ["CalibrationResult"]


@dataclass(frozen=True, eq=False)
class CalibrationResult:
    """A model that was calibrated.

    Attributes
    ----------
    calibrated
        Everything that was found.
    """

    calibrated: Calibrated

    @property
    def folder(self) -> Path:
        """Folder of the model, which :func:`xreg.api.predict` and all others take."""
        return self.calibrated.folder

    @cached_property
    def scores(self) -> Table:
        """Errors of held-out groups, before and after, averaged over spectra."""
        held = self.calibrated.held.summary()
        rows = [
            {
                "": when,
                "misaligned (eV)": held[f"shift_{when}"],
                "rms difference": held[f"rms_{when}"],
            }
            for when in ("before", "after")
        ]
        for way, one in self.calibrated.tried.items():
            left = one.summary()
            rows.append(
                {
                    "": way,
                    "misaligned (eV)": left["shift_after"],
                    "rms difference": left["rms_after"],
                }
            )
        return Table.of(rows, "Held-out groups")

    @property
    def remarks(self) -> Sequence[str]:
        """What whoever uses the model must know, a sentence each."""
        return self.calibrated.remarks

    def plot(self) -> Drawing:
        """Draw mean spectra before and after, and the misalignment of each."""
        from xreg.workbench.calibrate.figures import draw_calibration

        return Drawing.of(draw_calibration, self.calibrated)

    def _repr_html_(self) -> str:
        words = escape(self.calibrated.calibration.in_words())
        return f"<p>{words}</p>{self.scores._repr_html_()}{remark_list(self.remarks)}"
