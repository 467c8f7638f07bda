"""Whether a plugin keeps to the rules, and what to do where it does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from xreg.core import API_VERSION
from xreg.core.errors import PluginError
from xreg.core.hooks import HEAVY
from xreg.core.interfaces.kinds import KINDS
from xreg.registry.plugins.hosting import require_api
from xreg.workbench.plugins.conformance import needs_files, probe, run_suites
from xreg.workbench.plugins.declaration import Declaration, read_declaration
from xreg.workbench.plugins.project import Project, read_project, text_of

__all__ = ["Checked", "Point", "check"]

State = Literal["ok", "mend", "note"]

SLOW = 0.5  # seconds
REMEDIES = {
    "save_load": "keep what fit learns in attributes that end in _ and are arrays of numbers or "
    "JSON values, or override state() and restore(); trees of scikit-learn become arrays by "
    "xreg.core.emulators.trees",
    "changed_byte": "leave saving to state() and restore(); a pickle is never read",
    "pickle": "keep no open files, locks or lambdas as attributes",
    "determinism": "draw from numpy.random.default_rng(seed) with a setting 'seed'",
    "batches": "use what fit learned, never a mean or rank over the rows that are given",
    "no_side_effects": "copy an array before you change it",
    "light_declaration": "move heavy imports from the declaration to the method",
    "declaration": "give the class the name and Config of its ComponentSpec",
    "refit": "set every attribute that ends in _ anew in fit",
}


@dataclass(frozen=True)
class Point:
    """One point of a check.

    Attributes
    ----------
    state
        ``ok``, ``mend`` (must be mended) or ``note`` (look whether it is meant so).
    area
        What it is about.
    text
        What was found.
    remedy
        What to do.
    """

    state: State
    area: str
    text: str
    remedy: str = ""


@dataclass
class Checked:
    """What a check found.

    Attributes
    ----------
    name
        Distribution and version, or file.
    points
        In the order in which they were checked.
    """

    name: str
    points: list[Point] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing must be mended."""
        return all(point.state != "mend" for point in self.points)


def check(paths: Sequence[Path], *, static: bool = False) -> list[Checked]:
    """Check plugins.

    Parameters
    ----------
    paths
        Folders of distributions, or plugins of one file.
    static
        Whether only to read: then none of their code is run.

    Raises
    ------
    DataError
        If a path is no plugin.
    MissingRequirementError
        If pytest is not installed, and code is to be run.
    """
    projects = [read_project(path) for path in paths]
    results = []
    for project in projects:
        result = Checked(f"{project.name} {project.version}".strip())
        results.append(result)
        if not project.single:
            result.points += _documents(project)
        read = []
        for module, file in project.modules.values():
            declaration = read_declaration(text_of(file), f"'{file}'")
            read.append((module, declaration))
            result.points += _manifest(declaration, file.name)
        if not static:
            for module, declaration in read:
                result.points += _imported(project, module, declaration)
    if not static:
        _conform(projects, results)
    return results


# Read without running anything -------------------------------------------------------------------


def _documents(project: Project) -> Iterator[Point]:
    table, needs = project.table, project.table.get("dependencies")
    dynamic = table.get("dynamic", [])
    for key, example in (
        ("name", 'name = "xreg-radii"'),
        ("version", 'version = "0.1.0"'),
        ("description", 'description = "one line for indexes"'),
        ("requires-python", 'requires-python = ">=3.11"'),
    ):
        if not table.get(key) and key not in dynamic:
            yield Point("mend", "project", f"pyproject.toml has no '{key}'", f"write {example}")
    if not any(str(need).partition(" ")[0].startswith("xreg") for need in needs or ()):
        yield Point(
            "mend",
            "project",
            "xreg is none of its dependencies",
            'write dependencies = ["xreg>=0.1"]',
        )
    if not project.texts(r"readme\b"):
        yield Point(
            "mend", "readme", "there is no README", "say in README.md what it does and its source"
        )
    elif any("Say here in two paragraphs" in file.read_text(encoding="utf-8", errors="replace")
             for file in project.texts(r"readme\b")):  # fmt: skip
        yield Point("note", "readme", "README.md still asks for its two paragraphs", "write them")
    licence = table.get("license")
    stated = licence.get("text") if isinstance(licence, dict) else licence
    if not (stated or isinstance(licence, dict)):
        yield Point(
            "mend",
            "licence",
            "pyproject.toml states no licence",
            'write license = "BSD-3-Clause", or another name of SPDX: nobody may use code without',
        )
    if not project.texts("licen[cs]e", "copying"):
        yield Point("mend", "licence", "the licence's text is missing", "add a file LICENSE")


def _manifest(declaration: Declaration, file: str) -> Iterator[Point]:
    for what in declaration.computed:
        yield Point(
            "mend",
            "manifest",
            f"{file}: {what} cannot be read without running it",
            "write it as a plain text, so that indexes can list the plugin without running it",
        )
    if not declaration.components:
        yield Point(
            "note",
            "manifest",
            f"{file} declares no component that can be read",
            "call ComponentSpec in it; a plugin of hooks alone has none",
        )
    if declaration.api is None:
        if not any(what.startswith("XREG_API") for what in declaration.computed):
            yield Point(
                "mend",
                "api",
                f"{file} does not say for which plugin interface it was written",
                f'write XREG_API = "{API_VERSION}"',
            )
    else:
        try:
            require_api(declaration.api)
        except PluginError as error:
            yield Point("mend", "api", str(error), f'write XREG_API = "{API_VERSION}", and test')
        else:
            major = declaration.api.partition(".")[0]
            yield Point("ok", "api", f"runs with interface {declaration.api} up to {major}.x")
    for one in declaration.components:
        where = f"{one.kind} '{one.name}'"
        if one.kind is not None and one.kind not in KINDS:
            yield Point(
                "mend", "manifest", f"{where}: no such kind", f"choose among {', '.join(KINDS)}"
            )
        elif one.kind and one.name:
            names = (
                ", ".join(setting.name for setting in one.settings)
                or "no settings that can be read"
            )
            yield Point("ok", "manifest", f"{where}: {names}")


