"""The README, continuous integration and the generated pages say one thing."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from xreg.registry.plugins import host

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def command(name: str) -> str:
    found = re.findall(rf"^```bash {name}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"the README must have one block ```bash {name}"
    return found[0].strip()


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# README and .ci/run ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["run", "tests"])
def test_each_command_is_one_line_that_installs_from_nothing(name):
    line = command(name)
    assert "\n" not in line
    assert line.startswith("python3.11 -m venv .venv && . .venv/bin/activate && pip install ")
    assert "-c constraints.txt" in line


def test_ci_takes_its_test_command_from_the_readme():
    pick = re.search(r"^tests=\$\((sed .* README\.md)\)$", CI, re.MULTILINE)
    done = subprocess.run(
        ["bash", "-c", pick[1]], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == command("tests")
    assert 'eval "$tests"' in CI
    assert not re.search(r"^[^#]*\b(pip|pytest)\b", CI, re.MULTILINE), "a second test command"


@pytest.mark.parametrize(("package", "programs"), [("crispy", "Quanty"), ("pyfitit", "FDMNES")])
def test_the_test_command_brings_real_programs_at_exact_versions(package, programs):
    installs = [part for part in command("tests").split(" && ") if "--no-deps" in part]
    assert len(installs) == 1
    assert package in installs[0].split()
    assert re.search(rf"^{package}==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert programs in README


def test_ci_is_executable_and_strict():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "set -euo pipefail" in CI


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


def test_files_that_the_readme_names_exist():
    named = re.findall(r"\b(?:docs|examples|benchmarks)/[\w./-]*\w", README)
    named += re.findall(r"\]\((?!http)([^)#]+)\)", README)
    missing = [path for path in named if not (ROOT / path).exists()]
    assert not missing


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


def test_the_recipe_on_a_page_is_accepted(generate):
    for installed in host():
        spec = installed.spec
        if spec.kind == "importer":
            assert f"--layout {spec.name}" in generate.recipe_lines(spec)[0]
            continue
        if spec.kind == "exporter":
            assert f"--to {spec.name}" in generate.recipe_lines(spec)[0]
            continue
        section = yaml.safe_load("\n".join(generate.recipe_lines(spec)))
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


def test_the_command_reference_knows_every_command(generate):
    import typer.main

    from xreg.cli.app import app

    page = generate.cli_page()

    def walk(command, path):
        assert f"`{path}`" in page
        for parameter in command.params:
            shown = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.metavar
            assert (shown or parameter.name) in page, f"{path} {parameter.name}"
        for name, child in getattr(command, "commands", {}).items():
            walk(child, f"{path} {name}")

    root = typer.main.get_command(app)
    for name, child in root.commands.items():
        walk(child, f"xreg {name}")


def test_every_hook_is_explained_and_has_an_example_plugin():
    from xreg.core import hooks

    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    names = [name for name in vars(hooks) if name.startswith("xreg_")]
    assert len(names) == 4
    code = "".join(path.read_text() for path in (ROOT / "examples").glob("*/src/*/*.py"))
    for name in names:
        assert f"def {name}(" in code
        assert name == "xreg_components" or f"`{name}(run)`" in page


def test_every_page_is_in_the_navigation():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    written = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    named = set(re.findall(r": ([\w/.-]+\.md)$", text, re.MULTILINE))
    assert named == written | {"cli.md", "leaderboard.md"}
