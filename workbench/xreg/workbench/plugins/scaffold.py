"""A plugin to begin with: a distribution, or one file, made from the template of its kind."""

from __future__ import annotations

import builtins
import keyword
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xreg.core import API_VERSION, templates
from xreg.core.errors import ConfigError, UnknownNameError, did_you_mean
from xreg.core.files import disk_errors, require_free, staging, write_text
from xreg.core.interfaces.kinds import KINDS, Kind
from xreg.core.text import one_line
from xreg.registry.plugins import folder as own
from xreg.registry.plugins import host

__all__ = ["Scaffold", "licences", "make", "make_single"]

NAME = re.compile(r"[a-z][a-z0-9-]{0,49}")
TEMPLATES = Path(templates.__file__).parent
IMPORTED = re.compile(r"^from [\w.]+ import (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Scaffold:
    """What a new plugin is called.

    Attributes
    ----------
    kind
        What it is.
    name
        What a recipe will call it.

    Raises
    ------
    UnknownNameError
        If there is no such kind.
    ConfigError
        If the name is none, or a component of that kind is called so already.
    """

    kind: Kind
    name: str

    @classmethod
    def of(cls, kind: str, name: str) -> Scaffold:
        """Check kind and name."""
        if kind not in KINDS:
            raise UnknownNameError(f"no kind of plugin '{kind}'{did_you_mean(kind, KINDS)}.")
        if not NAME.fullmatch(name) or keyword.iskeyword(name):
            raise ConfigError(
                f"'{name}' cannot be the name of a plugin; begin with a letter and use lower-case "
                "letters, digits and dashes, at most 50 of them."
            )
        for installed in host().of_kind(kind):
            if installed.spec.name == name:
                raise ConfigError(
                    f"{kind} '{name}' is there already ({installed}); choose another name."
                )
        return cls(KINDS[kind], name)

    @property
    def distribution(self) -> str:
        """Name of the distribution."""
        return f"xreg-{self.name}"

    @property
    def package(self) -> str:
        """Name of the package."""
        return f"xreg_{self.module}"

    @property
    def module(self) -> str:
        """The name as a Python identifier."""
        return self.name.replace("-", "_")

    @property
    def words(self) -> str:
        """What it is, in words."""
        return "processing step" if self.kind.name == "step" else self.kind.name

    @property
    def class_name(self) -> str:
        """Name of the class, none that its file imports."""
        own = "".join(part.capitalize() for part in self.name.split("-"))
        text = (TEMPLATES / "kinds" / self.kind.template).read_text(encoding="utf-8")
        taken = {name.strip() for line in IMPORTED.findall(text) for name in line.split(",")}
        taken |= {"Config", "ComponentSpec", "AnalysisSpec", self.suite, *vars(builtins)}
        return f"{own}Method" if own in taken or keyword.iskeyword(own) else own

    @property
    def suite(self) -> str:
        """Name of the suite of checks."""
        return self.kind.suite.partition(":")[2]

    def render(self, layout: str, **more: Any) -> str:
        """Return a file of the plugin, from a layout that the template of the kind fills."""
        values = {
            "kind": self.kind.name,
            "words": self.words,
            "name": self.name,
            "distribution": self.distribution,
            "package": self.package,
            "cls": self.class_name,
            "suite": self.suite,
            "api": API_VERSION,
            "target": f"{self.package}.method:{self.class_name}",
            "command": self.kind.recipe.startswith("xreg "),
            "recipe": re.sub(r"\n? *\{settings\}", "", self.kind.recipe).replace(
                "{name}", self.name
            ),
            "single": False,
            **more,
        }
        values["summary"] = self._text("layouts/summary.jinja", values).strip()
        return self._text(f"layouts/{layout}.jinja", values)

    def _text(self, layout: str, values: dict[str, Any]) -> str:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,
        )
        template = environment.get_template(f"kinds/{self.kind.template}")
        text = template.render(layout=layout, **values)
        # Blocks end with a line of their own; at most two empty ones stand between them.
        return re.sub(r"\n{4,}", "\n\n\n", text).strip("\n") + "\n"


def licences() -> list[str]:
    """Return the licences that a plugin can be made under, as SPDX names them."""
    return sorted(file.stem for file in (TEMPLATES / "licences").glob("*.txt"))


def make(
    kind: str,
    name: str,
    out: Path | None = None,
    *,
    licence: str = "BSD-3-Clause",
    author: str | None = None,
) -> Path:
    """Make a distribution with one component, a working method to begin with.

    Parameters
    ----------
    kind, name
        What it is (a name in :data:`~xreg.core.interfaces.kinds.KINDS`), and its name in recipes.
    out
        The new folder; ``xreg-<name>`` by default.
    licence
        One of :func:`licences`.
    author
        Whose it is; by default the name that git knows.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UnknownNameError
        If there is no such kind or licence.
    ConfigError
        If the name is none, or a component of that kind is called so already.
    DataError
        If the folder is there already.
    """
    plugin = Scaffold.of(kind, name)
    if licence not in licences():
        raise UnknownNameError(f"no licence '{licence}'{did_you_mean(licence, licences())}.")
    folder = out or Path(plugin.distribution)
    require_free(folder)
    author = one_line(author or _git_name() or f"the authors of {plugin.distribution}")
    text = (TEMPLATES / "licences" / f"{licence}.txt").read_text(encoding="utf-8")
    for key, value in {"year": f"{datetime.now(UTC):%Y}", "author": author}.items():
        text = text.replace(f"{{{{ {key} }}}}", value)
    files = {
        "pyproject.toml": plugin.render("pyproject.toml", licence=licence, author=author),
        "README.md": plugin.render("README.md", licence=licence),
        "LICENSE": text,
        ".gitignore": plugin.render("gitignore"),
        ".github/workflows/check.yml": plugin.render("workflow.yml"),
        f"src/{plugin.package}/__init__.py": f'"""The {plugin.words} {name} for xreg."""\n',
        f"src/{plugin.package}/plugin.py": plugin.render("plugin.py"),
        f"src/{plugin.package}/method.py": plugin.render("method.py"),
        "tests/conftest.py": plugin.render("conftest.py"),
        f"tests/test_{plugin.module}.py": plugin.render("test.py"),
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(f"'{folder}'"), staging(folder) as room:
        for path, content in files.items():
            (room / path).parent.mkdir(parents=True, exist_ok=True)
            (room / path).write_text(content, encoding="utf-8")
        room.rename(folder)
    return folder


def make_single(kind: str, name: str) -> Path:
    """Make a plugin of one file in the user's folder of plugins, where the host finds it.

    Raises
    ------
    PluginError
        If that folder is not the user's own.
    DataError
        If the file is there already.
    """
    plugin = Scaffold.of(kind, name)
    file = own.trusted_folder() / f"{plugin.module}.py"
    require_free(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    target = f"{own.MODULE}.{plugin.module}:{plugin.class_name}"
    write_text(file, plugin.render("single.py", single=True, target=target))
    return file


def _git_name() -> str:
    command = ["git", "config", "user.name"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:  # no git
        return ""
    return done.stdout.strip()
