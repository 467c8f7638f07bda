"""The layout of the code: no circle, no long file, no full folder, few calls upwards."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter, defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
ROOTS = ("xreg.core", "xreg.registry", "xreg.plugins", "xreg.workbench", "xreg.cli")
LINES, MODULES, CLIMBS = 400, 15, 6


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """What each module imports, inside functions too, but not for type checkers alone."""
    graph = grimp.build_graph(*ROOTS, exclude_type_checking_imports=True, cache_dir=None)
    return {m: graph.find_modules_directly_imported_by(m) for m in graph.modules}


def circle(edges: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_circle_between_modules(imports):
    assert len(imports) > 400
    assert circle(imports) == []


def test_no_circle_between_folders(imports):
    packages = {module.rpartition(".")[0] for module in imports}

    def folder(module: str) -> str:
        return module if module in packages else module.rpartition(".")[0]

    edges: dict[str, set[str]] = defaultdict(set)
    for module, imported in imports.items():
        edges[folder(module)] |= {folder(other) for other in imported} - {folder(module)}
    assert len(edges) > 60
    assert circle(edges) == []


def test_a_circle_would_be_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})


def test_no_file_is_long_and_no_folder_full():
    listed = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    files = [path for name in listed if (path := ROOT / name).is_file()]
    assert len(files) > 600
    long = {
        str(path.relative_to(ROOT)): count
        for path in files
        if (count := path.read_text(encoding="utf-8").count("\n")) > LINES
    }
    assert not long, f"more than {LINES} lines; divide by subject"
    filled = Counter(
        str(path.parent.relative_to(ROOT)) for path in files if path.name != "__init__.py"
    )
    full = {name: count for name, count in filled.items() if count > MODULES}
    full.pop("benchmarks", None)  # each is a script of its own
    assert not full, f"more than {MODULES} modules; divide by subject"


def test_a_run_climbs_at_most_six_times(published, tmp_path):
    words = ["--dataset", "toy@1.1.0", "--registry", published, "--out", tmp_path / "run"]
    words += ["--channel", "xes", "--descriptor", "internal", "--emulator", "ridge"]
    command = [sys.executable, ROOT / "benchmarks" / "layers.py", "run", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"^climbs: (\d+) places$", done.stdout, re.MULTILINE)
    assert found, done.stdout
    assert 0 < int(found[1]) <= CLIMBS, done.stdout
