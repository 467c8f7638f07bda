"""The tutorial that is a notebook runs, and the reference's examples are plugins."""

from __future__ import annotations

import importlib.util
import json
from importlib.metadata import distributions
from pathlib import Path

import pytest

from xreg.core.interfaces.kinds import KINDS
from xreg.registry.plugins import PluginHost

DOCS = Path(__file__).parents[2] / "docs"
NOTEBOOK = DOCS / "tutorials" / "notebook.ipynb"


def module(name: str):
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_no_outputs_are_committed():
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_the_notebook_goes_from_data_to_pictures():
    pytest.importorskip("xarray")
    text, pictures = module("notebooks").rendered(NOTEBOOK)
    assert "2,040 samples" in text
    assert "<caption>Scores</caption>" in text
    assert "<caption>Trust</caption>" in text
    assert len(pictures) == 3
    assert all(content.startswith(b"\x89PNG") for content in pictures.values())
    assert all(f"]({name})" in text for name in pictures)
    assert "metadata: provenance" in text


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_an_interface_is_a_plugin(kind, tmp_path, monkeypatch):
    reference = module("reference")
    source = reference.example(KINDS[kind])
    assert f"```python\n{source}\n```" in reference.page(KINDS[kind])
    (tmp_path / "my_plugin.py").write_text(source, encoding="utf-8")
    info = tmp_path / "my_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[xreg]\nmine = my_plugin\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "my_plugin", raising=False)
    host = PluginHost([p for d in distributions(path=[str(tmp_path)]) for p in d.entry_points])
    assert not host.broken
    (installed,) = host
    assert installed.spec.kind == kind
    assert issubclass(host.load(kind, installed.spec.name), KINDS[kind].base())
    host.build(kind, installed.spec.name, {})
