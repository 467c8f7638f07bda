"""Every processing step passes the suite of its kind."""

from __future__ import annotations

from typing import ClassVar

from xreg.core.testing import StepSuite
from xreg.plugins.processing.broadening import Arctangent, Gaussian, Lorentzian
from xreg.plugins.processing.edges import AlignTo, Calibrate, EdgeStep
from xreg.plugins.processing.energies import Align, Coarsen, Resample, Shift
from xreg.plugins.processing.normalisation import Normalise
from xreg.plugins.processing.repair import Deglitch


class TestLorentzian(StepSuite):
    component = Lorentzian


class TestGaussian(StepSuite):
    component = Gaussian
    settings: ClassVar = {"width": 1.5}


class TestArctangent(StepSuite):
    component = Arctangent
    settings: ClassVar = {"fermi": 7110.0}


class TestShift(StepSuite):
    component = Shift
    settings: ClassVar = {"label": "moved", "by": 1.0}


class TestAlign(StepSuite):
    component = Align


class TestAlignEach(StepSuite):
    component = Align
    settings: ClassVar = {"each": True, "to": 7112.0}


class TestResample(StepSuite):
    component = Resample
    settings: ClassVar = {"about": 7112.0, "first": -10, "last": 50, "points": 61}


class TestCoarsen(StepSuite):
    component = Coarsen
    settings: ClassVar = {"first": 7100, "last": 7160, "channels": 12}


class TestNormalise(StepSuite):
    component = Normalise
    settings: ClassVar = {"pre": (7093, 7100), "post": (7140, 7165)}


class TestEdgeStep(StepSuite):
    component = EdgeStep
    settings: ClassVar = {"pre": (-18, -5), "post": (20, 55), "degree": 1}


class TestCalibrate(StepSuite):
    component = Calibrate
    settings: ClassVar = {"reference": "b"}


class TestAlignTo(StepSuite):
    component = AlignTo
    settings: ClassVar = {"reference": "a", "window": (-8, 30)}


class TestDeglitch(StepSuite):
    component = Deglitch
    settings: ClassVar = {"windows": ((7150, 7152),)}