# Run in a process of its own ---------------------------------------------------------------------


def _imported(project: Project, module: str, declaration: Declaration) -> Iterator[Point]:
    found = probe(project, module)
    if "error" in found:
        yield Point(
            "mend", "import", f"{module} cannot be imported ({found['error']})", "mend the error"
        )
        return
    heavy = sorted(set(HEAVY) & set(found["imported"]))
    if heavy and not project.single:
        yield Point(
            "mend",
            "import",
            f"importing {module} imports {', '.join(heavy)}",
            "import them in the module of the method, which is imported on first use",
        )
    elif found["seconds"] > SLOW and not project.single:
        yield Point(
            "note",
            "import",
            f"importing {module} takes {found['seconds']:.1f} s",
            "every start of xreg waits for it; move work to the method",
        )
    else:
        yield Point("ok", "import", f"{module} imports nothing heavy" if not heavy else module)
    wrote = {(one.kind, one.name) for one in declaration.components}
    for one in found["components"]:
        if (one["kind"], one["name"]) not in wrote and not declaration.computed:
            yield Point(
                "mend",
                "manifest",
                f"{one['kind']} '{one['name']}' cannot be read without running the declaration",
                "write kind and name as plain texts in ComponentSpec(…)",
            )
        yield from _settings(one)


def _settings(one: dict[str, Any]) -> Iterator[Point]:
    where = f"{one['kind']} '{one['name']}'"
    if one.get("error"):
        yield Point("mend", "import", f"{where}: {one['error']}", "mend the target or its module")
    for need in one.get("missing", ()):
        yield Point("note", "requirements", f"{where} needs {need}", "install it to have it tested")
    if not one.get("summary", "").strip():
        yield Point("mend", "settings", f"{where} has no summary", "give ComponentSpec a summary")
    for name, kind, _, unit, description in one.get("settings", ()):
        if not description.strip():
            yield Point(
                "mend",
                "settings",
                f"{where}: setting '{name}' has no description",
                f'declare it as {name}: … = setting(…, description="what it does")',
            )
        if not unit and kind.startswith("number"):
            yield Point(
                "note",
                "settings",
                f"{where}: setting '{name}' has no unit",
                'give unit="Å" or the like, unless it is a pure number',
            )
    for name in one.get("unbounded", ()):
        yield Point(
            "mend",
            "settings",
            f"{where}: setting '{name}' takes any value of its type",
            "give bounds (ge=, gt=, le=, lt=), a pattern, a length, or a Literal of choices",
        )


# The conformance suite ---------------------------------------------------------------------------


def _conform(projects: Sequence[Project], results: Sequence[Checked]) -> None:
    components = {
        id(project): [
            (one.kind, one.name)
            for _, file in project.modules.values()
            for one in read_declaration(text_of(file), f"'{file}'").components
            if one.kind and one.name
        ]
        for project in projects
    }
    single = [c for p in projects if p.single for c in components[id(p)]]
    records, output = run_suites(projects, single)
    for project, result in zip(projects, results, strict=True):
        mine = [r for r in records if _is_of(Path(r["file"]), project)]
        result.points += _judged(project, components[id(project)], mine, output)


def _is_of(file: Path, project: Project) -> bool:
    if project.single:  # its test was written for this check
        return file.name == f"test_{project.path.stem}.py"
    return file.is_relative_to(project.path)


def _judged(
    project: Project,
    components: Sequence[tuple[str, str]],
    records: Sequence[dict[str, Any]],
    output: str,
) -> Iterator[Point]:
    for kind, name in components:
        if kind not in KINDS:
            continue
        done = [r for r in records if (r["kind"], r["name"]) == (kind, name)]
        passed = sum(r["outcome"] == "passed" for r in done)
        if done:
            skipped = sum(r["outcome"] == "skipped" for r in done)
            more = f", {skipped} that do not apply or are waived" if skipped else ""
            failed = any(r["outcome"] == "failed" for r in done)
            yield Point(
                "note" if failed else "ok",
                "conformance",
                f"{kind} '{name}': {passed} checks of {len(done)} passed{more}",
            )
            continue
        suite = KINDS[kind].suite.partition(":")[2]
        if project.single:
            yield Point(
                "note",
                "conformance",
                f"{kind} '{name}': its suite needs {' and '.join(needs_files(kind))}()",
                "make a distribution of it, whose test can say so (xreg plugins new)",
            )
        else:
            yield Point(
                "mend",
                "conformance",
                f"no test runs the {suite} on {kind} '{name}'",
                f"write tests/test_it.py: `class TestIt({suite}): component = …`",
            )
    for record in (r for r in records if r["outcome"] == "failed"):
        what = record["check"] or record["test"].rpartition("/")[2]
        told = " ".join(record["message"].split())
        told = told if len(told) <= 300 else told[:297] + "…"
        error = f"{record['error']}: " if record["error"] not in ("", "AssertionError") else ""
        expected = f" Expected: {record['expected']}" if record["expected"] else ""
        page = f"docs/reference/{record['kind']}.md" if record["kind"] else ""
        yield Point(
            "mend",
            "conformance",
            f"{what}: {error}{told}.{expected}".replace("..", "."),
            REMEDIES.get(record["check"], page and f"the interface is described in {page}"),
        )
    if not records and output and "no tests ran" not in output:
        yield Point("mend", "conformance", output.splitlines()[-1], "run pytest in its folder")
