"""The plugin host: which components are installed, which plugins are broken, and why."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, EntryPoint, distribution, distributions
from inspect import isfunction
from types import ModuleType
from typing import Any

import pluggy

from xreg.core import API_VERSION, hooks
from xreg.core.config import Config
from xreg.core.errors import PluginError, UnknownNameError, did_you_mean
from xreg.core.hooks import ENTRY_POINT_GROUP, AnalysisSpec, ComponentSpec
from xreg.core.interfaces.kinds import KINDS
from xreg.registry.plugins import folder

__all__ = ["BrokenPlugin", "Installed", "PluginHost", "host", "require_api"]

API = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True)
class Installed:
    """A component and what brought it: a distribution, or a file in the user's folder by its name.

    What is published tells both, so no place on this machine stands here.
    """

    spec: ComponentSpec
    plugin: str
    distribution: str
    version: str

    @property
    def origin(self) -> str:
        """Distribution and version."""
        return f"{self.distribution} {self.version}".rstrip()

    def __str__(self) -> str:
        return f"{self.plugin} of {self.origin}"


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that could not be loaded."""

    name: str
    distribution: str
    error: str


class PluginHost:
    """Loads each entry point by itself, so that a broken plugin hurts nobody else.

    Parameters
    ----------
    points
        Entry points to load; by default those of the installed distributions and of the user's
        folder (:mod:`~xreg.registry.plugins.folder`).
    """

    def __init__(self, points: Iterable[EntryPoint] | None = None) -> None:
        self.broken: list[BrokenPlugin] = []
        self._installed: dict[tuple[str, str], list[Installed]] = {}
        self.manager = pluggy.PluginManager("xreg")
        self.manager.add_hookspecs(hooks)
        found = list(points) if points is not None else [*_entry_points(), *self._own()]
        for point in sorted(found, key=lambda p: (_distribution(p), p.name)):
            try:
                with redirect_stdout(sys.stderr):  # what is printed here is no part of an answer
                    self._load(point)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a plugin may fail in any way
                text = " ".join(f"{type(error).__name__}: {error}".split())
                self.broken.append(BrokenPlugin(point.name, " ".join(_distribution(point)), text))

    def _own(self) -> list[EntryPoint]:
        """Return the plugins of the user's folder, or say why they are left alone."""
        try:
            return list(folder.points())
        except PluginError as error:
            self.broken.append(BrokenPlugin(folder.VARIABLE, str(folder.folder()), str(error)))
            return []

    def _load(self, point: EntryPoint) -> None:
        module = point.load()
        distribution, version = _distribution(point)
        if point.value.startswith(f"{folder.MODULE}."):
            distribution = f"{point.name}.py"
        name = f"{distribution}:{point.name}"
        require_api(getattr(module, "XREG_API", None))
        try:
            self.manager.register(_hooks_alone(module), name=name)
            # Hooks of other plugins were checked before; what is pending now is this plugin's.
            self.manager.check_pending()
            _require_marks(module)
            specs = list(module.xreg_components()) if hasattr(module, "xreg_components") else []
            for spec in specs:
                _require_sound(spec)
        except BaseException:
            # pluggy keeps a plugin of which only one hook is at fault.
            if self.manager.has_plugin(name):
                self.manager.unregister(name=name)
            raise
        for spec in specs:
            installed = Installed(spec, point.name, distribution, version)
            self._installed.setdefault((spec.kind, spec.name), []).append(installed)

    def __iter__(self) -> Iterator[Installed]:
        for key in sorted(self._installed, key=_order):
            yield from self._installed[key]

    def of_kind(self, kind: str) -> list[Installed]:
        """Return all components of one kind, by name."""
        return [installed for installed in self if installed.spec.kind == kind]

    def conflicts(self) -> list[str]:
        """Return one sentence for each (kind, name) that several plugins claim."""
        return [
            f"{kind} '{name}' is offered by {' and by '.join(map(str, claims))}; uninstall one."
            for (kind, name), claims in self._installed.items()
            if len(claims) > 1
        ]

    def kinds_of(self, name: str) -> list[str]:
        """Return the kinds in which a component of that name is installed."""
        return [kind for kind in KINDS if (kind, name) in self._installed]

    def get(self, kind: str, name: str) -> Installed:
        """Return the component of that kind and name.

        Raises
        ------
        UnknownNameError
            If there is none; the message says what is installed and names broken plugins.
        PluginError
            If several plugins claim the name.
        """
        claims = self._installed.get((kind, name), [])
        if len(claims) > 1:
            raise PluginError(
                f"{kind} '{name}' is offered by {' and by '.join(map(str, claims))}; "
                "uninstall one of them."
            )
        if not claims:
            known = [n for k, n in self._installed if k == kind]
            broken = [b for b in self.broken if b.name == name]
            why = f"; the plugin '{name}' is broken ({broken[0].error})" if broken else ""
            raise UnknownNameError(f"no {kind} '{name}'{did_you_mean(name, known)}{why}.")
        return claims[0]

    def load(self, kind: str, name: str) -> type[Any]:
        """Import and return the class of a component, checked against its declaration."""
        installed = self.get(kind, name)
        target = installed.spec.load()
        base = KINDS[kind].base()
        if not issubclass(target, base):
            raise PluginError(f"{installed}: {target.__name__} is no {base.__name__}.")
        carried = (getattr(target, "name", None), getattr(target, "Config", None))
        if carried != (name, installed.spec.config):
            raise PluginError(
                f"{installed}: {target.__name__} does not carry the name and Config that the "
                "plugin declares."
            )
        return target

    def build(self, kind: str, name: str, settings: Mapping[str, Any]) -> Any:
        """Return a component with validated settings; settings are checked before any import."""
        config = self.get(kind, name).spec.config.parse(settings, f"{kind} {name}")
        return self.load(kind, name)(config)


