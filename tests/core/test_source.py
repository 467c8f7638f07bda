"""The hash of the code behind a component."""

from __future__ import annotations

import importlib
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from xreg.core.source import libraries, source_hash

MODULE = "from toy_help.tables import scale\n\n\nclass Toy:\n    pass\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path, such as that of an editable plugin."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    _forget()


def _forget() -> None:
    for name in [n for n in sys.modules if n.partition(".")[0].startswith("toy")]:
        del sys.modules[name]
    importlib.invalidate_caches()


def write(site: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def hash_of(target: str) -> str:
    """Return the hash as a new process finds it."""
    _forget()
    module, _, name = target.partition(":")
    return source_hash(getattr(importlib.import_module(module), name))


PACKAGE = {
    "toy/__init__.py": "",
    "toy/plugin.py": "from toy.method import Toy\n",
    "toy/method.py": "from . import helper\nfrom xreg.core.atoms.edges import edge_of\n" + MODULE,
    "toy/helper.py": "SCALE = 1.0\n",
    "toy/data/table.json": "[1]\n",
    "toy_help/__init__.py": "",
    "toy_help/tables.py": "import toy_deeper\nscale = 1\n",
    "toy_deeper.py": "x = 1\n",
    "unrelated/__init__.py": "",
}
NAMESPACE = {
    "toyspace/soap/method.py": "from toyspace.soap.helper import x\n" + MODULE,
    "toyspace/soap/helper.py": "x = 1\n",
    "toyspace/soap/table.csv": "1\n",
    "toyspace/other/method.py": "x = 1\n",
    **{name: text for name, text in PACKAGE.items() if "toy_" in name},
}
SINGLE = {
    "toy_one.py": 'FILE = "numbers.json"\nFOLDER = "toy_tables"\n' + MODULE,
    "numbers.json": "[1]\n",
    "letters.json": "[1]\n",
    "toy_tables/a.txt": "1\n",
    **{name: text for name, text in PACKAGE.items() if "toy_" in name},
}


@pytest.mark.parametrize(
    ("files", "target", "counts", "not_"),
    [
        (
            PACKAGE,
            "toy.method:Toy",
            ["toy/method.py", "toy/helper.py", "toy/plugin.py", "toy/data/table.json"],
            ["unrelated/__init__.py", "toy/README.md", "toy/tests/test_toy.py"],
        ),
        (
            NAMESPACE,
            "toyspace.soap.method:Toy",
            ["toyspace/soap/method.py", "toyspace/soap/helper.py", "toyspace/soap/table.csv"],
            ["toyspace/other/method.py"],
        ),
        (
            SINGLE,
            "toy_one:Toy",
            ["toy_one.py", "numbers.json", "toy_tables/a.txt"],
            ["letters.json"],
        ),
    ],
    ids=["package", "namespace", "single file"],
)
def test_an_edit_of_what_a_class_runs_changes_its_hash(
    site: Path, files: dict[str, str], target: str, counts: list[str], not_: list[str]
) -> None:
    write(site, files)
    first = hash_of(target)
    assert len(first) == 64
    assert hash_of(target) == first
    seen = {first}
    for name in [*counts, "toy_help/tables.py", "toy_help/__init__.py", "toy_deeper.py"]:
        path = site / name
        path.write_text(path.read_text() + "\n")
        found = hash_of(target)
        assert found not in seen, name
        seen.add(found)
        last = found
    for name in not_:
        write(site, {name: "changed\n"})
        assert hash_of(target) == last, name


def test_a_file_that_comes_or_goes_counts(site: Path) -> None:
    write(site, PACKAGE)
    first = hash_of("toy.method:Toy")
    write(site, {"toy/new.py": ""})
    second = hash_of("toy.method:Toy")
    (site / "toy/new.py").unlink()
    assert second != first
    assert hash_of("toy.method:Toy") == first


def test_a_change_of_the_toolbox_counts(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin in which nothing changed gives other numbers where ``xreg.core`` does."""
    write(site, PACKAGE)
    from xreg.core import source
    from xreg.core.atoms import edges

    first = hash_of("toy.method:Toy")
    real, changed = source._read, list[Path]()

    def read(path: Path) -> tuple[str, tuple[str, ...]]:
        found, imports = real(path)
        return ("changed", imports) if path in changed else (found, imports)

    monkeypatch.setattr(source, "_read", read)
    found = {first}
    for path in (Path(edges.__file__), Path(edges.__file__).with_name("edges.json")):
        changed = [path]
        found.add(hash_of("toy.method:Toy"))
    assert len(found) == 3
    changed = [Path(importlib.import_module("xreg.workbench.report.page").__file__ or "")]
    assert hash_of("toy.method:Toy") == first


def test_what_runs_counts_and_not_what_was_written_since(site: Path) -> None:
    write(site, PACKAGE)
    first = hash_of("toy.method:Toy")
    running = sys.modules["toy.method"].Toy
    write(site, {"toy/method.py": "class Toy:\n    x = 2\n"})
    assert source_hash(running) == first


def test_a_plugin_in_a_zip_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for number in range(2):
        archive = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(archive, "w") as stream:
            stream.writestr("toyzip/__init__.py", "")
            stream.writestr("toyzip/method.py", f"class Toy:\n    x = {number}\n")
        with monkeypatch.context() as patch:
            patch.syspath_prepend(str(archive))
            found.append(hash_of("toyzip.method:Toy"))
            _forget()
    assert len({*found, ""}) == 3


def test_compiled_files_count_where_they_are_all_there_is(site: Path) -> None:
    import py_compile

    found = set()
    for number in range(2):
        write(site, {"toybare/__init__.py": "", "source.py": f"class Toy:\n    x = {number}\n"})
        py_compile.compile(str(site / "source.py"), cfile=str(site / "toybare/method.pyc"))
        found.add(hash_of("toybare.method:Toy"))
    assert len(found) == 2


def test_a_class_without_any_source_has_no_hash() -> None:
    made: Callable[..., type] = type
    assert source_hash(made("Toy", (), {"__module__": "nowhere_at_all"})) == ""


def test_installed_distributions_are_told_apart_from_the_code(site: Path) -> None:
    from xreg.registry.plugins import host

    found = libraries(host().load("descriptor", "soap"))
    import numpy as np

    assert found["numpy"] == np.__version__
    assert "dscribe" in found
    assert "xreg" not in found
    write(site, PACKAGE)
    hash_of("toy.method:Toy")
    assert "toy_help" not in libraries(sys.modules["toy.method"].Toy)


def test_links_that_lead_upwards_end(site: Path) -> None:
    write(site, PACKAGE)
    (site / "toy/again").symlink_to(site / "toy", target_is_directory=True)
    assert hash_of("toy.method:Toy")
