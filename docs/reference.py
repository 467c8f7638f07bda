"""The reference of the interfaces: one page for each kind of plugin, with a whole example.

The interface is taken from its docstrings (mkdocstrings), the example from a plugin that is frozen
in ``tests/frozen`` and that the tests install and use, so that neither can drift from the code.
"""

from __future__ import annotations

import ast
import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xreg.core.interfaces.kinds import KINDS, Kind

FROZEN = Path(__file__).resolve().parents[1] / "tests" / "frozen"


def on_config(config: Any) -> Any:
    """Fill the navigation's section *Interfaces*; MkDocs calls this."""
    section = next(entry for entry in config.nav if "Interfaces" in entry)
    section["Interfaces"] = [{kind.plural: f"reference/{kind.name}.md"} for kind in KINDS.values()]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages; MkDocs calls this."""
    from mkdocs.structure.files import File

    for kind in KINDS.values():
        files.append(File.generated(config, f"reference/{kind.name}.md", content=page(kind)))
    return files


def on_page_content(html: str, **_: Any) -> str:
    """Show the roles of docstrings (``:class:`~a.B```) as code; MkDocs calls this."""
    return re.sub(
        r":(?:class|func|meth|mod|attr|data):<code>(~?)([^<]+)</code>",
        lambda role: f"<code>{role[2].rpartition('.')[2] if role[1] else role[2]}</code>",
        html,
    )


def page(kind: Kind) -> str:
    """Return the page of a kind of plugin."""
    module, _, _ = kind.interface.partition(":")
    suite = kind.suite.partition(":")[2]
    command = kind.recipe.startswith("xreg ")
    return "\n".join(
        [
            f"# {kind.plural}",
            "",
            f"{kind.summary} The [methods](../methods/index.md) of this kind that come with xreg",
            "are plugins like any other; [Plugins](../plugins.md) says how one is packaged.",
            "",
            "```sh" if command else "```yaml",
            re.sub(r"\n? *\{settings\}", "", kind.recipe).replace("{name}", "NAME"),
            "```",
            "",
            "## A complete plugin",
            "",
            "The tests of xreg install this plugin and use it, in this and every later version.",
            "",
            "```python",
            example(kind),
            "```",
            "",
            f"Its checks are those of `xreg.core.testing.{suite}`: subclass it, name the class as",
            "`component`, and pytest runs them.",
            "",
            "## The interface",
            "",
            f"::: {module}",
            "    options:",
            "      show_root_heading: false",
            "      show_root_toc_entry: false",
            "      heading_level: 3",
            "",
        ]
    )


def example(kind: Kind) -> str:
    """Return a plugin with one component of a kind, as one file: the newest that is frozen.

    Raises
    ------
    LookupError
        If no frozen plugin has a component of the kind.
    """
    for folder in sorted(FROZEN.glob("api_*"), key=_version, reverse=True):
        version = folder.name.removeprefix("api_")
        declaration = _Source(folder / f"frozen_plugin_{version}.py")
        methods = _Source(folder / f"frozen_methods_{version}.py")
        for call in declaration.calls():
            spec = ast.unparse(call)
            analysis = kind.name == "analysis" and spec.startswith("AnalysisSpec(")
            if analysis or spec.startswith(f"ComponentSpec('{kind.name}',"):
                return _joined(declaration, methods, spec, version.replace("_", "."))
    raise LookupError(f"no frozen plugin has a component of kind '{kind.name}'.")


def _joined(declaration: _Source, methods: _Source, spec: str, version: str) -> str:
    """Return one file of a declaration and the class that it names."""
    named = re.search(r"\{home\}:(\w+)", spec)
    if named is None:
        raise LookupError(f"{declaration.path.name}: {spec} names no class.")
    method = methods.text(named[1])
    config = next(name for name in declaration.classes if re.search(rf"\b{name}\b", method))
    classes = f"{declaration.text(config)}\n\n\n{method}"
    spec = spec.replace(f"f'{{home}}:{named[1]}'", f"'my_plugin:{named[1]}'").replace("'", '"')
    made = "AnalysisSpec" if spec.startswith("AnalysisSpec") else "ComponentSpec"
    imports = sorted(
        {
            *(line for line in methods.imports(classes) if "frozen_plugin" not in line),
            *declaration.imports(classes),
            f"from xreg.core.hooks import {made}, hookimpl",
        },
        key=lambda line: (_group(line), line),
    )
    groups = (list(lines) for _, lines in itertools.groupby(imports, _group))
    listed = "\n\n".join("\n".join(lines) for lines in groups)
    hook = f"@hookimpl\ndef xreg_components():\n    return [{spec}]"
    head = f'"""my_plugin.py"""\n\n{listed}\n\nXREG_API = "{version}"'
    return f"{head}\n\n\n{classes}\n\n\n{hook}"


def _group(line: str) -> int:
    """Return where an import stands: standard library, others, xreg."""
    package = line.split()[1].partition(".")[0]
    return 2 if package == "xreg" else int(package not in sys.stdlib_module_names)


def _version(folder: Path) -> list[int]:
    return [int(part) for part in folder.name.split("_")[1:]]


class _Source:
    """A Python file, by its parts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text = path.read_text(encoding="utf-8")
        self._tree = ast.parse(self._text)
        self.classes = {n.name: n for n in self._tree.body if isinstance(n, ast.ClassDef)}

    def text(self, name: str) -> str:
        """Return the source of a class."""
        found = ast.get_source_segment(self._text, self.classes[name])
        assert found is not None
        return found

    def calls(self) -> Iterator[ast.Call]:
        """Yield the declarations of components."""
        for node in ast.walk(self._tree):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if named and node.func.id in ("ComponentSpec", "AnalysisSpec"):
                yield node

    def imports(self, code: str) -> Iterator[str]:
        """Yield the imports of what some code uses."""
        for node in self._tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [a for a in node.names if re.search(rf"\b{a.asname or a.name}\b", code)]
                if names:
                    yield ast.unparse(type(node)(**{**vars(node), "names": names}))
