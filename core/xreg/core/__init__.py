"""The contract of xreg's plugins, and the toolbox that they share.

Attributes
----------
API_VERSION
    Version of the plugin interface. A plugin states the one that it was written for as
    ``XREG_API`` in the module of its entry point; it runs on that and on every later one of the
    same major version. 1.1 brought exporters, and units of channels that a generator states; 1.2
    emulators that start from trained ones, or know which descriptor a feature comes from
    (``Emulator.sources``), trees as arrays (``core.emulators.trees``),
    ``core.data.spaces.require_within``, labels that samples carry (``Samples.labels``,
    ``Descriptor.needs_labels``, ``SpectrumGenerator.needs_labels``), and devices
    (``core.nn.devices``).
"""

API_VERSION = "1.2"
