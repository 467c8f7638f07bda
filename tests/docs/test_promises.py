"""The README, continuous integration and the generated pages say one thing."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from xreg.core.interfaces.kinds import KINDS
from xreg.core.yaml_text import load_yaml
from xreg.registry.plugins import host

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def command(name: str, text: str = README) -> str:
    found = re.findall(rf"^```bash {name}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"the README must have one block ```bash {name}"
    return found[0].strip()


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# README and .ci/run ------------------------------------------------------------------------------


def test_ci_takes_its_test_command_from_the_readme():
    pick = re.search(r"^tests=\$\((sed .* README\.md)\)$", CI, re.MULTILINE)
    done = subprocess.run(
        ["bash", "-c", pick[1]], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == command("tests")
    assert 'eval "$tests"' in CI
    assert not re.search(r"^[^#]*\b(pip|pytest)\b", CI, re.MULTILINE), "a second test command"
    for readme in ROOT.glob("contrib/*/README.md"):
        for block in ("install", "tests"):
            assert command(block, readme.read_text(encoding="utf-8"))


def test_ci_s_documentation_check_fails_on_a_broken_link(tmp_path):
    # --quiet would hide the warning from --strict.
    check = re.search(r'"(mkdocs build[^"]*)"', CI)[1].split()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("[a page](nowhere.md)\n")
    (tmp_path / "mkdocs.yml").write_text("site_name: try\n")
    words = [sys.executable, "-m", *check]
    built = subprocess.run(words, cwd=tmp_path, capture_output=True, check=False)
    assert built.returncode != 0
    assert b"nowhere.md" in built.stderr + built.stdout


def test_no_link_between_files_is_dead(generate):
    """Of every Markdown file; pages that MkDocs makes count as there."""
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    made = {(ROOT / "docs" / name).resolve() for name in generate.pages()}
    made |= {(ROOT / "docs" / "reference" / f"{kind}.md").resolve() for kind in KINDS}
    made |= {path.with_suffix(".md") for path in (ROOT / "docs").resolve().rglob("*.ipynb")}
    dead = []
    for name in listed:
        text = re.sub(r"```.*?```|`[^`\n]*`", "", (ROOT / name).read_text("utf-8"), flags=re.DOTALL)
        for link in re.findall(r"\]\((?!\w+:)([^)#\s]+)(?:#[^)]*)?\)", text):
            target = ((ROOT / name).parent / link).resolve()
            notebook = target.with_suffix(".ipynb")  # becomes a page, too
            if not target.exists() and target not in made and not notebook.exists():
                dead.append(f"{name}: {link}")
    assert len(listed) > 50
    assert not dead


def test_every_decision_is_in_both_lists():
    files = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("0*.md"))
    index = (ROOT / "docs" / "decisions" / "index.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \[\d{4}\]\((.+?)\) \|", index, re.MULTILINE) == files
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert sorted(re.findall(r": decisions/(0.+\.md)$", menu, re.MULTILINE)) == files


def test_constraints_pin_exact_public_versions():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert len(pins) > 100
    bad = [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", pin)]
    assert not bad


# Generated pages ---------------------------------------------------------------------------------


def test_each_of_our_components_has_a_page_with_all_its_settings(generate):
    pages = generate.pages()
    ours = [i for i in host() if i.distribution == "xreg"]
    assert len(ours) >= 9
    for installed in ours:
        spec = installed.spec
        page = pages[f"methods/{generate.page_of(spec)}"]
        assert page.startswith(f"# {spec.name}\n")
        assert re.search(r"^Sources?:", page, re.MULTILINE), f"{spec.name}: no source is named"
        for row in spec.config.table():
            assert f"| `{row.name}` |" in page
        assert f"[{spec.name}]({generate.page_of(spec)})" in pages["methods/index.md"]


def test_pages_are_made_without_the_packages_of_extras(generate, monkeypatch):
    """As after what the README says to install."""
    for name in [name for name in sys.modules if name.startswith("xreg.plugins.pyscf.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyscf", None)
    (page,) = [generate.component_page(i) for i in host() if i.spec.name == "pyscf"]
    assert "made without pyscf" in page
    assert "| `basis` |" in page


def test_the_recipe_on_a_page_is_accepted(generate):
    for installed in host():
        spec = installed.spec
        if spec.kind == "importer":
            assert f"--layout {spec.name}" in generate.recipe_lines(spec)[0]
            continue
        if spec.kind == "exporter":
            assert f"--to {spec.name}" in generate.recipe_lines(spec)[0]
            continue
        section = load_yaml("\n".join(generate.recipe_lines(spec)))
        if spec.kind == "decomposer":
            section = {"name": spec.name, **section["decomposers"][spec.name]}
        elif spec.kind == "analysis":
            section = {"name": spec.name, **(section["analyses"][spec.name] or {})}
        elif spec.kind == "step":
            (section,) = section["processing"]["xanes"]["steps"]
        elif spec.kind == "generator":
            section = section["generator"]
        else:
            section = section[spec.kind]
        assert section.pop("name") == spec.name
        if spec.kind == "step":  # most have settings without a default, which the page lists
            assert set(section) <= set(spec.config.model_fields)
            continue
        spec.config.parse(section, spec.name)
