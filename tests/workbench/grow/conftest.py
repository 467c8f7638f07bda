"""The toy distribution, and its computations in this process: starting workers costs seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from xreg.workbench.generate import generate
from xreg_tests.toy import toy

__all__ = ["toy"]


class Here:
    """Computes one batch after another in this process."""

    size = 1

    @staticmethod
    def unordered(compute, batches):
        return ((batch, compute(batch)) for batch in batches)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def workers(*_: object) -> Iterator[Here]:
        yield Here()

    monkeypatch.setattr(generate, "open_workers", workers)
