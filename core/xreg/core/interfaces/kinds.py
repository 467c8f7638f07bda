"""The kinds of component that a plugin can offer: the one table that everything reads.

Plugin host, recipes, JSON schema, lists, documentation and conformance kit look here. A new kind
is one more entry, with an interface, a suite of checks and a template that it names.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["KINDS", "LABELLED", "Kind"]


@dataclass(frozen=True)
class Kind:
    """One kind of component.

    Attributes
    ----------
    name
        What declarations and lists call it.
    plural
        Heading of a list of such components.
    interface
        ``"module:Class"`` that a component of this kind extends, imported on first use.
    suite
        ``"module:Class"`` with the checks that every such component passes.
    summary
        What it does, in one sentence.
    recipe
        How a recipe asks for one: lines of YAML in which ``{name}`` is the component's name and
        ``{settings}`` stands where its settings go; or a command, for kinds that no recipe has.
    template
        What `xreg plugins new` begins one from: a file in :mod:`xreg.core.templates`.
    """

    name: str
    plural: str
    interface: str
    suite: str
    summary: str
    recipe: str
    template: str

    def base(self) -> type[Any]:
        """Import and return the interface."""
        return _load(self.interface)

    def checks(self) -> type[Any]:
        """Import and return the suite of checks; needs pytest."""
        return _load(self.suite)


def _load(target: str) -> type[Any]:
    module, _, name = target.partition(":")
    loaded: type[Any] = getattr(importlib.import_module(module), name)
    return loaded


def _kind(name: str, plural: str, interface: str, summary: str, recipe: str) -> Kind:
    return Kind(
        name,
        plural,
        f"xreg.core.interfaces.{name}:{interface}",
        f"xreg.core.testing.{name}:{name.capitalize()}Suite",
        summary,
        recipe,
        f"{name}.jinja",
    )


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        _kind(
            "descriptor",
            "Descriptors",
            "Descriptor",
            "Turns samples into features.",
            "descriptor:\n  name: {name}\n  {settings}",
        ),
        _kind(
            "emulator",
            "Emulators",
            "Emulator",
            "Predicts spectra from features or from samples.",
            "emulator:\n  name: {name}\n  {settings}",
        ),
        _kind(
            "decomposer",
            "Decomposers",
            "Decomposer",
            "Finds the few directions of the features that spectra see.",
            "decomposers:\n  {name}:\n    {settings}",
        ),
        _kind(
            "generator",
            "Spectrum generators",
            "SpectrumGenerator",
            "Computes spectra of samples.",
            "generator:\n  name: {name}\n  {settings}",
        ),
        _kind(
            "analysis",
            "Analyses",
            "Analysis",
            "Says how good a model is, and what it has learned.",
            "analyses:\n  {name}:\n    {settings}",
        ),
        _kind(
            "step",
            "Processing steps",
            "Step",
            "Turns the spectra of one channel into those of another.",
            "processing:\n  xanes:\n    steps:\n      - name: {name}\n        {settings}",
        ),
        _kind(
            "importer",
            "Importers",
            "Importer",
            "Reads files of other programs into a dataset.",
            "xreg data import SOURCE --layout {name}",
        ),
        _kind(
            "exporter",
            "Exporters",
            "Exporter",
            "Writes a dataset into files of other programs.",
            "xreg data export DATASET -o PATH --to {name}",
        ),
    )
}

LABELLED: Mapping[str, str] = {kind.plural.lower(): kind.name for kind in KINDS.values()}
"""Keys of a recipe that hold components by label (``decomposers``), and the kind of these."""
