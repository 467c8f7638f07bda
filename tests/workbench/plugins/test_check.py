"""What ``xreg plugins check`` finds, one fault at a time, and what it says to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from xreg.core.errors import DataError
from xreg.workbench.plugins.check import Point, check
from xreg.workbench.plugins.declaration import read_declaration
from xreg.workbench.plugins.scaffold import make

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make("emulator", "mine", tmp_path_factory.mktemp("sound") / "xreg-mine", author="A")
    readme = folder / "README.md"
    readme.write_text(readme.read_text().replace("Say here in two", "It is in two"))
    return folder


@pytest.fixture
def plugin(sound: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sound, tmp_path / "xreg-mine")


def mends(plugin: Path, *, static: bool = True) -> list[Point]:
    (result,) = check([plugin], static=static)
    assert result.passed == (not [p for p in result.points if p.state == "mend"])
    return [point for point in result.points if point.state != "ok"]


def edit(file: str, old: str, new: str) -> Callable[[Path], None]:
    def change(plugin: Path) -> None:
        path = plugin / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change


PLUGIN, METHOD = "src/xreg_mine/plugin.py", "src/xreg_mine/method.py"
STATIC = {
    "licence": (
        edit("pyproject.toml", 'license = "BSD-3-Clause"\n', ""),
        "states no licence",
        'license = "BSD-3-Clause"',
    ),
    "text": (lambda p: (p / "LICENSE").unlink(), "licence's text is missing", "LICENSE"),
    "readme": (lambda p: (p / "README.md").unlink(), "no README", "README.md"),
    "asks": (
        edit("README.md", "It is in two", "Say here in two"),
        "still asks",
        "write them",
    ),
    "description": (
        edit("pyproject.toml", "description =", "keywords = []\nnothing ="),
        "no 'description'",
        "description =",
    ),
    "python": (
        edit("pyproject.toml", "requires-python", "requires_python"),
        "no 'requires-python'",
        ">=3.11",
    ),
    "dependency": (
        edit("pyproject.toml", '"xreg>=0.1", ', ""),
        "none of its dependencies",
        "xreg>=0.1",
    ),
    "no-api": (edit(PLUGIN, "XREG_API", "API"), "does not say for which", "XREG_API ="),
    "other-api": (
        edit(PLUGIN, 'XREG_API = "1', 'XREG_API = "9'),
        "install a newer xreg",
        "XREG_API =",
    ),
    "computed-api": (
        edit(PLUGIN, 'XREG_API = "', 'XREG_API = str() + "'),
        "XREG_API on line 6 cannot be read",
        "plain text",
    ),
    "computed-name": (
        edit(PLUGIN, 'name="mine"', 'name="mi" + str("ne")'),
        "name of the component on line",
        "plain text",
    ),
    "kind": (edit(PLUGIN, 'kind="emulator"', 'kind="emulater"'), "no such kind", "emulator"),
    "none": (
        edit(PLUGIN, "ComponentSpec(", "dict("),
        "declares no component",
        "ComponentSpec",
    ),
}


@pytest.mark.parametrize("case", STATIC)
def test_read_without_running_anything(case: str, plugin: Path) -> None:
    change, found, remedy = STATIC[case]
    (plugin / PLUGIN).write_text((plugin / PLUGIN).read_text() + "\n\nopen('it-ran', 'w')\n")
    change(plugin)
    (point,) = mends(plugin)
    assert found in point.text
    assert remedy in point.remedy
    assert not Path("it-ran").exists()


BROKEN = {
    "no-project": (lambda p: (p / "pyproject.toml").unlink(), "it has no pyproject.toml"),
    "no-toml": (lambda p: (p / "pyproject.toml").write_text("["), "cannot be read"),
    "no-table": (lambda p: (p / "pyproject.toml").write_text("a = 1"), r"no table \[project\]"),
    "no-entry": (
        edit("pyproject.toml", "entry-points.xreg", "entry-points.other"),
        r"entry-points\.xreg",
    ),
    "no-module": (lambda p: (p / PLUGIN).unlink(), r"there is no file '.*plugin\.py'"),
    "no-name": (edit("pyproject.toml", '"xreg_mine.plugin"', '"../x"'), "names no module"),
    "no-python": (lambda p: (p / PLUGIN).write_text("def ("), "is no Python"),
    "nested": (lambda p: (p / PLUGIN).write_text("-" * 100_000 + "1"), "is no Python"),
    "no-text": (lambda p: (p / PLUGIN).write_bytes(b"\xff\xfe"), "no text in UTF-8"),
    "huge-module": (lambda p: (p / PLUGIN).write_text("#" * 2_000_000), "of more than 1000000"),
    "huge": (
        lambda p: (p / "pyproject.toml").write_text("#" * 2_000_000),
        "of more than 1000000 bytes",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_no_plugin(case: str, plugin: Path) -> None:
    change, words = BROKEN[case]
    change(plugin)
    with pytest.raises(DataError, match=words):
        check([plugin], static=True)


def test_what_is_run(plugin: Path) -> None:
    """All at once: a heavy import, settings without words and bounds, a pickle, no seed."""
    edit(PLUGIN, "\nfrom xreg.core.config", "\nimport scipy\nfrom xreg.core.config")(plugin)
    edit(PLUGIN, ", gt=0, le=1000, description=", ", description=")(plugin)
    edit(PLUGIN, "Penalty that keeps the prediction smooth.", "")(plugin)
    edit(METHOD, "self.points_ = X.copy()", "self.points_ = X.copy()\n        self.lock_ = print")(
        plugin
    )
    found = {(p.area, p.text): p.remedy for p in mends(plugin, static=False) if p.state == "mend"}
    told = "\n".join(text for _, text in found)
    assert "importing xreg_mine.plugin imports scipy" in told
    assert "'penalty' has no description" in told
    assert "'width' takes any value of its type" in told
    saving = next(key for key in found if key[1].startswith("save_load: PluginError"))
    assert "'lock_' (builtin_function_or_method) is neither an array" in saving[1]
    assert "xreg.core.emulators.trees" in found[saving]
    light = next(key for key in found if key[1].startswith("light_declaration"))
    assert "move heavy imports" in found[light]


def test_one_that_cannot_be_imported(plugin: Path) -> None:
    edit(PLUGIN, "\nfrom xreg.core.config", "\nimport no_such_module\nfrom xreg.core.config")(
        plugin
    )
    shutil.rmtree(plugin / "tests")
    texts = [point.text for point in mends(plugin, static=False)]
    assert any("No module named 'no_such_module'" in text for text in texts)
    assert "no test runs the EmulatorSuite on emulator 'mine'" in texts


@pytest.mark.parametrize(
    "place",
    sorted(p.parent for p in ROOT.glob("*/xreg-*/pyproject.toml")),
    ids=lambda place: place.name,
)
def test_ours_can_be_read_without_running_them(place: Path) -> None:
    assert [p.text for p in mends(place) if p.state == "mend"] == []


def test_what_cannot_be_read_of_our_own_methods_is_told() -> None:
    """Each declaration gives what it gives when it runs, or says that it is computed."""
    from xreg.registry.plugins import host

    ran: dict[str, set[tuple[str, str]]] = {}
    for one in (i for i in host() if i.distribution == "xreg"):
        ran.setdefault(one.plugin, set()).add((one.spec.kind, one.spec.name))
    computed = set()
    for file in (ROOT / "plugins").rglob("plugin.py"):
        found = read_declaration(file.read_text(encoding="utf-8"), str(file))
        if found.computed:
            computed.add(file.parent.name)
        else:
            assert {(one.kind, one.name) for one in found.components} == ran[file.parent.name]
    assert len(computed) < len(ran) / 4
