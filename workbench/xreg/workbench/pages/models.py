"""Pages of models: a list, and one page for each version."""

from __future__ import annotations

from xreg.workbench.pages.places import Place
from xreg.workbench.pages.sections import Part, sheet_path, sheets
from xreg.workbench.pages.writer import SiteWriter

__all__ = ["write_models"]


def write_models(writer: SiteWriter, place: Place) -> Part:
    """Write all pages of the models of a registry."""
    path = f"{place.prefix}models/index.html"
    for sheet in sheets([], ()):
        writer.page(
            sheet_path(path, sheet.number),
            "list",
            title="Models",
            about="Trained emulators at exact versions.",
            heads=("Model", "Version"),
            numeric=(),
            sheet=sheet,
            sheet_path=sheet_path,
            first=path,
            empty="No model is published yet.",
        )
    return Part("Models", path, 0, "trained emulators")
