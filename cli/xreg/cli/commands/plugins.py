"""``xreg plugins``: what is installed, and what each setting means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from xreg.cli.output import echo
from xreg.core.errors import UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from xreg.core.config import Config
    from xreg.core.hooks import ComponentSpec
    from xreg.core.interfaces import SpectrumGenerator

app = typer.Typer(help="Installed methods, analyses and their settings.", no_args_is_help=True)


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
    width = max((len(spec.name) for spec in specs), default=0)
    for spec in specs:
        mark = "*" if getattr(spec, "default", False) else " "
        echo(f"{mark} {spec.name:<{width}}  {spec.summary}")


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
        echo(f"  ({installed.distribution} {installed.version})  {spec.summary}")
        for requirement in spec.requires:
            state = "found" if requirement.met() else f"missing: {requirement.remedy}"
            echo(f"  requires {requirement.name}: {state}")
        _show_needs(spec)
        _show_settings(spec.config)
        for label, space in spec.search.items():
            echo(f"  search space {label}: {', '.join(space)}")
        if kind == "generator" and not spec.missing():
            _show_parameters(spec.load()())


def _show_needs(spec: ComponentSpec) -> None:
    from xreg.core.analysis.needs import NEEDS

    for need in getattr(spec, "needs", ()):
        echo(f"  needs {NEEDS[need].words}")


def _show_settings(config: type[Config]) -> None:
    for row in config.table():
        echo(f"  {row.name} = {row.default}  {row.kind}{row.unit_text}")
        echo(f"      {row.description}")


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
