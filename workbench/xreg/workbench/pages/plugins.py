"""Pages of plugins: what is installed, what each setting means, and what an index lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from packaging.utils import canonicalize_name

from xreg.core.analysis.needs import NEEDS
from xreg.core.interfaces.kinds import KINDS
from xreg.core.settings_in_words import SettingRow
from xreg.registry.plugins import Installed, host
from xreg.workbench.pages.index_plugins import write_listed
from xreg.workbench.pages.sections import Part, Row, SearchEntry
from xreg.workbench.pages.writer import SiteWriter

__all__ = ["write_plugins"]

HEADS = ("Name", "Kind", "What it does", "Distribution", "Requires")


def write_plugins(writer: SiteWriter) -> Part:
    """Write the pages of all plugins that are installed where the site is built, or in an index."""
    rows, search = [], []
    claims = Counter((installed.spec.kind, installed.spec.name) for installed in host())
    claimed = {claim for claim, count in claims.items() if count > 1}
    for installed in host():
        spec = installed.spec
        if (spec.kind, spec.name) in claimed:
            continue  # told on the list, as `xreg plugins list` does
        path = f"plugins/{spec.kind}-{spec.name}.html"
        settings = spec.config.table()
        writer.page(
            path,
            "plugin",
            installed=installed,
            spec=spec,
            kind=KINDS[spec.kind],
            recipe=_recipe(installed, settings),
            settings=settings,
            needs=[NEEDS[need].words for need in getattr(spec, "needs", ())],
        )
        requires = ", ".join(r.name for r in spec.requires)
        origin = installed.origin
        rows.append(
            Row(
                cells=[
                    (spec.name, path),
                    spec.kind,
                    spec.summary,
                    origin,
                    requires or "nothing more",
                ],
                facets={
                    "Kind": [spec.kind],
                    "Distribution": [installed.distribution],
                    "State": ["installed"],
                },
            )
        )
        words = " ".join(row.name for row in settings)
        search.append(SearchEntry(spec.kind, spec.name, spec.summary, path, words))
    ours = {canonicalize_name(installed.distribution) for installed in host()}
    listed, found, faults = write_listed(writer, ours)
    rows += listed
    search += found
    path = "plugins/index.html"
    notes = [f"The plugin {b.name} ({b.distribution}) is broken: {b.error}" for b in host().broken]
    writer.list(
        path,
        rows,
        ("Kind", "State", "Distribution"),
        title="Plugins",
        about="Methods that are installed where this site was built, and those of an index.",
        notes=[*notes, *host().conflicts(), *faults],
        heads=HEADS,
        numeric=(),
        empty="No plugin is installed.",
    )
    return Part("Plugins", path, len(rows), "descriptors, emulators, analyses and more", search)


def _recipe(installed: Installed, settings: Sequence[SettingRow]) -> str:
    """Return how a recipe or a command names the component."""
    spec: Any = installed.spec
    shown = [row for row in settings if row.default != "required"][:3]
    lines = []
    for line in KINDS[spec.kind].recipe.splitlines():
        pad = line.partition("{settings}")[0]
        if "{settings}" in line:
            lines += [f"{pad}{row.name}: {row.default}" for row in shown]
        else:
            lines.append(line.replace("{name}", spec.name))
    return "\n".join(lines)
