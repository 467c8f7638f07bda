"""The ``xreg`` command: runs the commands and turns errors into one sentence and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from xreg.cli.output import INTERRUPTED, echo, print_warnings
from xreg.core.errors import XregError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    0 done, 2 a bad request, 1 a failed run or any other failure, 130 interrupted. Errors are told
    in one sentence; ``--debug`` shows their traceback.
    """
    # OpenMP threads that spin while they wait make torch many times slower on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    gc.set_threshold(50_000)  # starting makes thousands of objects, but no garbage to look for
    try:
        _dispatch(list(sys.argv[1:] if arguments is None else arguments))
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code != INTERRUPTED:
            raise
        _print_error("interrupted.")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # whoever read the output has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get("XREG_DEBUG"):
            raise
        _print_error(_sentence(error))
        sys.exit(error.exit_code if isinstance(error, XregError) else 1)


def _dispatch(arguments: list[str]) -> None:
    if arguments == ["plugins", "list"]:
        # The one command that must not wait for typer, which takes longer than the list itself.
        gc.disable()
        try:
            from xreg.cli.listing import print_plugins

            print_plugins()
            gc.freeze()  # at its end Python would look through all of it for garbage once more
        finally:
            gc.enable()
    else:
        from xreg.cli.app import app
        from xreg.cli.options import present

        arguments = present(arguments)
        print_warnings()
        app(arguments)


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


def _print_error(sentence: str) -> None:
    echo(f"xreg: {sentence}", err=True, fg="red")


if __name__ == "__main__":
    main()
