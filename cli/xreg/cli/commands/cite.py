"""``xreg cite``: how to cite a dataset or model at an exact version."""

from __future__ import annotations

from typing import Annotated

import typer

from xreg.cli import options
from xreg.cli.output import echo


def cite(
    reference: Annotated[
        str,
        typer.Argument(metavar="NAME[@VERSION]", help="A dataset or model; the newest version."),
    ],
    form: options.CardFormat = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--of", metavar="dataset|model", help="Which of the two, where both have that name."
        ),
    ] = None,
    registry: options.Registry = None,
) -> None:
    """Print a citation of a published dataset or model; pulls nothing.

    Formats: bibtex (if none is given), cff, datacite.
    """
    from xreg.registry.cards.citation import cite
    from xreg.registry.finding import find_either

    found = find_either(reference, registry, kind)
    echo(cite(found.entry, found.registry.location, form or "bibtex"), nl=False)
