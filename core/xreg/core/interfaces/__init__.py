"""What a plugin implements: one interface for each kind of component (:mod:`.kinds`).

A component is a class with validated settings (its ``Config``) that follows scikit-learn's
conventions: the constructor only stores settings, ``fit`` learns attributes that end in an
underscore and returns ``self``, ``get_params``/``set_params``/``clone`` work.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xreg.core.interfaces.analysis import Analysis
    from xreg.core.interfaces.component import Component, State
    from xreg.core.interfaces.decomposer import Decomposer
    from xreg.core.interfaces.descriptor import Descriptor, FeatureLabel, TorchView
    from xreg.core.interfaces.emulator import Emulator
    from xreg.core.interfaces.exporter import Exported, Exporter
    from xreg.core.interfaces.generator import Availability, SpectrumGenerator
    from xreg.core.interfaces.importer import Entry, Importer
    from xreg.core.interfaces.step import Curves, Step

__all__ = [
    "Analysis",
    "Availability",
    "Component",
    "Curves",
    "Decomposer",
    "Descriptor",
    "Emulator",
    "Entry",
    "Exported",
    "Exporter",
    "FeatureLabel",
    "Importer",
    "SpectrumGenerator",
    "State",
    "Step",
    "TorchView",
]

_HOMES = {
    "Analysis": "analysis",
    "Availability": "generator",
    "Component": "component",
    "Curves": "step",
    "Decomposer": "decomposer",
    "Descriptor": "descriptor",
    "Emulator": "emulator",
    "Entry": "importer",
    "Exported": "exporter",
    "Exporter": "exporter",
    "FeatureLabel": "descriptor",
    "Importer": "importer",
    "SpectrumGenerator": "generator",
    "State": "component",
    "Step": "step",
    "TorchView": "descriptor",
}


def __getattr__(name: str) -> Any:
    """Import an interface when it is asked for: listing plugins needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
