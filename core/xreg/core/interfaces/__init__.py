"""The four kinds of method: descriptor, emulator, decomposer, spectrum generator.

A method is a class with validated settings (its ``Config``) that follows scikit-learn's
conventions: the constructor only stores settings, ``fit`` learns attributes that end in an
underscore and returns ``self``, ``get_params``/``set_params``/``clone`` work.
"""

from xreg.core.interfaces.component import Component, State
from xreg.core.interfaces.decomposer import Decomposer
from xreg.core.interfaces.descriptor import Descriptor, FeatureLabel, TorchView
from xreg.core.interfaces.emulator import Emulator
from xreg.core.interfaces.generator import Availability, SpectrumGenerator

__all__ = [
    "Availability",
    "Component",
    "Decomposer",
    "Descriptor",
    "Emulator",
    "FeatureLabel",
    "SpectrumGenerator",
    "State",
    "TorchView",
]
