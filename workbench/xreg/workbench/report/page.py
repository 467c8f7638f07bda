"""The report: one self-contained HTML page."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xreg.core.analysis import style
from xreg.core.interfaces.kinds import LABELLED
from xreg.core.run import ReportSection
from xreg.core.text import counted
from xreg.workbench.report.draw import Picture, save_figure
from xreg.workbench.report.measures import Headline, measures, over_splits, score_text
from xreg.workbench.report.report_data import ReportData
from xreg.workbench.web.html import environment, resource

__all__ = ["EXPLORER_LINK", "EXPLORER_PLACE", "data_url", "drawn", "embed", "fill", "render"]

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOM = "xreg.workbench.report"
MOST_ROWS = 25
EXPLORER_PLACE = "<!-- explorer -->"
"""Where a report leads to its explorer, once there is one."""
EXPLORER_LINK = (
    '<p><a href="explorer.html">Explore every spectrum</a>: a map of all samples, with spectra and '
    "structure of each.</p>"
)


def render(
    report_data: ReportData,
    pictures: Sequence[Picture],
    extra: Sequence[ReportSection] = (),
    *,
    explorer: bool = False,
) -> str:
    """Return the page with its pictures inside; the HTML of plugins' sections is taken as it is."""
    return fill(
        "page",
        report_data=report_data,
        headlines=_headlines(report_data),
        figures=_figures(pictures),
        parts=list(report_data.parts),
        settings=_settings(report_data.recipe),
        provenance=_provenance(report_data),
        extra=extra,
        measures=measures(report_data),
        most_rows=MOST_ROWS,
        explorer=EXPLORER_LINK if explorer else EXPLORER_PLACE,
    )


def fill(template: str, **values: Any) -> str:
    """Return a page: a template of this folder, filled; the style sheet is part of it."""
    made = environment(ROOM)
    made.filters |= {
        "score": score_text,
        "number": _number,
        "percent": _percent,
        "signed": _signed,
        "counted": counted,
    }
    page = made.get_template(f"{template}.html.j2")
    return page.render(style=resource(ROOM, "page.css"), **values)


def data_url(path: Path) -> str:
    """Return a PNG file as an address that holds the picture itself."""
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def drawn(figure: Figure, path: Path) -> str:
    """Write a figure as a PNG file, and return it as :func:`data_url` does."""
    save_figure(figure, path)
    return data_url(path)


def embed(picture: Picture) -> dict[str, str]:
    """Return a figure as the templates show it, its pixels in the page itself."""
    pixels = int.from_bytes(picture.path.read_bytes()[16:20])  # the width in a PNG's header
    return {
        "title": picture.title,
        "caption": picture.caption,
        "source": data_url(picture.path),
        # All figures at one scale, so that their letters have one size.
        "share": f"{min(1, pixels / (style.WIDTH * style.DPI)):.3f}",
    }


def _figures(pictures: Sequence[Picture]) -> dict[str, list[dict[str, str]]]:
    by_section: dict[str, list[dict[str, str]]] = {}
    for picture in pictures:
        by_section.setdefault(picture.section, []).append(embed(picture))
    return by_section


def _headlines(report_data: ReportData) -> list[Headline]:
    if "splits" in report_data.metrics:
        return over_splits(report_data.metrics["splits"])
    scores = report_data.metrics.get(report_data.judged, {})
    if report_data.target.one_unit:
        kind = "raw intensities" if report_data.target.energy is not None else "raw values"
        r2 = scores.get("r2")
        if interval := scores.get("r2_interval"):
            ends = " … ".join(f"{end:.3f}".replace("-", "−") for end in interval)
            kind = f"{kind}; 95 % interval {ends}"
    else:
        kind, r2 = "targets standardised one by one", scores.get("r2_standardised")
    found = [Headline(score_text(r2), f"R² on the {report_data.judged} set", kind)]
    if "sample_r2" in scores:
        median = score_text(scores["sample_r2"]["median"])
        found.append(Headline(median, "R² of a single spectrum", "median"))
    if "spectrum_error" in scores:
        error = scores["spectrum_error"]
        found.append(
            Headline(
                _percent(error["median"]),
                "median spectrum error",
                f"{error['outliers']:.1f} % of spectra at 10 % or more",
            )
        )
    for decomposition in report_data.decompositions:
        covered = decomposition.covered.get(report_data.judged)
        if covered:
            what = f"covered variance, {counted(decomposition.scores.shape[1], 'direction')}"
            found.append(Headline(score_text(covered[-1]), decomposition.label, what))
    return found


def _signed(value: float) -> str:
    text = f"{value:+.2f}"
    return "0.00" if text[1:] == "0.00" else text.replace("-", "−")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} %"


def _number(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}".replace("-", "−") if isinstance(value, float) else str(value)


def _settings(recipe: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return headed lists of setting and value, in the order of the recipe."""
    groups: list[tuple[str, list[tuple[str, str]]]] = []
    general: list[tuple[str, str]] = []
    for key, value in recipe.items():
        if key in LABELLED:
            for label, section in (value or {}).items():
                rows = [(name, _text(inner)) for name, inner in section.items() if name != "name"]
                own = "" if label == section["name"] else f" ({section['name']})"
                groups.append((f"{LABELLED[key]} {label}{own}", rows))
        elif key == "descriptor" and isinstance(value, list):
            for one in value:
                rows = [(name, _text(inner)) for name, inner in one.items() if name != "name"]
                groups.append((f"descriptor {one['name']}", rows))
        elif isinstance(value, Mapping):
            rows = [(name, _text(inner)) for name, inner in value.items() if inner is not None]
            if key in ("descriptor", "emulator"):
                groups.append((f"{key} {value['name']}", [row for row in rows if row[0] != "name"]))
            else:
                groups.append((key, rows))
        else:
            general.append((key, _text(value)))
    return [("run", general), *groups]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "–"
    if value == "":
        return "–"
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value) or "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) or "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _provenance(report_data: ReportData) -> list[tuple[str, str]]:
    summary = report_data.summary
    rows = [("started", summary.get("started", "")), ("xreg", summary.get("xreg", ""))]
    rows += [
        (f"{entry['kind']} {entry['name']}", f"{entry['distribution']} {entry['version']}")
        for entry in summary.get("components", ())
    ]
    platform = summary.get("platform", {})
    rows += [(key, _text(value)) for key, value in platform.items() if key != "libraries"]
    libraries = platform.get("libraries", {}).items()
    rows.append(("libraries", ", ".join(f"{name} {version}" for name, version in libraries)))
    seconds = summary.get("seconds", {}).items()
    rows.append(("time", ", ".join(f"{stage} {value:.1f} s" for stage, value in seconds)))
    if "peak_memory_mib" in summary:
        rows.append(("peak memory", f"{summary['peak_memory_mib']:.0f} MiB"))
    return [(name, value) for name, value in rows if value]
