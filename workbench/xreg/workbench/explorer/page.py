"""The page of an explorer: one file that needs nothing beside it."""

from __future__ import annotations

from pathlib import Path

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.errors import DataError
from xreg.core.files import write_text
from xreg.workbench.explorer.encode import encode, fitted
from xreg.workbench.explorer.view import View
from xreg.workbench.web.html import environment, json_text, policy, resource, sound

__all__ = ["LARGEST_PAGE", "explorer_page", "write_explorer"]

ROOM = "xreg.workbench.explorer"
WEB = "xreg.workbench.web"
LARGEST_PAGE = 5_000_000


def explorer_page(view: View) -> str:
    """Return the page.

    Raises
    ------
    DataError
        If it would be larger than 5 MB, as of samples with very long names.
    """
    data = {**encode(fitted(view)), "symbols": SYMBOLS}
    libraries = f"{ROOM}.libraries"
    scripts = [
        resource(WEB, "theme.js"),
        resource(libraries, "uPlot.iife.min.js"),
        *([resource(libraries, "3Dmol-min.js")] if data["structures"] else []),
        resource(ROOM, "data.js"),
        resource(ROOM, "plots.js"),
        resource(ROOM, "structure.js"),
        resource(ROOM, "explorer.js"),
    ]
    style = "\n".join(
        [
            resource(libraries, "uPlot.min.css"),
            resource(WEB, "look.css"),
            resource(ROOM, "explorer.css"),
        ]
    )
    template = environment(ROOM).get_template("explorer.html.j2")
    page = template.render(
        data=data,
        json=json_text(data),
        scripts=scripts,
        licences=[
            resource(libraries, f"{name}.LICENSE")
            for name in ("uPlot", *(["3Dmol"] if data["structures"] else []))
        ],
        style=style,
        policy=policy(scripts, [style]),
    )
    if len(page.encode()) > LARGEST_PAGE:
        raise DataError(
            f"the explorer of '{sound(view.title)}' would be larger than "
            f"{LARGEST_PAGE / 1e6:g} MB; show one channel of it (--channel), or fewer samples."
        )
    return page


def write_explorer(view: View, path: Path) -> Path:
    """Write the page, complete or not at all, and return its path."""
    write_text(path, explorer_page(view))
    return path
