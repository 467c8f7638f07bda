"""What a plugin tells xreg, and when xreg calls a plugin.

A plugin is a distribution with an entry point in group ``xreg``::

    [project.entry-points.xreg]
    my-descriptor = "my_package.plugin"

whose module imports nothing heavy and implements the first of these hooks.
"""

from __future__ import annotations

import csv
import importlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from xreg.core.config import Config
from xreg.core.errors import MissingRequirementError, PluginError

if TYPE_CHECKING:
    from xreg.core.run import ReportSection, Run

__all__ = [
    "AnalysisSpec",
    "ComponentSpec",
    "Program",
    "Requirement",
    "hookimpl",
    "hookspec",
]

ENTRY_POINT_GROUP = "xreg"
HEAVY = ("torch", "sklearn", "scipy", "ase", "dscribe", "pyscf", "matplotlib", "zarr", "pandas")
"""Packages that a plugin's declaration must not import: listing plugins would become slow."""

hookspec = pluggy.HookspecMarker("xreg")
hookimpl = pluggy.HookimplMarker("xreg")


@dataclass(frozen=True)
class Requirement:
    """A Python module that a component needs.

    Attributes
    ----------
    name
        Its import name.
    install
        What to type to get it (``pip install "xreg[pyscf]"``).
    """

    name: str
    install: str

    def met(self) -> bool:
        """Whether it is there; nothing is imported or run."""
        try:
            return importlib.util.find_spec(self.name) is not None
        except ModuleNotFoundError:  # the parent of a dotted name is missing
            return False

    @property
    def remedy(self) -> str:
        """What to do where it is not there."""
        return self.install


@dataclass(frozen=True)
class Program(Requirement):
    """A program that a component runs. It is found, never fetched.

    Attributes
    ----------
    variable
        Environment variable that may name the file; what it names is then the only one.
    names
        What it may be called on the PATH; its own name where nothing is given.
    wheel
        Distribution that may bring it, which is looked up without being imported.
    inside
        End of its path in that distribution for each ``sys.platform``.
    """

    variable: str = ""
    names: tuple[str, ...] = ()
    wheel: str = ""
    inside: Mapping[str, str] = field(default_factory=dict)

    def met(self) -> bool:
        """Whether it is there; nothing is imported or run."""
        return self.find() is not None

    def find(self) -> Path | None:
        """Return the program's file, or None where there is none."""
        if named := os.environ.get(self.variable):
            found = shutil.which(named)
        else:
            on_path = map(shutil.which, self.names or (self.name,))
            found = next(filter(None, on_path), None) or self._in_wheel()
        return Path(found).resolve() if found else None

    @property
    def remedy(self) -> str:
        """What to do where it is not there: correct the variable that hides it, or get it."""
        if named := os.environ.get(self.variable):
            return f"${self.variable} is '{named}', which is no program: correct it or unset it"
        return self.install

    def _in_wheel(self) -> str | None:
        end = self.inside.get(sys.platform)
        if end is None:
            return None
        try:
            distribution = metadata.distribution(self.wheel)
        except metadata.PackageNotFoundError:
            return None
        # Its `files` make a path of each line, and there may be thousands.
        lines = csv.reader(
            line for line in (distribution.read_text("RECORD") or "").splitlines() if end in line
        )
        files = (distribution.locate_file(row[0]) for row in lines if row[0].endswith(end))
        return next(filter(None, (shutil.which(str(file)) for file in files)), None)

    def require(self) -> Path:
        """Return the program's file, or raise `MissingRequirementError` with the way to get it."""
        if (found := self.find()) is None:
            raise MissingRequirementError(f"there is no {self.name} here: {self.remedy}.")
        return found


@dataclass(frozen=True)
class ComponentSpec:
    """One component that a plugin offers.

    Attributes
    ----------
    kind
        A name in :data:`~xreg.core.interfaces.kinds.KINDS`: ``descriptor``, ``emulator``, …
    name
        What a recipe calls it: lower case, digits and dashes.
    config
        Its settings, a :class:`~xreg.core.config.Config`.
    target
        ``"module:Class"``, imported on first use.
    summary
        One line for lists.
    requires
        What it needs beside xreg itself.
    search
        Ready search spaces by name, the one to begin with first: settings, each a value or a range
        such as ``{"int": [2, 12]}`` (see :mod:`xreg.workbench.search.spaces`).
    """

    kind: str
    name: str
    config: type[Config]
    target: str
    summary: str = ""
    requires: Sequence[Requirement] = ()
    search: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def missing(self) -> list[Requirement]:
        """Return the requirements that are not met."""
        return [requirement for requirement in self.requires if not requirement.met()]

    def load(self) -> type[Any]:
        """Import and return the class.

        Raises
        ------
        MissingRequirementError
            If a requirement is not met; the message says what to install.
        PluginError
            If the target cannot be imported.
        """
        if missing := self.missing():
            needs = " and ".join(f"'{r.name}' ({r.remedy})" for r in missing)
            raise MissingRequirementError(f"{self.kind} '{self.name}' needs {needs}.")
        module, _, attribute = self.target.partition(":")
        try:
            target = getattr(importlib.import_module(module), attribute)
        except Exception as error:
            raise PluginError(
                f"{self.kind} '{self.name}': its target '{self.target}' cannot be imported "
                f"({type(error).__name__}: {error})."
            ) from error
        if not isinstance(target, type):
            raise PluginError(f"{self.kind} '{self.name}': '{self.target}' is not a class.")
        return target


@dataclass(frozen=True)
class AnalysisSpec(ComponentSpec):
    """An analysis that a plugin offers: a component, and where it applies.

    Attributes
    ----------
    needs
        What it cannot do without, names in :data:`~xreg.core.analysis.needs.NEEDS`. An analysis
        that finds out only from the numbers that it does not apply raises
        :class:`~xreg.core.errors.NotApplicableError`.
    default
        Whether it is done where nobody asks for it and it applies: it must cost little.
    """

    kind: str = field(default="analysis", init=False)
    needs: tuple[str, ...] = ()
    default: bool = False


@hookspec
def xreg_components() -> Sequence[ComponentSpec]:  # type: ignore[empty-body]
    """Return the components that this plugin offers.

    Examples
    --------
    ::

        @hookimpl
        def xreg_components():
            return [ComponentSpec("descriptor", "radii", RadiiConfig, "my_package.radii:Radii")]
    """


@hookspec
def xreg_run_started(run: Run) -> None:
    """Learn that a run begins: its folder, resolved recipe and seeds are known.

    Examples
    --------
    ::

        @hookimpl
        def xreg_run_started(run):
            print("started", run.name, run.recipe["emulator"]["name"])
    """


@hookspec
def xreg_run_finished(run: Run) -> None:
    """Learn that a run is complete: metrics and figures stand in ``run.folder``.

    Examples
    --------
    ::

        @hookimpl
        def xreg_run_finished(run):
            print("finished", run.name, run.metrics["test"]["r2"])
    """


@hookspec
def xreg_report_sections(run: Run) -> Sequence[ReportSection]:  # type: ignore[empty-body]
    """Return further sections for the run's report page.

    Examples
    --------
    ::

        @hookimpl
        def xreg_report_sections(run):
            return [ReportSection("Cost", f"<p>{run.seconds:.0f} s</p>")]
    """