def _order(key: tuple[str, str]) -> tuple[int, str]:
    kind, name = key
    return list(KINDS).index(kind), name


def require_api(stated: Any) -> None:
    """Refuse a plugin that was written for another interface, or does not say for which.

    Raises
    ------
    PluginError
        With what to write, or to install.
    """
    if stated is None:
        raise PluginError(
            "it does not say for which plugin interface it was written: add "
            f'XREG_API = "{API_VERSION}" to its module'
        )
    if not (isinstance(stated, str) and API.fullmatch(stated)):
        raise PluginError(f"XREG_API is {stated!r}; write it as '{API_VERSION}'")
    major, minor = map(int, stated.split("."))
    ours, newest = map(int, API_VERSION.split("."))
    if major != ours or minor > newest:
        what = "a newer xreg" if (major, minor) > (ours, newest) else "a newer version of it"
        raise PluginError(
            f"it was written for the plugin interface {stated}, and this is {API_VERSION}: "
            f"install {what}"
        )


def _require_marks(module: Any) -> None:
    """Refuse a function that is meant as a hook, but which pluggy would not see."""
    for name, value in vars(module).items():
        if name.startswith("xreg_") and isfunction(value) and not hasattr(value, "xreg_impl"):
            raise PluginError(f"the function '{name}' lacks the decorator @hookimpl")


def _require_sound(spec: Any) -> None:
    """Refuse what is no declaration of a component."""
    if not isinstance(spec, ComponentSpec):
        raise PluginError(f"xreg_components() returned {spec!r}, no ComponentSpec")
    if spec.kind not in KINDS:
        raise PluginError(f"'{spec.name}' has the unknown kind '{spec.kind}'")
    if spec.kind == "analysis" and not isinstance(spec, AnalysisSpec):
        raise PluginError(f"analysis '{spec.name}' is declared by no AnalysisSpec")
    if not NAME.fullmatch(spec.name):
        raise PluginError(
            f"the name of {spec.kind} '{spec.name}' may hold lower-case letters, digits and dashes"
        )
    if not (isinstance(spec.config, type) and issubclass(spec.config, Config)):
        raise PluginError(f"the settings of {spec.kind} '{spec.name}' are no Config class")


def _hooks_alone(module: Any) -> ModuleType:
    """Return what of a module may be a hook, as pluggy looks slowly at all that it is given."""
    found = ModuleType(getattr(module, "__name__", ""))
    for name, value in vars(module).items():
        if name.startswith("xreg_") or (isfunction(value) and hasattr(value, "xreg_impl")):
            setattr(found, name, value)
    return found


def _entry_points() -> Iterator[EntryPoint]:
    """Yield the entry points of the installed distributions.

    The same as ``importlib.metadata.entry_points``, which parses all that any distribution has:
    with hundreds of them, that takes longer than importing the plugins.
    """
    seen: set[str] = set()
    for dist in distributions():
        if f"[{ENTRY_POINT_GROUP}]" not in (dist.read_text("entry_points.txt") or ""):
            continue
        name = _name_version(dist)[0]
        normal = re.sub(r"[-_.]+", "-", name).lower()
        if normal not in seen:
            seen.add(normal)
            # Of a distribution that is there twice, the first on the path counts, with or without.
            yield from distribution(name).entry_points.select(group=ENTRY_POINT_GROUP)


def _distribution(point: EntryPoint) -> tuple[str, str]:
    if point.dist:
        return _name_version(point.dist)
    if point.value.startswith(f"{folder.MODULE}."):
        return str(folder.folder() / f"{point.name}.py"), ""
    return "unknown distribution", "?"


@cache
def _name_version(dist: Distribution) -> tuple[str, str]:
    # dist.name and dist.version each parse all of METADATA, README included, as an e-mail.
    lines = (dist.read_text("METADATA") or "").partition("\n\n")[0].splitlines()
    head = dict(line.split(": ", 1) for line in lines if line.startswith(("Name: ", "Version: ")))
    return head.get("Name") or dist.name, head.get("Version") or dist.version


@cache
def host() -> PluginHost:
    """Return the host of everything installed, loaded once."""
    return PluginHost()
