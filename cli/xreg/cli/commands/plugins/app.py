"""``xreg plugins``: what is installed, what each setting means, and plugins of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xreg.cli import options
from xreg.cli.commands.plugins import index
from xreg.cli.output import cell, echo, echo_table
from xreg.core.errors import ConfigError, RunError, UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from xreg.core.hooks import ComponentSpec
    from xreg.core.interfaces import SpectrumGenerator

app = typer.Typer(
    help="Methods and their settings: installed, to be found, of your own.", no_args_is_help=True
)
app.command()(index.search)
app.command()(index.info)
app.command()(index.install)
app.add_typer(index.app, name="index")


@app.command("list")
def list_() -> None:
    """List every installed component, broken plugins and conflicts."""
    from xreg.cli.listing import print_plugins

    print_plugins()


@app.command()
def analyses() -> None:
    """List every analysis.

    Those marked with * are done by default, where they apply.
    """
    from xreg.registry.plugins import host

    specs = [installed.spec for installed in host().of_kind("analysis")]
    marks = {True: "*", False: " "}
    echo_table([(f"{marks[getattr(s, 'default', False)]} {s.name}", s.summary) for s in specs])


@app.command()
def show(name: str = typer.Argument(help="Name of a component or an analysis.")) -> None:
    """Show the settings of a component or analysis.

    Units, bounds, defaults and meaning of each.
    """
    from xreg.registry.plugins import host

    plugins = host()
    kinds = plugins.kinds_of(name)
    if not kinds:
        known = {i.spec.name for i in plugins} | {b.name for b in plugins.broken}
        for broken in plugins.broken:
            if broken.name == name:
                raise UnknownNameError(f"the plugin '{name}' is broken: {broken.error}.")
        raise UnknownNameError(f"no plugin '{name}'{did_you_mean(name, known)}.")
    for kind in kinds:
        installed = plugins.get(kind, name)
        spec = installed.spec
        echo(f"{kind} {name}", bold=True, nl=False)
        echo(f"  ({installed.origin})  {spec.summary}")
        for requirement in spec.requires:
            state = "found" if requirement.met() else f"missing: {requirement.remedy}"
            echo(f"  requires {requirement.name}: {state}")
        _show_needs(spec)
        for row in spec.config.table():
            echo(f"  {row.name} = {row.default}  {row.kind}{row.unit_text}")
            echo(f"      {row.description}")
        for label, space in spec.search.items():
            echo(f"  search space {label}: {', '.join(space)}")
        if kind == "generator" and not spec.missing():
            _show_parameters(spec.load()())


@app.command()
def new(
    kind: Annotated[str, typer.Argument(help="descriptor, emulator, decomposer, generator, …")],
    name: Annotated[str, typer.Argument(help="What a recipe will call it.")],
    out: options.Out = None,
    licence: options.Licence = "BSD-3-Clause",
    author: Annotated[str | None, options.Author] = None,
    single_file: Annotated[
        bool,
        typer.Option(
            "--single-file", help="Only one file, in your folder of plugins ($XREG_PLUGINS)."
        ),
    ] = False,
) -> None:
    """Make a plugin with a working method to begin with; its author is whom git knows, if not told.

    A distribution in the folder xreg-NAME, or with --single-file one file for a first try.
    """
    from xreg.workbench.plugins import scaffold

    if single_file:
        if out is not None:
            raise ConfigError(
                "a plugin of one file goes to your folder of plugins ($XREG_PLUGINS), where xreg "
                "finds it; leave out -o."
            )
        file = scaffold.make_single(kind, name)
        echo(f"made {file}, which xreg finds there")
        echo(f"next: write your method in it, and run xreg plugins check {file}")
        return
    folder = scaffold.make(kind, name, out, licence=licence, author=author)
    package = f"{folder}/src/xreg_{name.replace('-', '_')}"
    echo(f"made {folder}")
    echo(f"next: write your method in {package}/method.py, its settings in {package}/plugin.py,")
    echo(f"      then pip install -e {folder} and xreg plugins check {folder}")


@app.command()
def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders of plugins, or plugins of one file; this folder by default."),
    ] = None,
    static: Annotated[
        bool, typer.Option("--static", help="Only read: none of their code is run.")
    ] = False,
) -> None:
    """Say whether plugins keep to the rules, and what to do where they do not.

    Manifest, licence, light import, settings, interface, conformance suite. Their code is run
    unless --static is given. Exit code 1 where something must be mended.
    """
    from xreg.workbench.plugins.check import check as work

    results = work(paths or [Path()], static=static)
    for result in results:
        echo(cell(result.name), bold=True)
        for point in result.points:
            colour = {"mend": "red", "note": "yellow"}.get(point.state)
            echo(f"  {point.state:<4}  {point.area:<11}  {cell(point.text)}", fg=colour)
            if point.remedy and point.state != "ok":
                echo(f"        {'':<11}  → {cell(point.remedy)}")
    bad = [result for result in results if not result.passed]
    if bad:
        count = sum(point.state == "mend" for result in bad for point in result.points)
        raise RunError(
            f"{count} point{'s' if count > 1 else ''} to mend in "
            f"{', '.join(result.name for result in bad)}; each says what to do."
        )


def _show_needs(spec: ComponentSpec) -> None:
    if not (needs := getattr(spec, "needs", ())):
        return
    from xreg.core.analysis.needs import NEEDS

    for need in needs:
        echo(f"  needs {NEEDS[need].words}")


def _show_parameters(generator: SpectrumGenerator) -> None:
    """Print what a sample of a generator consists of, and the spaces ready to draw samples from."""
    for channel, unit in generator.channel_units().items():
        echo(f"  channel {channel} [{unit}]")
    if parameters := generator.parameters():
        echo("  parameters of a sample")
    for name, known in parameters.items():
        unit = f" [{known.unit}]" if known.unit else ""
        low = f"> {known.low:g}" if known.open_low else f">= {known.low:g}"
        echo(f"      {name}{unit}  {known.meaning}; {low}, <= {known.high:g}")
    for name, space in generator.spaces().items():
        ranges = "; ".join(f"{key} {given}" for key, given in space.ranges.items())
        echo(f"  space {name}: {space.description}")
        echo(f"      {ranges}")
