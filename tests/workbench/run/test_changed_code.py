"""What was computed by other code is never taken for what the present code gives.

The plugin is editable and never changes its version.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import zarr

from xreg.cli.main import main
from xreg.registry.plugins import host

PLUGIN = """
from toy_method import Size, SizeConfig
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"


@hookimpl
def xreg_components():
    return [ComponentSpec("descriptor", "size", SizeConfig, "toy_method:Size")]
"""
METHOD = """
import json
from pathlib import Path

import numpy as np
from toy_helper import scaled

from xreg.core.config import Config
from xreg.core.interfaces import Descriptor, FeatureLabel


class SizeConfig(Config):
    pass


class Size(Descriptor):
    '''Distances to the first atom.'''

    name = "size"
    Config = SizeConfig

    def transform(self, samples):
        factor = json.loads(Path(__file__).with_name("factor.json").read_text())
        return scaled(np.array([
            np.sort(np.linalg.norm(s.positions[1:] - s.positions[0], axis=1)) for s in samples
        ])) * factor

    @property
    def feature_labels(self):
        return [FeatureLabel("r short", "Å"), FeatureLabel("r long", "Å")]
"""
HELPER = "def scaled(X):\n    return X\n"
# Each leaves the model nothing to learn from; the first is the descriptor itself.
EDITS = {
    "the class": ("toy_method.py", "* factor", "* 0.0"),
    "a helper module": ("toy_helper.py", "return X", "return 0 * X"),
    "a data file": ("factor.json", "1.0", "0.0"),
}


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An editable third-party plugin of single modules, as a link to its sources installs it."""
    folder = tmp_path / "plugin"
    info = folder / "toy-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[xreg]\nsize = toy_plugin\n")
    files = {"toy_plugin.py": PLUGIN, "toy_method.py": METHOD, "toy_helper.py": HELPER}
    for name, text in {**files, "factor.json": "1.0"}.items():
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))  # for the workers of a search
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield folder
    _forget()


def edit(plugin: Path, what: str) -> None:
    name, old, new = EDITS[what]
    path = plugin / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@dataclass
class Done:
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


def xreg(plugin: Path, *words: str) -> Done:
    """Give a command to a new process's state of affairs: nothing of the plugin is imported."""
    _forget()
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main(words)
        except SystemExit as end:
            code = int(end.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


def _forget() -> None:
    for name in ("toy_plugin", "toy_method", "toy_helper"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    host.cache_clear()


def run(plugin: Path, store: Path, out: str, *words: str) -> float:
    """Run the toy descriptor and return its R² on the test part."""
    done = xreg(plugin, "run", "--dataset", str(store), "--descriptor", "size",
                "--emulator", "ridge", "-o", out, *words)  # fmt: skip
    assert done.returncode == 0, done.stderr
    metrics: dict[str, Any] = json.loads(Path(out, "metrics.json").read_text())
    return float(metrics["test"]["r2"])


def test_features_of_earlier_code_are_not_found(
    water_store: Path, workplace: Path, plugin: Path
) -> None:
    assert run(plugin, water_store, "before") > 0.2
    for number, what in enumerate(EDITS):
        kept = {path.name: path.read_text() for path in plugin.iterdir() if path.is_file()}
        edit(plugin, what)
        assert run(plugin, water_store, f"after{number}") < 0.05, what
        for name, text in kept.items():
            (plugin / name).write_text(text)


def test_without_the_cache_nothing_is_taken_from_it_or_left_in_it(
    water_store: Path, workplace: Path, plugin: Path
) -> None:
    cache = Path(os.environ["XREG_CACHE"])
    first = run(plugin, water_store, "first", "--no-cache")
    assert not list(cache.rglob("*.npz"))
    assert run(plugin, water_store, "second") == first
    block = next(cache.rglob("*.npz"))
    block.write_bytes(b"")  # nobody looks at it
    assert run(plugin, water_store, "third", "--no-cache") == first
    assert block.read_bytes() == b""
    assert "400 of 400 samples described anew" in Path("third", "run.log").read_text()


def test_a_model_of_other_code_says_so(water_store: Path, workplace: Path, plugin: Path) -> None:
    run(plugin, water_store, "model")
    components = json.loads(Path("model", "summary.json").read_text())["components"]
    assert all(len(entry["code"]) == 64 for entry in components)
    Path("w.xyz").write_text("3\nabsorber=0\nO 0 0 0\nH 0.97 0 0\nH -0.2 0.96 0\n")
    same = xreg(plugin, "predict", "model", "w.xyz", "-o", "same.zarr")
    assert same.returncode == 0, same.stderr
    assert "has changed" not in same.stdout + same.stderr
    told = "The code of descriptor 'size' has changed since the model was trained"
    helper = plugin / "toy_helper.py"
    helper.write_text(f"# Scaling.\n{helper.read_text()}")
    alike = xreg(plugin, "predict", "model", "w.xyz", "-o", "alike.zarr")
    assert f"{told}; the samples kept to check that are predicted as they were" in alike.stderr
    edit(plugin, "a helper module")
    told += ": the samples kept to check that are predicted differently, by up to "
    other = xreg(plugin, "predict", "model", "w.xyz", "-o", "other.zarr")
    assert other.returncode == 0, other.stderr
    assert told in other.stderr
    (remark,) = zarr.open_group("other.zarr", mode="r").attrs["remarks"]
    assert str(remark).startswith(told)
    judged = xreg(plugin, "evaluate", "model", str(water_store), "-o", "judged", "--no-cache")
    assert told in judged.stderr
    assert any(
        remark.startswith(told)
        for remark in json.loads(Path("judged", "summary.json").read_text())["remarks"]
    )
    shown = xreg(plugin, "models", "show", "model")
    assert told in shown.stdout


def test_candidates_of_other_code_are_not_mixed(
    water_store: Path, workplace: Path, plugin: Path
) -> None:
    words = ["search", "--dataset", str(water_store), "--family", "size", "--budget", "1",
             "--workers", "1", "--set", "emulator.name=ridge", "-o", "found"]  # fmt: skip
    assert xreg(plugin, *words, "--no-cache").returncode == 0
    before = Path("found", "study.journal").read_bytes().count(b"told")
    assert before
    edit(plugin, "a data file")
    done = xreg(plugin, *words)
    assert done.returncode == 2
    assert "the code of descriptor 'size' has changed since candidates of family 'size'" in (
        " ".join(done.stderr.split())
    )
    assert Path("found", "study.journal").read_bytes().count(b"told") == before
