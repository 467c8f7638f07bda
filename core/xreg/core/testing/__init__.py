"""The conformance kit: what every component of a plugin must hold to, a suite for each kind.

Subclass the suite of your kind in a test file, name your class, and pytest runs the checks::

    from xreg.core.testing import DescriptorSuite

    from my_package.radii import Radii


    class TestRadii(DescriptorSuite):
        component = Radii
        settings = {"cutoff": 4.0}

A check that cannot hold for a method is waived by name, with the reason, and shows as skipped::

        waive = {"rotation": "the polarisation of the beam fixes an axis"}

Needs pytest beside xreg, nothing else.
"""

import pytest

from xreg.core.interfaces.kinds import KINDS

# Failing checks then show both sides of the comparison, as in a test file.
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in ("base", "invariance", *KINDS)))

from xreg.core.testing.analysis import AnalysisSuite  # noqa: E402
from xreg.core.testing.decomposer import DecomposerSuite  # noqa: E402
from xreg.core.testing.descriptor import DescriptorSuite  # noqa: E402
from xreg.core.testing.emulator import EmulatorSuite  # noqa: E402
from xreg.core.testing.examples import (  # noqa: E402
    clusters,
    crystals,
    parameters,
    tetrahedra,
    waters,
)
from xreg.core.testing.exporter import ExporterSuite, ReadBack  # noqa: E402
from xreg.core.testing.generator import GeneratorSuite  # noqa: E402
from xreg.core.testing.importer import ImporterSuite  # noqa: E402
from xreg.core.testing.step import StepSuite  # noqa: E402

__all__ = [
    "AnalysisSuite",
    "DecomposerSuite",
    "DescriptorSuite",
    "EmulatorSuite",
    "ExporterSuite",
    "GeneratorSuite",
    "ImporterSuite",
    "ReadBack",
    "StepSuite",
    "clusters",
    "crystals",
    "parameters",
    "tetrahedra",
    "waters",
]
