"""The reference of the interfaces: one page for each kind of plugin, with a whole example.

The interface is taken from its docstrings (mkdocstrings), the example from the template of its
kind, which the tests check by its suite, so that neither can drift from the code.
"""

from __future__ import annotations

import re
from typing import Any

from xreg.core.interfaces.kinds import KINDS, Kind
from xreg.workbench.plugins.scaffold import Scaffold


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
            f"`xreg plugins new {kind.name} mine` makes this plugin as a distribution with a test",
            "of its own, which it passes; with `--single-file` it is one file, as here.",
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
    """Return a plugin with one component of a kind, as ``xreg plugins new --single-file`` does."""
    plugin = Scaffold.of(kind.name, "mine")
    return plugin.render("single.py", single=True, target="my_plugin:Mine").strip()
