"""Processing steps: from the spectra of one channel to those of another."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from xreg.core.data.curves import Curves
from xreg.core.interfaces.component import Component, ConfigT

__all__ = ["Step"]


class Step(Component[ConfigT]):
    """One step of a processing: the same curves and settings give the same result.

    A recipe lists steps under ``processing.<channel>.steps``; they stand in the provenance of the
    dataset that is made.
    """

    kind: ClassVar[str] = "step"

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the dataset that the step reads, known before any work."""
        return ()

    @abstractmethod
    def apply(self, curves: Curves) -> Curves:
        """Return new curves; those that are given stay as they are.

        Raises
        ------
        ConfigError, DataError
            If the step cannot be done; the message names the sample.
        """
