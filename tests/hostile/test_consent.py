"""Code that came with a dataset, model or recipe: nothing runs before the user agrees to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from xreg.core.code import code_in
from xreg.core.data.samples import ParameterSet
from xreg.core.errors import ConfigError, ConsentError, DataError
from xreg.plugins.fdmnes.plugin import FdmnesConfig
from xreg.plugins.feff.plugin import FeffConfig
from xreg.plugins.pyscf.plugin import PySCFConfig
from xreg.plugins.quanty.plugin import QUANTY
from xreg.plugins.quanty.quanty import Quanty
from xreg.registry.consent import require_consent
from xreg.workbench.fit.sticks import sticks_of
from xreg.workbench.generate.recipe import GenerationRecipe
from xreg.workbench.recipes.load import load_one
from xreg_tests.commands import run
from xreg_tests.strangers import NAMES, SPECTRUM, fit, model, quanty, store

PAYLOAD = "-- ${h}\nos.execute([[touch '%s']])\n"


GOOD = """x = ${h}
file = io.open("sticks.dat", "w")
file:write("850 0 0 3\\nend 1\\n")
file:close()
"""


real = pytest.mark.skipif(QUANTY.find() is None, reason=f"needs Quanty: {QUANTY.install}")


# Datasets -----------------------------------------------------------------------------------------


def test_sticks_run_no_template_of_a_dataset(sandbox, capsys):
    path = store(sandbox.stranger / "mini.zarr", quanty(template=PAYLOAD % sandbox.sentinel))
    sandbox.freeze()
    assert run("data", "sticks", path, "set-0", "-o", "out.csv") == 2
    told = capsys.readouterr().err
    for part in ("brings code", "generator 'quanty'", "template", "--allow-code", "xreg data show"):
        assert part in told


@pytest.mark.parametrize("name", ["secret", "folder/../secret"])
def test_sticks_read_no_file_that_a_dataset_names(sandbox, name):
    (sandbox.home / "secret").write_text("key")
    path = store(sandbox.stranger / "mini.zarr", quanty(template=str(sandbox.home / name)))
    sandbox.freeze()
    for allow in (False, True):
        with pytest.raises(DataError, match="names a file of this machine"):
            sticks_of(str(path), "set-0", allow_code=allow)


@real
def test_consent_is_for_one_text_and_remembered(sandbox):
    good = store(sandbox.stranger / "good.zarr", quanty(template=GOOD))
    other = store(sandbox.stranger / "other.zarr", quanty(template=GOOD + "x = 2\n"))
    with pytest.raises(ConsentError):
        sticks_of(str(good), "set-0")
    assert len(sticks_of(str(good), "set-0", allow_code=True).energy) == 1
    assert len(sticks_of(str(good), "set-0").energy) == 1
    with pytest.raises(ConsentError):
        sticks_of(str(other), "set-0")
    kept = sandbox.home / ".config" / "xreg" / "agreed-code.txt"
    assert len(kept.read_text().splitlines()) == 1
    assert kept.stat().st_mode & 0o077 == 0


@real
def test_a_template_starts_no_program_after_consent_either(sandbox):
    path = store(sandbox.stranger / "mini.zarr", quanty(template=PAYLOAD % sandbox.sentinel))
    with pytest.raises(DataError, match="Quanty refused the script"):
        sticks_of(str(path), "set-0", allow_code=True)
    assert not sandbox.sentinel.exists()


@real
@pytest.mark.parametrize(
    "line",
    [
        "io.popen([[touch '%s']]):close()",
        "io.open('%s', 'w'):close()",
        "io.output('%s') io.write('x')",
        "load([[os.execute('touch %s')]])()",
        "dofile('%s')",
        "require('os').execute([[touch %s]])",
        "local f = assert(package.loadlib('%s', 'x'))",
        "io.open('../a-payload-ran', 'w'):close() -- %s",
    ],
)
def test_lua_is_confined(sandbox, line):
    generator = Quanty(template=line % sandbox.sentinel + "\n" + GOOD, points=11)
    with pytest.raises(DataError, match="Quanty refused the script"):
        generator.generate(ParameterSet("a", dict.fromkeys(NAMES, 0.2)))
    assert not sandbox.sentinel.exists()


@pytest.mark.parametrize(
    ("generator", "told"),
    [
        (quanty(template="os.execute('touch %s')\n"), "template"),
        ({"name": "feff", "settings": {"cards": ["CIF %s"]}}, r"cards"),
        ({"name": "fdmnes", "settings": {"keywords": {"Filout": "%s"}}}, "keywords"),
    ],
)
def test_fit_runs_no_code_of_the_dataset_of_a_model(sandbox, capsys, generator, told):
    text = json.dumps(generator).replace("%s", str(sandbox.sentinel))
    assert fit(sandbox, json.loads(text)) == 2
    message = capsys.readouterr().err
    assert "brings code" in message
    assert told in message


def test_fit_reads_no_file_that_a_dataset_names(sandbox, capsys):
    assert fit(sandbox, quanty(template="/etc/hostname"), "--allow-code") == 2
    assert "names a file of this machine" in capsys.readouterr().err


def test_fit_asks_no_registry_that_only_the_model_names(sandbox, capsys):
    url = f"ssh://-oProxyCommand=touch${{IFS}}{sandbox.sentinel}/x"
    folder = model(sandbox.stranger / "run", {"name": "m", "version": "1.0.0", "registry": url})
    (sandbox.work / "spectrum.txt").write_text(SPECTRUM)
    sandbox.freeze()
    assert run("fit", folder, "spectrum.txt", "-o", "fitted") == 2
    assert "none of yours" in capsys.readouterr().err
    assert sandbox.processes == []


@pytest.mark.parametrize(
    "generator",
    [7, "quanty", [], {"name": 3}, {"name": "quanty", "settings": 1}, {"name": ["os", "system"]},
     {"name": "os:system"}, {"name": "quanty", "target": "os:system", "settings": {"x": 1}}],
)  # fmt: skip
def test_a_provenance_that_is_none_is_told_in_words(sandbox, capsys, generator):
    path = store(sandbox.stranger / "mini.zarr", generator)
    sandbox.freeze()
    assert run("data", "sticks", path, "set-0", "-o", "out.csv") == 2
    assert "bug" not in capsys.readouterr().err


# Recipes ------------------------------------------------------------------------------------------


def recipe(folder: Path, settings: dict[str, Any], name: str = "quanty") -> Path:
    content = {
        "dataset": {"name": "mini", "version": "1.0.0"},
        "samples": {"space": {"h": {"low": 0, "high": 1}}, "count": 2},
        "generator": {"name": name, **settings},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize("beside", [True, False])
def test_generate_runs_no_template_of_a_recipe(sandbox, capsys, beside):
    text = PAYLOAD % sandbox.sentinel
    if beside:
        (sandbox.stranger / "theirs.lua").write_text(text)
        text = "theirs.lua"
    path = recipe(sandbox.stranger, {"template": text})
    sandbox.freeze()
    assert run("data", "generate", path) == 2
    assert "--allow-code" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "settings"),
    [("feff", {"cards": ["DEBYE 300 400"]}), ("fdmnes", {"keywords": {"Rmtg": "1.1 0.9"}})],
)
def test_input_lines_of_a_recipe_wait_for_consent(sandbox, name, settings):
    path = recipe(sandbox.stranger, settings, name)
    sandbox.freeze()
    with pytest.raises(ConsentError, match=next(iter(settings))):
        load_one(GenerationRecipe, path)


def test_each_variant_of_a_recipe_waits_for_consent(sandbox):
    path = recipe(sandbox.stranger, {})
    content = yaml.safe_load(path.read_text())
    content["each"] = {"a": {"generator.template": "x = ${h}\n"}}
    path.write_text(yaml.safe_dump(content))
    sandbox.freeze()
    assert run("data", "generate", path, "--only", "a") == 2


def test_a_changed_file_beside_a_recipe_is_other_code(sandbox):
    template = sandbox.stranger / "theirs.lua"
    template.write_text("x = ${h}\n")
    path = recipe(sandbox.stranger, {"template": "theirs.lua"})
    load_one(GenerationRecipe, path, allow_code=True)
    load_one(GenerationRecipe, path)
    template.write_text("os.execute(1) -- ${h}\n")
    with pytest.raises(ConsentError):
        load_one(GenerationRecipe, path)


def test_what_the_user_sets_needs_no_consent(sandbox):
    (sandbox.work / "mine.lua").write_text("x = ${h}\n")
    path = recipe(sandbox.stranger, {"template": PAYLOAD % sandbox.sentinel})
    load_one(GenerationRecipe, path, None, ["generator.template=mine.lua"])
    with pytest.raises(ConsentError):  # another setting is no consent
        load_one(GenerationRecipe, path, None, ["generator.points=11"])
    mixed = recipe(sandbox.stranger, {"keywords": {"Hubbard": "1"}}, "fdmnes")
    with pytest.raises(ConsentError):  # nor is one key of a mapping... of another setting
        load_one(GenerationRecipe, mixed, None, ["generator.radius=3"])


def test_data_of_an_agreed_recipe_need_no_second_consent(sandbox):
    (sandbox.work / "mine.lua").write_text(GOOD)
    path = recipe(sandbox.work, {"template": "mine.lua"})
    load_one(GenerationRecipe, path, allow_code=True)
    mine = store(sandbox.work / "mini.zarr", quanty(template=GOOD))
    config = code_in("generator 'quanty'", Quanty.Config, {"template": GOOD})
    require_consent(config, f"dataset '{mine}'", allow=False, read="")


# Input lines and names ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "card",
    ["FOLP 0 1.1\nEND", "FOLP 0 1.1\rEND", "FOLP 0 1.1\x0bEND", "FOLP 0 1.1\u2028END", "CIF x.cif",
     "CONTR 0 0 0 0 0 0", "control 1 1 1 1 1 1", "PRINTS 3", "ATOM", "* FOLP 0 1", "FOLP 0 1 ! x",
     "FOLP 0 1.1 /etc/passwd", "RCONV 10 /etc/passwd", "1 2 3", "", " ", "KMESH 5", "EXTPOT a",
     "DEBYE 300 400 2 ../dym", "TITLES x", "FOLP 0 1e400", "FOLP 0 1.2.3",
     "FOLP 0 ..", "\x1b[2J", "FOLP\x00 0 1"],
)  # fmt: skip
def test_no_card_smuggles_another_or_a_file(card):
    with pytest.raises(ConfigError, match="cards"):
        FeffConfig.parse({"cards": [card]}, "generator feff")


@pytest.mark.parametrize(
    ("word", "below"),
    [("Filout", "/tmp/x"), ("FILOUT", ""), ("Rmtg", "1.1\nFilout\n/tmp/x"), ("Rmtg", "1.1\rEnd"),
     ("Rmtg\nEnd", ""), ("Rmtg End", ""), ("Cif_file", "x.cif"), ("Fdmfile", ""), ("Fin", ""),
     ("Conv_out", "/tmp/x"), ("! x", ""), ("Rmtg", "/etc/passwd"), ("Rmtg", "1.1 ! x"), ("", "1"),
     ("Convolut", ""), ("Selec_out", "x"), ("Python", "x"), ("Rmtg", "end"), ("Rmtg", "1\x00"),
     ("Wien_file", "x"), ("Rmtg", "1e400"), ("Rmtg", "1.2.3"), ("Rmtg", "E"), ("Rmtg", "1-2"),
     ("Spgroup", "P1\nFilout\nx")],
)  # fmt: skip
def test_no_keyword_smuggles_another_or_a_file(word, below):
    with pytest.raises(ConfigError, match="keyword"):
        FdmnesConfig.parse({"keywords": {word: below}}, "generator fdmnes")


@pytest.mark.parametrize(
    "settings",
    [
        {"basis": "H S\n __import__('os').system('touch x')\n"},
        {"basis": "/etc/passwd"},
        {"basis": "./basis.dat"},
        {"basis": ""},
        {"basis_for": {"H": "H S\n 1 1\n"}},
        {"basis_for": {"H": "a/b"}},
        {"auxiliary_basis": "x\n1"},
        {"functional": "PBE\n"},
        {"functional": "PBE; import os"},
    ],
)
def test_pyscf_gets_names_and_neither_files_nor_python(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        PySCFConfig.parse(settings, "generator pyscf")


@pytest.mark.parametrize("value", ["1\nos.execute('x')", "1 os.exit()", [1], {"a": 1}, 1e7])
def test_only_numbers_go_into_a_template(value):
    with pytest.raises(ConfigError, match="values"):
        Quanty(template="x = ${h}\n", values={"h": value})


def test_a_column_of_samples_is_no_lua(sandbox):
    generator = Quanty(template="x = ${h}\n")
    for name in ("h}\nos.execute('x') --", "h os", "h\n"):
        with pytest.raises((DataError, ConfigError), match=r"parameter|name"):
            generator.generate(ParameterSet("a", {name: 1.0}))
