"""What an import, a generation or a prediction read and made, so that a wrong guess is seen."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PassedOver"]


@dataclass(frozen=True)
class PassedOver:
    """A file or frame that was not read, because it is none of what was asked for.

    What was meant as a sample and cannot become one is bad instead, and is set aside or refused.

    Attributes
    ----------
    path
        The file, and the frame where it is one of several (``a.xyz, frame 3``).
    reason
        Why it was passed over (``no spectrum: README``).
    """

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"
