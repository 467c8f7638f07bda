"""Commands as a user gives them, in this process."""

from __future__ import annotations

from xreg.cli.main import main

__all__ = ["run"]


def run(*arguments: object) -> int:
    """Run ``xreg`` and return its exit code."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0
