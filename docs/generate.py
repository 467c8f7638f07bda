"""Pages that MkDocs makes from the program itself, so that they cannot drift from it.

One page for each plugin of this repository (its README, then settings, requirements and abilities
read from its code), the reference of the command line, and the leaderboard of the searches whose
``results.json`` and figure stand in ``docs/searches``. Nothing generated is committed.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from xreg.core.analysis.needs import NEEDS
from xreg.core.errors import PluginError
from xreg.core.hooks import ComponentSpec
from xreg.core.interfaces import (
    Analysis,
    Decomposer,
    Descriptor,
    Emulator,
    Exporter,
    SpectrumGenerator,
)
from xreg.core.interfaces.kinds import KINDS
from xreg.core.text import with_unit
from xreg.registry.plugins import Installed, host

DISTRIBUTION = "xreg"
SEARCHES = Path(__file__).parent / "searches"


# MkDocs calls these two ---------------------------------------------------------------------------


def on_config(config: Any) -> Any:
    """Fill the navigation's section *Methods*."""
    section = next(entry for entry in config.nav if "Methods" in entry)
    section["Methods"] = [{"Overview": "methods/index.md"}] + [
        {kind.plural: [{i.spec.name: f"methods/{page_of(i.spec)}"} for i in ours(kind.name)]}
        for kind in KINDS.values()
    ]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


# The pages ----------------------------------------------------------------------------------------


def pages() -> dict[str, str]:
    """Return the Markdown of every generated page by its path below ``docs/``."""
    components = {f"methods/{page_of(i.spec)}": component_page(i) for k in KINDS for i in ours(k)}
    more = {"cli.md": cli_page()}
    more["leaderboard.md"] = leaderboard_page()
    return {"methods/index.md": overview(), **more, **components}


def ours(kind: str) -> list[Installed]:
    """Return this repository's components of one kind."""
    return [i for i in host() if i.spec.kind == kind and i.distribution == DISTRIBUTION]


def page_of(spec: ComponentSpec) -> str:
    """Return the file of a component's page; kinds that share a name have one each."""
    first = host().kinds_of(spec.name)[0] == spec.kind
    return f"{spec.name}.md" if first else f"{spec.name}-{spec.kind}.md"


def overview() -> str:
    """Return the table of all methods."""
    lines = [
        "# Methods",
        "",
        "Every method is a plugin; `xreg plugins list` prints what is installed where you are.",
    ]
    for kind in KINDS.values():
        rows = [(f"[{i.spec.name}]({page_of(i.spec)})", i.spec.summary) for i in ours(kind.name)]
        lines += [
            "",
            f"## {kind.plural}",
            "",
            kind.summary,
            "",
            *table(("name", "what it is"), rows),
        ]
    return "\n".join(lines) + "\n"


def component_page(installed: Installed) -> str:
    """Return the page of one component; two that share a folder share its README."""
    spec = installed.spec
    readme = (folder_of(spec) / "README.md").read_text(encoding="utf-8").rstrip()
    _, _, readme = readme.partition("\n")  # its title
    readme = re.sub(r"\[([^\]]+)\]\((?!https?:|#)[^)]+\)", r"\1", readme)  # files of the folder
    command = KINDS[spec.kind].recipe.startswith("xreg ")
    needs = [f"- `{need.name}`: `{need.install}`" for need in spec.requires]
    return "\n".join(
        [
            f"# {spec.name}",
            readme,
            "",
            "## On the command line" if command else "## In a recipe",
            "",
            "```sh" if command else "```yaml",
            *recipe_lines(spec),
            "```",
            "",
            "## Settings",
            "",
            *settings_table(spec),
            "",
            "## Abilities",
            "",
            *(f"- {line}" for line in abilities(spec)),
            *search_spaces(spec),
            *(["", "## Requires", "", *needs] if needs else []),
            "",
        ]
    )


def search_spaces(spec: ComponentSpec) -> list[str]:
    """Return the ready search spaces of a component."""
    lines = []
    for name, space in spec.search.items():
        rows = [(f"`{setting}`", f"`{json.dumps(value)}`") for setting, value in space.items()]
        lines += ["", f"## Search space `{name}`", "", *table(("setting", "value or range"), rows)]
    return lines


def folder_of(spec: ComponentSpec) -> Path:
    """Return the folder of a component's code, without importing it."""
    found = importlib.util.find_spec(spec.target.partition(":")[0])
    if found is None or found.origin is None:
        raise FileNotFoundError(f"{spec.kind} '{spec.name}' has no module {spec.target}.")
    return Path(found.origin).parent


def recipe_lines(spec: ComponentSpec) -> list[str]:
    """Return how a recipe names the component: what it must be told, and its first defaults."""
    told = {
        name: json.dumps(field.examples[0], ensure_ascii=False)
        for name, field in spec.config.model_fields.items()
        if field.is_required() and field.examples
    }
    rows = [(row.name, told.get(row.name, row.default)) for row in spec.config.table()]
    rows = [(name, value) for name, value in rows if value != "required"][:3]
    lines = []
    for line in KINDS[spec.kind].recipe.splitlines():
        pad = line.partition("{settings}")[0]
        if "{settings}" in line:
            lines += [f"{pad}{name}: {value}" for name, value in rows]
        else:
            lines.append(line.replace("{name}", spec.name))
    return lines


