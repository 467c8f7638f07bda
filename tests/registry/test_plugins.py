"""The plugin host: isolation, conflicts, requirements, lazy targets."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, distributions, entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xreg.core import API_VERSION
from xreg.core.config import Config, setting
from xreg.core.errors import (
    ConfigError,
    MissingRequirementError,
    PluginError,
    UnknownNameError,
)
from xreg.core.hooks import Program, Requirement
from xreg.core.interfaces import Descriptor, FeatureLabel
from xreg.core.model.features import build_features
from xreg.core.testing import waters
from xreg.registry.plugins import PluginHost, host, hosting

# Fake distributions: a folder that looks like one into which pip has installed plugins -----------

_count = itertools.count()

COMPONENT = """
from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, Program, Requirement, hookimpl

XREG_API = "1.0"


class FakeConfig(Config):
    size: int = setting(3, ge=1, le=9, description="A size.")


@hookimpl
def xreg_components():
    return [ComponentSpec({kind!r}, {name!r}, FakeConfig, {target!r}, "A fake.", {requires})]
"""


def component(
    kind: str = "descriptor",
    name: str = "fake",
    target: str = "no_such_module:Nothing",
    requires: str = "()",
) -> str:
    """Return the source of a plugin that declares one component."""
    return COMPONENT.format(kind=kind, name=name, target=target, requires=requires)


def install(folder: Path, name: str, source: str, version: str = "1.0") -> None:
    """Install a distribution of one module with one entry point."""
    module = f"fake_plugin_{next(_count)}"
    (folder / f"{module}.py").write_text(source)
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[xreg]\n{name} = {module}\n")


def points(folder: Path) -> list[EntryPoint]:
    """Return the entry points that are installed in a folder."""
    found = distributions(path=[str(folder)])
    return [point for dist in found for point in dist.entry_points if point.group == "xreg"]


GOOD = component(name="good")

Hosted = Callable[[], PluginHost]


@pytest.fixture
def hosted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hosted:
    """Return a function that loads what was installed in ``tmp_path``."""
    monkeypatch.syspath_prepend(tmp_path)
    return lambda: PluginHost(points(tmp_path))


# Isolation ---------------------------------------------------------------------------------------

BROKEN = {
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "exits": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "no exception": ("raise BaseException('skipped')", "BaseException: skipped"),
    "syntax": ("def (", "SyntaxError"),
    "missing-import": ("import no_such_package", "No module named 'no_such_package'"),
    "misspelt-hook": (
        "XREG_API = '1.0'\nfrom xreg.core.hooks import hookimpl\n@hookimpl\n"
        "def xreg_componets(): return []",
        "unknown hook 'xreg_componets'",
    ),
    "unmarked-hook": (
        "XREG_API = '1.0'\ndef xreg_run_finished(run): pass",
        "lacks the decorator @hookimpl",
    ),
    "wrong-argument": (
        "XREG_API = '1.0'\nfrom xreg.core.hooks import hookimpl\n@hookimpl\n"
        "def xreg_run_started(job): pass",
        "hookimpl definition",
    ),
    "returns-names": (
        "XREG_API = '1.0'\nfrom xreg.core.hooks import hookimpl\n@hookimpl\n"
        "def xreg_components(): return ['soap']",
        "returned 'soap', no ComponentSpec",
    ),
    "unknown-kind": (component(kind="optimiser"), "unknown kind 'optimiser'"),
    "bad-name": (component(name="Bad Name"), "lower-case letters, digits and dashes"),
    "no-config": (
        "XREG_API = '1.0'\nfrom xreg.core.hooks import ComponentSpec, hookimpl\n"
        "@hookimpl\ndef xreg_components(): return [ComponentSpec('emulator', 'x', dict, 'a:B')]",
        "no Config class",
    ),
    "fails-when-asked": (
        "XREG_API = '1.0'\nfrom xreg.core.hooks import hookimpl\n"
        "@hookimpl\ndef xreg_components(): raise OSError('disk')",
        "OSError: disk",
    ),
    "no-api": (
        GOOD.replace('XREG_API = "1.0"', ""),
        f'add XREG_API = "{API_VERSION}" to its module',
    ),
    "odd-api": (GOOD.replace('"1.0"', "1.0"), f"XREG_API is 1.0; write it as '{API_VERSION}'"),
    "newer-api": (
        GOOD.replace('"1.0"', '"1.99"'),
        f"interface 1.99, and this is {API_VERSION}: install a newer",
    ),
    "older-api": (GOOD.replace('"1.0"', '"0.9"'), "install a newer version of it"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_hurts_nobody_else(case: str, tmp_path: Path, hosted: Hosted) -> None:
    source, words = BROKEN[case]
    install(tmp_path, "a-good-one", GOOD)
    install(tmp_path, "broken-one", source, version="2.3")
    install(tmp_path, "z-good-one", component(name="other"))
    plugins = hosted()
    assert [i.spec.name for i in plugins] == ["good", "other"]
    (broken,) = plugins.broken
    assert (broken.name, broken.distribution) == ("broken-one", "broken-one 2.3")
    assert words in broken.error
    assert "\n" not in broken.error
    # None of its hooks is called later.
    left = {p for p in map(plugins.manager.get_name, plugins.manager.get_plugins()) if p}
    assert {name for name in left if "broken" in name} == set()


def test_what_a_plugin_prints_is_no_answer_of_ours(
    tmp_path: Path, hosted: Hosted, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tmp_path, "talks", "print('hello')\n" + GOOD)
    assert [i.spec.name for i in hosted()] == ["good"]
    assert capsys.readouterr() == ("", "hello\n")


def test_a_broken_plugin_is_named_where_it_is_missed(tmp_path: Path, hosted: Hosted) -> None:
    install(tmp_path, "soapy", "raise RuntimeError('built for another numpy')")
    with pytest.raises(UnknownNameError, match=r"'soapy' is broken .*another numpy"):
        hosted().get("descriptor", "soapy")


def test_command_lists_the_broken_and_the_whole(tmp_path: Path) -> None:
    """``xreg plugins list`` works beside a broken plugin and a conflict, and says so."""
    install(tmp_path, "broken-one", BROKEN["raises"][0])
    install(tmp_path, "second-soap", component(name="soap"), version="0.3")
    needs = '[Requirement("q_q", "pip install q-q")]'
    install(tmp_path, "needy", component(name="needy", requires=needs))

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "xreg.cli.main", *words],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    listed = run("plugins", "list")
    assert listed.returncode == 0
    assert re.search(r"emulator +ridge", listed.stdout)
    assert re.search(r"needy .*\[needs q_q: pip install q-q\]", listed.stdout)
    assert "broken: broken-one (broken-one 1.0): ZeroDivisionError" in listed.stderr
    assert re.search(r"conflict: descriptor 'soap'.*second-soap 0\.3.*xreg", listed.stderr)
    shown = run("plugins", "show", "soap")
    assert shown.returncode == 2
    assert "uninstall one" in shown.stderr
    assert "Traceback" not in shown.stderr


# Names and conflicts -----------------------------------------------------------------------------


def test_two_plugins_of_one_name(tmp_path: Path, hosted: Hosted) -> None:
    install(tmp_path, "first-lab", GOOD, version="1.2")
    install(tmp_path, "second-lab", GOOD, version="0.9")
    plugins = hosted()
    for text in ["first-lab 1.2", "second-lab 0.9", "descriptor 'good'"]:
        assert text in plugins.conflicts()[0]
        with pytest.raises(PluginError, match=re.escape(text)):
            plugins.get("descriptor", "good")
    # One name for two kinds is none of our business.
    install(tmp_path, "third-lab", component(kind="emulator", name="good"))
    again = hosted()
    assert again.kinds_of("good") == ["descriptor", "emulator"]
    assert again.get("emulator", "good").distribution == "third-lab"


def test_did_you_mean(tmp_path: Path, hosted: Hosted) -> None:
    with pytest.raises(UnknownNameError, match=r"no descriptor 'soup' \(did you mean 'soap'\?\)"):
        host().get("descriptor", "soup")
    with pytest.raises(UnknownNameError, match=r"no generator .x. .*pyscf"):
        host().get("generator", "x")
    install(tmp_path, "lab", GOOD)
    with pytest.raises(ConfigError, match=r"unknown key 'sise' \(did you mean 'size'\?\)"):
        hosted().build("descriptor", "good", {"sise": 2})


# Requirements and targets ------------------------------------------------------------------------


def test_missing_requirement(tmp_path: Path, hosted: Hosted) -> None:
    needs = '[Requirement("q_q.deep", "pip install q-q"), Program("q-run", "see q.org")]'
    install(tmp_path, "lab", component(name="needy", requires=needs))
    plugins = hosted()
    assert [i.spec.name for i in plugins] == ["needy"]
    with pytest.raises(MissingRequirementError) as caught:
        plugins.build("descriptor", "needy", {})
    assert str(caught.value) == (
        "descriptor 'needy' needs 'q_q.deep' (pip install q-q) and 'q-run' (see q.org)."
    )


def test_requirement_that_is_met() -> None:
    assert Requirement("json.decoder", "").met()
    assert Program("sh", "").met()
    assert not Program("no_such_program", "").met()


TARGETS = {
    "no_such_module:Nothing": "cannot be imported .*no_such_module",
    "json:Nothing": "cannot be imported .*Nothing",
    "json:loads": "is not a class",
    "json:JSONDecoder": "JSONDecoder is no Descriptor",
    "xreg.plugins.soap.soap:SOAP": "does not carry the name and Config",
    "xreg.core.descriptors.sites:SiteDescriptor": "does not carry the name and Config",
}


@pytest.mark.parametrize("target", TARGETS)
def test_wrong_target(target: str, tmp_path: Path, hosted: Hosted) -> None:
    install(tmp_path, "lab", component(name="odd", target=target))
    plugins = hosted()
    assert not plugins.broken, "a target is imported on first use, not before"
    with pytest.raises(PluginError, match=TARGETS[target]):
        plugins.build("descriptor", "odd", {})


def test_settings_are_checked_before_the_target_is_imported(tmp_path: Path, hosted: Hosted) -> None:
    install(tmp_path, "lab", component(name="odd"))
    with pytest.raises(ConfigError, match="size"):
        hosted().build("descriptor", "odd", {"size": 10})


def test_listing_is_light() -> None:
    """Neither the list nor the settings of plugins import a numerical package."""
    heavy = ["numpy", "scipy", "torch", "sklearn", "dscribe", "ase", "pyscf", "zarr", "dvc",
             "matplotlib", "pandas"]  # fmt: skip
    probe = (
        "import json, sys\n"
        "from xreg.registry.plugins import host\n"
        "rows = [(i.spec.name, len(i.spec.config.table())) for i in host()]\n"
        f"print(json.dumps([rows, [m for m in {heavy!r} if m in sys.modules]]))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    rows, imported = json.loads(done.stdout)
    assert {"soap", "mlp", "eca", "pyscf"} <= {name for name, _ in rows}
    assert imported == []


def test_listing_builds_no_validator() -> None:
    """To build one takes longer than a plugin's whole declaration; a default must not need it."""
    probe = (
        "from xreg.registry.plugins import host\n"
        "from xreg.core.config import Config\n"
        "def below(c): return [c, *(d for one in c.__subclasses__() for d in below(one))]\n"
        "list(host())\n"
        "print([c.__name__ for c in below(Config)[1:] if c.__pydantic_complete__])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# A plugin that breaks its interface --------------------------------------------------------------


class PaddedConfig(Config):
    extra: int = setting(1, ge=-5, le=5, description="Columns too many.")


class Padded(Descriptor):
    """Returns other columns than it has labels."""

    name = "padded"
    Config = PaddedConfig

    @property
    def feature_labels(self) -> list[FeatureLabel]:
        return [FeatureLabel("a"), FeatureLabel("b")]

    def transform(self, samples: Any) -> Any:
        return np.ones((len(samples), 2 + self.config.extra))


def test_wrong_shape_is_refused_by_name() -> None:
    with pytest.raises(PluginError, match=r"'padded' returned an array of shape \(8, 3\) for 8"):
        build_features(Padded().fit(waters()), waters())
    assert build_features(Padded(extra=0).fit(waters()), waters()).shape == (8, 2)


def test_the_same_entry_points_are_found_as_python_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among them a distribution that is there twice, the first time without a plugin."""
    for place, name, version, points in (
        ("first", "old_plugin", "2.0", "[console_scripts]\nx = y:z\n"),
        ("first", "new.plugin", "1.0", "[other]\na = b\n\n[xreg]\nnew = new_module\n"),
        ("second", "Old-Plugin", "1.0", "[xreg]\nold = old_module\n"),
        ("second", "new-plugin", "0.9", "[xreg]\nnew = older_module\n"),
        ("second", "third", "1.0", "[xregular]\nno = no_module\n"),
    ):
        info = tmp_path / place / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(points)
    for place in ("second", "first"):
        monkeypatch.syspath_prepend(str(tmp_path / place))
    found = {(p.name, p.value) for p in hosting._entry_points()}
    assert found == {(p.name, p.value) for p in entry_points(group="xreg")}
    assert ("new", "new_module") in found
    assert not {name for name, _ in found} & {"old", "no"}
