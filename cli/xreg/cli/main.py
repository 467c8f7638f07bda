"""The ``xreg`` command: joins the commands and turns errors into one sentence and an exit code."""

from __future__ import annotations

import os
import sys

import typer

from xreg.cli import plugins
from xreg.core.errors import XregError

app = typer.Typer(
    name="xreg",
    help="Machine learning on X-ray spectra: plugins, versioned datasets, reproducible runs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(plugins.app, name="plugins")


@app.callback()
def options(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """Machine learning on X-ray spectra: plugins, versioned datasets, reproducible runs."""
    if debug:
        os.environ["XREG_DEBUG"] = "1"


def main() -> None:
    """Run the command line; exit 2 for a bad request, 1 for a failed run."""
    try:
        app()
    except XregError as error:
        if os.environ.get("XREG_DEBUG"):
            raise
        typer.secho(f"xreg: {error}", fg=typer.colors.RED, err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