def settings_table(spec: ComponentSpec) -> list[str]:
    """Return every setting with its default and unit, what is allowed, and its meaning."""
    rows = [
        (f"`{row.name}`", f"`{row.default}` {row.unit}", row.kind, row.description)
        for row in spec.config.table()
    ]
    return table(("setting", "default", "allowed", "meaning"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return [
        f"| {' | '.join(cell.strip().replace('|', chr(92) + '|') for cell in line)} |"
        for line in lines
    ]


def abilities(spec: ComponentSpec) -> Iterator[str]:
    """Say what a component takes and gives, as its class states it."""
    # A class can be read where a program that it calls is missing; a package, maybe not.
    try:
        method: Any = dataclasses.replace(spec, requires=()).load()
    except PluginError:
        if not (missing := spec.missing()):
            raise
        names = ", ".join(one.name for one in missing)
        yield f"This page was made without {names}, and so says less."
        return
    if issubclass(method, Descriptor):
        yield f"Takes {method.accepts.kind}."
        yield from features_of_water(method)
    elif issubclass(method, Emulator):
        yield f"Takes {method.takes}."
        if method.torch_view is not Emulator.torch_view:
            yield "Its prediction is differentiable in torch (`torch_view`)."
    elif issubclass(method, Decomposer):
        yield "Needs a trained emulator." if method.needs_emulator else "Needs no emulator."
        if method.reconstruct is not Decomposer.reconstruct:
            yield "Reconstructs scores from spectra (`reconstruct`)."
    elif issubclass(method, Analysis):
        for need in getattr(spec, "needs", ()):
            yield f"Needs {NEEDS[need].words}."
        if getattr(spec, "default", False):
            yield "Is done where nobody asks for any analysis and it applies."
    elif issubclass(method, Exporter):
        yield f"Writes {', '.join(f'`{end}`' for end in method.suffixes) or 'a folder'}."
        yield f"Takes {' or '.join(method.needs)}."
        yield f"Holds ids, energies, intensities, {', '.join(sorted(method.holds))}."
    elif issubclass(method, SpectrumGenerator):
        yield from abilities_of_generator(spec, method())


def abilities_of_generator(spec: ComponentSpec, generator: SpectrumGenerator) -> Iterator[str]:
    """Say what a generator takes, computes and lets one ask for."""
    able = generator.available() and not spec.missing()
    by = f"; computed with {generator.version()}" if able else ""
    yield f"Takes {generator.accepts.kind}{by}."
    again = "the same" if generator.deterministic else "not exactly the same"
    yield f"Repeating a calculation gives {again} numbers."
    units = generator.channel_units()
    for channel, grid in generator.grids().items():
        unit = f", in {units[channel]}" if channel in units else ""
        yield f"Channel `{channel}`{unit}: {len(grid)} energies, {grid[0]:g} to {grid[-1]:g} eV."
    for label, unit in generator.label_units().items():
        yield f"Label `{label}`" + (f" in {unit}." if unit else ".")
    for name, known in generator.parameters().items():
        unit = f" in {known.unit}" if known.unit else ""
        sign = ">" if known.open_low else "≥"
        bounds = f"{sign} {known.low:g}, ≤ {known.high:g}"
        yield f"Parameter `{name}`{unit}, {bounds}: {known.meaning}."
    for name, space in generator.spaces().items():
        ranges = ", ".join(f"{key} {given}" for key, given in space.ranges.items())
        yield f"Parameter space `{name}` ({space.description}): {ranges}."


def features_of_water(method: type[Descriptor]) -> Iterator[str]:
    """Say which features a descriptor with default settings gives to one water molecule."""
    from ase.build import molecule

    from xreg.core.data.samples import Structures

    if method.accepts is not Structures:
        return
    labels = method().fit(Structures.from_atoms([molecule("H2O")])).feature_labels
    shown = ", ".join(with_unit(f"*{label.name}*", label.unit) for label in labels[:3])
    more = ", …" if len(labels) > 3 else ""
    yield f"Gives a water molecule {len(labels)} features with default settings: {shown}{more}."


def leaderboard_page() -> str:
    """Return the results of our searches, one benchmark after another."""
    from xreg.workbench.search.leaderboard import leaderboard, markdown

    lines = [
        "# Leaderboard",
        "",
        "Results of [`xreg search`](search.md). Families of one benchmark were judged by the same "
        "rules with the same budget; a method of your own enters by being installed: repeat the "
        "search with it, and `xreg leaderboard` puts both into one table.",
        "",
    ]
    places = sorted(SEARCHES.glob("*.json"))
    for benchmark in leaderboard(places):
        lines.append(markdown([benchmark]))
        for place in (p for p in places if leaderboard([p])[0].key == benchmark.key):
            lines += [f"![Score against budget]({SEARCHES.name}/{place.stem}.png)", ""]
    return "\n".join(lines)


def cli_page() -> str:
    """Return the reference of every command, as ``--help`` tells it."""
    import typer.main

    from xreg.cli.app import app

    root = typer.main.get_command(app)
    lines = [
        "# Command line",
        "",
        *command_lines(root, root.make_context("xreg", ["-"], resilient_parsing=True)),
    ]
    return "\n".join(lines) + "\n"


def command_lines(command: Any, context: Any) -> Iterator[str]:
    """Yield the reference of one command and of those below it."""
    path = context.command_path
    yield from (escape(inspect.cleandoc(command.help)), "", "```text")
    yield from (" ".join([path, *command.collect_usage_pieces(context)]), "```", "")
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    rows = [(f"`{names}`", escape(words)) for names, words in filter(None, records)]
    yield from (*table(("argument or option", "meaning"), rows), "")
    for name, child in getattr(command, "commands", {}).items():
        yield from (f"{'#' * (path.count(' ') + 2)} `{path} {name}`", "")
        below = child.make_context(name, ["-"], parent=context, resilient_parsing=True)
        yield from command_lines(child, below)


def escape(words: str) -> str:
    """Keep ``<name>`` in a help text from being taken for HTML."""
    return words.replace("<", "&lt;").replace(">", "&gt;")
