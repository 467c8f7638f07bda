"""Analyses of models without a decomposer pass the suite of their kind."""

from __future__ import annotations

from typing import Any

from xreg.core.testing import AnalysisSuite
from xreg.registry.plugins import host


def suite(name: str, **settings: Any) -> type[AnalysisSuite]:
    component = host().load("analysis", name)
    return type("Suite", (AnalysisSuite,), {"component": component, "settings": settings})


class TestSpectrumError(suite("spectrum-error")):  # type: ignore[misc]
    pass


class TestCalibration(suite("calibration")):  # type: ignore[misc]
    pass


class TestBranching(suite("branching")):  # type: ignore[misc]
    pass


class TestCrossValidation(suite("cross-validation", folds=3, repeats=2)):  # type: ignore[misc]
    pass


class TestLearningCurve(suite("learning-curve", shares=(0.3, 1.0), repeats=2)):  # type: ignore[misc]
    pass


class TestImportance(suite("importance")):  # type: ignore[misc]
    pass


class TestFeatureSelection(suite("feature-selection")):  # type: ignore[misc]
    pass


class TestFeatureShare(suite("feature-share")):  # type: ignore[misc]
    pass


class TestPeaks(suite("peaks")):  # type: ignore[misc]
    pass


class TestRelativeError(suite("relative-error")):  # type: ignore[misc]
    pass


class TestCorrelations(suite("correlations")):  # type: ignore[misc]
    pass


class TestSensitivity(suite("sensitivity")):  # type: ignore[misc]
    pass
