"""The hooks, and the plugins of this repository: each documented, used, described, tested."""

from __future__ import annotations

import textwrap
import tomllib
import types
from pathlib import Path
from typing import Any

import pluggy
import pytest

from xreg.core import hooks
from xreg.core.config import Config
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.run import ReportSection, Run
from xreg.core.settings_in_words import unbounded
from xreg.registry.plugins import host

ROOT = Path(__file__).parents[2]

# What is installed here --------------------------------------------------------------------------


def test_our_own_plugins_are_sound() -> None:
    assert host().broken == []
    assert host().conflicts() == []
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    folders = {p.parent.name for p in (ROOT / "plugins/xreg/plugins").glob("*/plugin.py")}
    assert folders == set(declared["xreg"]), "a plugin folder without entry point, or the reverse"


@pytest.mark.parametrize("installed", list(host()), ids=lambda i: i.spec.name)
def test_every_setting_is_described_and_bounded(installed: Any) -> None:
    config = installed.spec.config
    assert [row.name for row in config.table() if not row.description.strip()] == []
    assert unbounded(config) == []


@pytest.mark.parametrize("installed", list(host()), ids=lambda i: i.spec.name)
def test_every_plugin_has_a_readme_that_names_its_source(installed: Any) -> None:
    folder = installed.spec.target.partition(":")[0].split(".")[2]
    text = (ROOT / "plugins/xreg/plugins" / folder / "README.md").read_text()
    paragraphs = [p for p in text.split("\n\n") if p.strip() and not p.startswith("#")]
    assert len(paragraphs) >= 3
    assert "Source" in paragraphs[-1]


# Hooks -------------------------------------------------------------------------------------------

HOOKS = [name for name, value in vars(hooks).items() if hasattr(value, "xreg_spec")]


@pytest.mark.parametrize("name", HOOKS)
def test_the_example_of_every_hook_works(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = textwrap.dedent(getattr(hooks, name).__doc__.partition("::\n")[2])
    assert f"def {name}(" in text
    space: dict[str, Any] = {
        "hookimpl": hookimpl,
        "ComponentSpec": ComponentSpec,
        "ReportSection": ReportSection,
        "RadiiConfig": Config,
    }
    plugin = types.ModuleType("example")
    exec(text, space)
    setattr(plugin, name, space[name])
    manager = pluggy.PluginManager("xreg")
    manager.add_hookspecs(hooks)
    manager.register(plugin)
    manager.check_pending()
    run = Run("demo", Path("runs/demo"), {"emulator": {"name": "mlp"}}, {"test": {"r2": 0.9}}, 3.0)
    given = {} if name == "xreg_components" else {"run": run}
    (answer,) = getattr(manager.hook, name)(**given) or [None]
    if name == "xreg_components":
        assert isinstance(answer[0], ComponentSpec)
    elif name == "xreg_report_sections":
        assert answer == [ReportSection("Cost", "<p>3 s</p>")]
    else:
        assert "demo" in capsys.readouterr().out


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_has_a_user_and_a_test(name: str) -> None:
    users = [
        path
        for folder in ("plugins", "examples")
        for path in (ROOT / folder).rglob("*.py")
        if f"def {name}(" in path.read_text() and "tests" not in path.parts
    ]
    assert users, f"no plugin of this repository implements {name}"
    tests = [
        path
        for folder in ("tests", "examples")
        for path in (ROOT / folder).rglob("test_*.py")
        if path != Path(__file__).resolve() and name in path.read_text()
    ]
    assert tests, f"no test beside this one uses {name}"
