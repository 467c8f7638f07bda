"""``xreg plugins``: what is installed, and what each setting means."""

from __future__ import annotations

import typer

from xreg.core.errors import UnknownNameError, did_you_mean

app = typer.Typer(help="Installed methods and their settings.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """List every installed component, broken plugins and conflicts."""
    from xreg.cli.listing import print_plugins

    print_plugins()


@app.command()
def show(name: str = typer.Argument(help="Name of a component.")) -> None:
    """Show a component's settings with units, bounds, defaults and meaning."""
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
        typer.secho(f"{kind} {name}", bold=True, nl=False)
        typer.echo(f"  ({installed.distribution} {installed.version})  {spec.summary}")
        for requirement in spec.requires:
            state = "found" if requirement.met() else f"missing: {requirement.install}"
            typer.echo(f"  requires {requirement.name}: {state}")
        for row in spec.config.table():
            typer.echo(f"  {row.name} = {row.default}  {row.kind}{row.unit_text}")
            typer.echo(f"      {row.description}")
