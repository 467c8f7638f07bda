"""The ``xreg`` command: joins the commands and turns errors into one sentence and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

gc.set_threshold(50_000)  # starting makes thousands of objects, but no garbage to look for

import typer  # noqa: E402

from xreg.cli.lazy import lazy_group  # noqa: E402
from xreg.core.errors import XregError  # noqa: E402

INTERRUPTED = 130
COMMANDS = {
    "run": "xreg.cli.run:run",
    "predict": "xreg.cli.predict:predict",
    "data": "xreg.cli.data:app",
    "models": "xreg.cli.models:app",
    "plugins": "xreg.cli.plugins:app",
    "registry": "xreg.cli.registries:app",
    "schema": "xreg.cli.schema:schema",
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


@app.callback()
def options(
    debug: bool = typer.Option(
        False, "--debug", envvar="XREG_DEBUG", help="Show the traceback of an error."
    ),
) -> None:
    """Machine learning on X-ray spectra: plugins, versioned datasets, reproducible runs."""
    if debug:
        os.environ["XREG_DEBUG"] = "1"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    0 done, 2 a bad request, 1 a failed run or any other failure, 130 interrupted. Errors are told
    in one sentence; ``--debug`` shows their traceback.
    """
    try:
        app(arguments)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _say("interrupted.")
        raise
    except Exception as error:
        if os.environ.get("XREG_DEBUG"):
            raise
        _say(_sentence(error))
        sys.exit(error.exit_code if isinstance(error, XregError) else 1)


def _sentence(error: Exception) -> str:
    if isinstance(error, XregError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:  # the machine's fault: disk full, no access
        return f"{error.strerror}" + (f": '{error.filename}'." if error.filename else ".")
    text = str(error).partition("\n")[0]
    return (
        f"unexpected {type(error).__name__}{f': {text}' if text else ''}; this is a bug in xreg or "
        "in a plugin, and `xreg --debug …` shows where."
    )


def _say(sentence: str) -> None:
    typer.secho(f"xreg: {sentence}", fg=typer.colors.RED, err=True)


if __name__ == "__main__":
    main()
