"""Models of strangers bring no code, name installed components only, replace no method."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from xreg.core import storage
from xreg.core.config import Config, setting
from xreg.core.errors import ConsentError, CorruptError, DataError
from xreg.core.hooks import ComponentSpec
from xreg.plugins.ridge.ridge import Ridge
from xreg.registry.models import load_model
from xreg.registry.plugins import PluginHost
from xreg_tests.strangers import model, run

# Models -------------------------------------------------------------------------------------------


class ScriptConfig(Config):
    script: str = setting("", code=True, description="What it runs.")
    lookup: str = setting("", file=True, description="What it reads.")
    inner: list[ScriptConfig] = setting([], description="More.")


class Script(Ridge):
    """An emulator of somebody, whose settings are code."""

    name = "script"
    Config = ScriptConfig
    built: ClassVar[list[Any]] = []

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.built.append(self.config)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install that emulator beside those of xreg."""
    plugin = ModuleType("script_plugin")
    spec = ComponentSpec("emulator", "script", ScriptConfig, f"{__name__}:Script")
    plugins = PluginHost()
    from xreg.registry.plugins import Installed

    plugins._installed[("emulator", "script")] = [Installed(spec, plugin.__name__, "x", "1")]
    monkeypatch.setattr(plugins, "load", _loader(plugins.load))
    for module in ("consent", "models"):
        monkeypatch.setattr(f"xreg.registry.{module}.host", lambda: plugins)
    Script.built.clear()


def _loader(load: Callable[..., Any]) -> Callable[..., Any]:
    return lambda kind, name: Script if name == "script" else load(kind, name)


def rewrite(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a JSON file of a model and sign it anew, as a stranger would."""
    place = folder / storage.META
    body = json.loads(place.read_text())
    change(body)
    body.pop("digest")
    body["digest"] = storage.digest(storage.canonical_json(body))
    place.write_text(json.dumps(body))


def with_emulator(run: Path, name: str, config: dict[str, Any]) -> Path:
    saved = run / "model"
    rewrite(saved / "emulator", lambda body: body.update(name=name, config=config))
    part = storage.digest((saved / "emulator" / storage.META).read_bytes())
    rewrite(
        saved, lambda b: (b["steps"].update(emulator=["emulator", name]),
                          b["parts"].update(emulator=part))
    )  # fmt: skip
    return run


@pytest.mark.parametrize(
    ("config", "error", "told"),
    [
        ({"script": "rm -r ~"}, ConsentError, "script"),
        ({"inner": [{"script": "rm -r ~"}]}, ConsentError, "inner.0.script"),
        ({"inner": [{"inner": [{"script": "rm"}]}]}, ConsentError, "inner.0.inner.0.script"),
        ({"lookup": "/etc/passwd"}, DataError, "names a file"),
        ({"script": {"a": 1}}, ConsentError, "script"),
    ],
)
def test_a_model_brings_no_code(sandbox, script, config, error, told):
    run = with_emulator(model(sandbox.stranger / "run"), "script", config)
    sandbox.freeze()
    with pytest.raises(error, match=told):
        load_model(run)
    assert not Script.built


def test_a_model_with_agreed_code_is_read(sandbox, script):
    run = with_emulator(model(sandbox.stranger / "run"), "script", {"script": "x"})
    assert load_model(run, allow_code=True).emulator.config.script == "x"
    assert load_model(run).emulator.config.script == "x"
    with_emulator(run, "script", {"script": "y"})
    with pytest.raises(ConsentError):
        load_model(run)


@pytest.mark.parametrize(
    "step",
    [["emulator", "os:system"], ["emulator", "../ridge"], ["generator", "quanty"], ["os", "system"],
     ["emulator", "theirs.plugin:Payload"], ["emulator"], "os:system", 3],
)  # fmt: skip
def test_a_model_names_installed_components_only(sandbox, capsys, step):
    (sandbox.work / "theirs.py").write_text(f"open({str(sandbox.sentinel)!r}, 'w')\n")
    run_ = model(sandbox.stranger / "run")
    rewrite(run_ / "model", lambda body: body["steps"].update(emulator=step))
    (sandbox.work / "s.csv").write_text("id,h,sigma,gamma1,gamma2\na,1,1,1,1\n")
    sandbox.freeze()
    assert run("predict", run_, "s.csv", "-o", "out.csv") == 2
    assert "bug" not in capsys.readouterr().err


@pytest.mark.parametrize("place", ["decomposers/../../x", "decomposers//tmp/x", "../x", "other"])
def test_a_model_has_no_place_outside_its_folder(sandbox, place):
    run = model(sandbox.stranger / "run")

    def change(body: dict[str, Any]) -> None:
        body["steps"][place] = ["decomposer", "pca"]
        body["parts"][place] = "0"

    rewrite(run / "model", change)
    sandbox.freeze()
    with pytest.raises(CorruptError, match="steps"):
        load_model(run)


@pytest.mark.parametrize("key", ["predict", "config", "_x", "__class__", "fit", "state"])
def test_saved_state_replaces_no_method(sandbox, key):
    run = model(sandbox.stranger / "run")
    rewrite(run / "model" / "emulator", lambda body: body["state"].update({key: "x"}))
    part = storage.digest((run / "model" / "emulator" / storage.META).read_bytes())
    rewrite(run / "model", lambda body: body["parts"].update(emulator=part))
    sandbox.freeze()
    with pytest.raises(CorruptError, match="no fitted attribute"):
        load_model(run)
