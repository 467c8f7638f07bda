"""All commands of ``xreg``, joined; each is imported when it is asked for."""

from __future__ import annotations

import os

import typer

from xreg.cli.lazy import lazy_group
from xreg.cli.output import echo

COMMANDS = {
    "run": "xreg.cli.commands.run:run",
    "runs": "xreg.cli.commands.runs:app",
    "evaluate": "xreg.cli.commands.evaluate:evaluate",
    "predict": "xreg.cli.commands.predict:predict",
    "calibrate": "xreg.cli.commands.calibrate:calibrate",
    "fit": "xreg.cli.commands.measured.fit:fit",
    "match": "xreg.cli.commands.measured.match:match",
    "grow": "xreg.cli.commands.grow:grow",
    "explain": "xreg.cli.commands.measured.explain:explain",
    "data": "xreg.cli.commands.data.app:app",
    "models": "xreg.cli.commands.models:app",
    "plugins": "xreg.cli.commands.plugins.app:app",
    "registry": "xreg.cli.commands.registries:app",
    "cite": "xreg.cli.commands.cite:cite",
    "schema": "xreg.cli.commands.schema:schema",
    "search": "xreg.cli.commands.search:search",
    "leaderboard": "xreg.cli.commands.leaderboard:app",
    "pages": "xreg.cli.commands.pages:app",
}

app = typer.Typer(
    name="xreg",
    cls=lazy_group(COMMANDS),
    help="Machine learning on X-ray spectra: plugins, versioned datasets, reproducible runs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich would double the start-up time of every command
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        echo(f"xreg {version('xreg')}")
        raise typer.Exit


@app.callback()
def options(
    debug: bool = typer.Option(
        False, "--debug", envvar="XREG_DEBUG", help="Show the traceback of an error."
    ),
    version: bool = typer.Option(
        False, "--version", is_eager=True, callback=_version, help="Show the version."
    ),
) -> None:
    """Machine learning on X-ray spectra: plugins, versioned datasets, reproducible runs."""
    if debug:
        os.environ["XREG_DEBUG"] = "1"
