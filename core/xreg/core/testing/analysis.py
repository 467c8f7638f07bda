"""Checks of analyses."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis import needs
from xreg.core.analysis.context import AnalysisContext
from xreg.core.errors import NotApplicableError
from xreg.core.hooks import AnalysisSpec
from xreg.core.interfaces import Analysis
from xreg.core.interfaces.analysis import Findings
from xreg.core.testing.base import ComponentSuite, same
from xreg.core.testing.model import fitted_context

__all__ = ["AnalysisSuite"]

FILE_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


class AnalysisSuite(ComponentSuite):
    """Checks of an analysis, on a linear model of 60 parameter sets.

    Attributes
    ----------
    component
        The class of the analysis.
    """

    component: ClassVar[type[Analysis[Any]]]

    def context(self) -> AnalysisContext:
        """Return a fitted model with known spectra; override for structures or decomposers."""
        return fitted_context()

    def found(self) -> Findings:
        """Return what a new analysis finds."""
        return self.build().analyse(self.context())

    def output(self, component: Any) -> NDArray[np.float64]:
        """Return the numbers by which two analyses count as equal."""
        found = component.analyse(self.context())
        return np.array(_numbers(found.plain()), dtype=np.float64)

    def test_declared_needs(self) -> None:
        """It is declared as an analysis; its needs have names that exist, and are met here."""
        _, spec = self._declared()
        assert isinstance(spec, AnalysisSpec), "declare it by an AnalysisSpec"
        unknown = sorted(set(spec.needs) - set(needs.NEEDS))
        assert not unknown, f"no such needs: {unknown}; there are {sorted(needs.NEEDS)}"
        context = self.context()
        needs.require(spec, context.model, context, self.build().config)
        if spec.default:
            assert not [row for row in spec.config.table() if row.default == "required"]

    def test_findings(self) -> None:
        """It says something: text, numbers that are JSON, tables with as many cells as heads."""
        found = self.found()
        assert isinstance(found, Findings)
        assert found.text.strip() or found.metrics or found.tables or found.drawings
        json.dumps(found.plain(), allow_nan=False)
        for table in found.tables:
            assert FILE_NAME.fullmatch(table.name), table.name
            assert len(set(table.columns)) == len(table.columns), f"{table.name}: equal heads"
            assert all(len(row) == len(table.columns) for row in table.rows), table.name
        names = [*(t.name for t in found.tables), *(d.name for d in found.drawings)]
        odd = [name for name in names if not FILE_NAME.fullmatch(name)]
        assert not odd, f"names of files are lower case, digits and dashes, not {odd}"

    def test_drawings(self) -> None:
        """Every figure can be drawn and has a title and a caption."""
        from matplotlib import pyplot

        from xreg.core.analysis.style import styled

        for drawing in self.found().drawings:
            assert drawing.title.strip()
            assert drawing.caption.strip()
            with styled():
                figure = drawing.draw()
            figure.canvas.draw()
            pyplot.close(figure)

    def test_repeats(self) -> None:
        """The same model and data give the same numbers."""
        same(self.output(self.build()), self.output(self.build()))

    def test_few_samples(self) -> None:
        """On two judged samples it finds something or says in words that it does not apply."""
        context = self.context()
        context.rows = {**context.rows, context.judged: context.rows[context.judged][:2]}
        with suppress(NotApplicableError):
            json.dumps(self.build().analyse(context).plain(), allow_nan=False)


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for key in sorted(value) for number in _numbers(value[key])]
    if isinstance(value, list):
        return [number for inner in value for number in _numbers(inner)]
    return [float(value)] if isinstance(value, int | float) else []
