"""Generator ``quanty``: the same numbers as ``multiplet``, templates, and a Quanty that fails."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from xreg.core.data.samples import Parameters, ParameterSet
from xreg.core.errors import ConfigError, MissingRequirementError, SampleError
from xreg.core.ions.model import PARAMETERS, ion_named
from xreg.core.ions.settings import IonName
from xreg.core.testing import GeneratorSuite
from xreg.core.testing.base import close, refuses
from xreg.plugins.multiplet.multiplet import Multiplet
from xreg.plugins.quanty.plugin import QUANTY, xreg_components
from xreg.plugins.quanty.quanty import Quanty

LOW = (0.0, -1.4, -0.8, 0.6, 0.6, 1.0, 0.05, 0.3, 0.3)
HIGH = (0.2, 1.4, 0.8, 1.0, 1.0, 1000.0, 0.20, 1.0, 1.2)
ALL = ("xas", "xas_x", "xas_y", "xas_z")

real = pytest.mark.skipif(QUANTY.find() is None, reason=f"needs Quanty: {QUANTY.install}")


def published(n: int, seed: int = 0) -> Parameters:
    values = np.random.default_rng(seed).uniform(LOW, HIGH, (n, len(PARAMETERS)))
    units = [parameter.unit for parameter in PARAMETERS.values()]
    return Parameters([f"set-{i}" for i in range(n)], values, tuple(PARAMETERS), units)


def one(seed: int = 0) -> ParameterSet:
    return published(1, seed)[0]


class TestSuite(GeneratorSuite):
    component = Quanty
    tolerance = 1e-10
    settings = {"ion": "Ni2+", "channels": ALL}
    plugin = "xreg.plugins.quanty.plugin"
    waive = (
        {}
        if QUANTY.find()
        else {"declaration": "a component whose program is missing cannot be loaded"}
    )

    def samples(self) -> Parameters:
        return published(2)


@real
@pytest.mark.parametrize("ion", get_args(IonName))
def test_same_as_multiplet(ion: str) -> None:
    sample = one(sum(ion.encode()))
    exact = Multiplet(ion=ion, channels=ALL).generate(sample)
    found = Quanty(ion=ion, channels=ALL).generate(sample)
    for channel in ALL:
        largest = exact.channels[channel].max()
        deviation = np.abs(found.channels[channel] - exact.channels[channel]).max()
        assert deviation <= 1e-8 * largest, channel


# Templates ---------------------------------------------------------------------------------------

FINISHED = """
file = io.open("xas.spec", "w")
for line = 1, 5 do file:write("header\\n") end
for k = 0, ${steps} do
    file:write(string.format("%.12f %.6f %.6f\\n",
        ${first} + k * (${last} - ${first}) / ${steps}, 0, -math.pi * ${height} * ${factor} * k))
end
file:close()
"""
STICK = """
file = io.open("sticks.dat", "w")
file:write("${position} 0 0 3\\nend 1\\n")
file:close()
"""


def table(values: dict[str, float], *units: str) -> Parameters:
    return Parameters(["a"], np.array([[*values.values()]]), [*values], units or [""] * len(values))


@real
def test_template_with_finished_spectra(tmp_path: Path) -> None:
    template = tmp_path / "mine.lua"
    template.write_text(FINISHED)
    generator = Quanty(template=str(template), values={"factor": 2.0}, points=11)
    spectrum = generator.generate(ParameterSet("a", {"height": 0.5}))
    assert spectrum.channels["xas"] == pytest.approx(np.arange(11.0), abs=1e-5)


@real
def test_template_with_sticks(tmp_path: Path) -> None:
    template = tmp_path / "mine.lua"
    template.write_text(STICK)
    generator = Quanty(template=str(template), channels=("xas", "xas_x", "xas_z"), points=301)
    values = {"position": 2.0, "sigma": 0.1, "gamma1": 0.3, "gamma2": 0.3}
    spectra = generator.generate(ParameterSet("a", values)).channels
    energy = generator.grids()["xas"]
    lines = generator.sticks(ParameterSet("a", values))
    assert lines.energy == pytest.approx([852.7 + 11.507 / 2 + 2.0])
    assert {name: s.tolist() for name, s in lines.strength.items()} == {
        "xas": [1.0], "xas_x": [0.0], "xas_z": [3.0],
    }  # fmt: skip
    assert energy[spectra["xas_z"].argmax()] == pytest.approx(852.7 + 11.507 / 2 + 2.0, abs=0.1)
    assert spectra["xas_z"] == pytest.approx(3 * spectra["xas"])
    assert not spectra["xas_x"].any()
    with refuses(SampleError, "'a'", "gamma2"):
        generator.generate(ParameterSet("a", {k: v for k, v in values.items() if k != "gamma2"}))


@real
@pytest.mark.parametrize("ion", ["Co2+", "Ni2+"])
def test_charge_transfer(ion: str) -> None:
    # Without hopping the ligands see nothing; with it they fill some of the d shell's holes, by
    # the number of which the whole strength is known.
    common = {"T": 300.0, "sigma": 0.1, "gamma1": 0.4, "gamma2": 0.6}
    cubic = {"Dq": 0.1, "Ds": 0.0, "Dt": 0.0, "S1": 0.8, "S2": 0.8, **common}
    exact = Multiplet(ion=ion).generate(ParameterSet("a", cubic))
    charged = {"tenDq": 1.0, "kappa": 0.8, "Delta": 4.7, **common}
    template = Path(__file__).parents[3] / "examples" / "l-edges" / "charge-transfer.lua"
    generator = Quanty(
        ion=ion, template=str(template), values={"Udd": 7.3, "Upd": 8.5, "tenDqL": 1.44}
    )
    alone = generator.generate(ParameterSet("a", {**charged, "Veg": 0.0, "Vt2g": 0.0}))
    close(alone.channels["xas"], exact.channels["xas"], 1e-9)
    shared = generator.sticks(ParameterSet("a", {**charged, "Veg": 2.06, "Vt2g": 1.21}))
    holes = 10 - ion_named(ion).electrons
    assert 2 / 15 * (holes - 1) < shared.strength["xas"].sum() < 2 / 15 * (holes - 0.1)


@pytest.mark.parametrize(
    ("text", "values", "sample", "words"),
    [
        ("x = ${height} + ${depth}", {}, {"height": 1.0}, ("${depth}", "values")),
        ("x = ${height}", {}, {"height": 1.0, "depth": 2.0}, ("depth", "does not use")),
        ("x = ${height}", {"height": 2.0}, {"height": 1.0}, ("height", "elsewhere")),
        ("x = ${height}", {"factor": 2.0}, {"height": 1.0}, ("factor", "does not ask")),
        ("x = ${electrons}", {}, {"electrons": 8.0}, ("electrons", "elsewhere")),
        ("x = $1", {}, {"height": 1.0}, ("'$'", "$$")),
    ],
)
def test_bad_template(
    tmp_path: Path,
    program: Any,
    text: str,
    values: dict[str, float],
    sample: dict[str, float],
    words: tuple[str, ...],
) -> None:
    program("exit 0")
    template = tmp_path / "mine.lua"
    template.write_text(text)
    generator = Quanty(template=str(template), values=values)
    with refuses(ConfigError, *words):
        generator.generate(ParameterSet("a", sample))
    with refuses(ConfigError, *words):  # and before anything is computed
        generator.check(table(sample))


def test_widths_have_a_unit() -> None:
    generator = Quanty(template="x = ${height}\n")
    values = {"height": 1.0, "sigma": 0.1}
    generator.check(table(values, "cm", "eV"))
    for unit in ("", "meV"):
        with refuses(ConfigError, "sigma", unit or "no unit", "eV"):
            generator.check(table(values, "cm", unit))


def test_the_text_of_a_template_is_what_counts(tmp_path: Path) -> None:
    # Settings are what a resumed generation, and a worker elsewhere, are compared and sent by.
    template = tmp_path / "mine.lua"
    template.write_text("x = ${height}")
    settings = Quanty(template=str(template)).config
    assert settings.template == "x = ${height}\n"
    assert type(settings).model_validate_json(settings.model_dump_json()) == settings
    template.write_text("x = 2 * ${height}")
    assert Quanty(template=str(template)).config != settings


def test_no_template(tmp_path: Path) -> None:
    with refuses(ConfigError, "template", "nowhere.lua", "cannot be read"):
        Quanty(template=str(tmp_path / "nowhere.lua"))
    (tmp_path / "binary.lua").write_bytes(b"\xff\xfe")
    with refuses(ConfigError, "template", "binary.lua", "UTF-8"):
        Quanty(template=str(tmp_path / "binary.lua"))


def test_value_that_is_not_finite(tmp_path: Path, program: Any) -> None:
    program("exit 0")
    template = tmp_path / "mine.lua"
    template.write_text("x = ${height}")
    with refuses(SampleError, "'a'", "height", "finite"):
        Quanty(template=str(template)).generate(ParameterSet("a", {"height": float("nan")}))


# A program that is not there, or not what it should be -------------------------------------------

BANNER = "echo '====  Version 0.9.0 pre release  ===='\n"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a shell script in Quanty's place."""

    def install(script: str, banner: str = BANNER) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        path = folder / "Quanty"
        # The version is asked for by a script of its own.
        path.write_text(f'#!/bin/sh\n{banner}[ "$1" = version.lua ] && exit 0\n{script}\n')
        path.chmod(0o755)
        monkeypatch.setenv("QUANTY", str(path))
        return path

    return install


def test_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("QUANTY", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    # A crispy without the program.
    empty = metadata.PathDistribution(tmp_path)
    monkeypatch.setattr(metadata, "distribution", lambda name: empty)
    assert QUANTY.find() is None
    assert "crispy" in Quanty().available().reason
    with refuses(MissingRequirementError, "Quanty", "pip install", "$QUANTY"):
        Quanty().generate(one())
    spec = next(spec for spec in xreg_components() if spec.name == "quanty")
    with refuses(MissingRequirementError, "quanty", "crispy"):
        spec.load()


def test_a_variable_that_names_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    # Installing crispy would not help: the variable comes first.
    monkeypatch.setenv("QUANTY", "/nowhere/Quanty")
    assert QUANTY.find() is None
    with refuses(MissingRequirementError, "$QUANTY", "/nowhere/Quanty", "unset"):
        Quanty().generate(one())


def test_found_on_the_path(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program("exit 0")
    monkeypatch.delenv("QUANTY")
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
    assert QUANTY.find() == path
    assert Quanty().version() == "Quanty 0.9.0"


@pytest.mark.parametrize(
    ("banner", "words"),
    [("echo hello\n", ("prints no version",)), ("echo 'Version 7.3.1'\n", ("7.3.1", "0.9"))],
)
def test_unknown_version(program: Any, banner: str, words: tuple[str, ...]) -> None:
    path = program("exit 0", banner)
    state = Quanty().available()
    assert not state
    assert all(word in state.reason for word in (str(path), *words))
    with refuses(MissingRequirementError, *words):
        Quanty().version()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("kill -SEGV $$", ("crashed", "11")),
        ("exit 3", ("exit code 3",)),
        ("echo 'Error while executing the script:'; echo 'no such thing'; exit 1", ("no such",)),
        ("exit 0", ("sticks.dat", "xas.spec")),
        ("printf '1.0 0 0 1\\n2.0 0 ' > sticks.dat", ("sticks.dat", "truncated")),
        (": > sticks.dat", ("sticks.dat", "truncated")),
        ("printf '1.0 0 0 1\\nend 2\\n' > sticks.dat", ("sticks.dat", "truncated")),
        ("printf '1.0 0 x 1\\nend 1\\n' > sticks.dat", ("sticks.dat", "4")),
        ("printf '1.0 0 nan 1\\nend 1\\n' > sticks.dat", ("sticks.dat", "finite")),
        ("printf 'h\\nh\\nh\\nh\\nh\\n1 2 3\\n' > xas.spec", ("xas.spec", "1 of 501")),
    ],
)
def test_failure(program: Any, script: str, words: tuple[str, ...]) -> None:
    program(script)
    with refuses(SampleError, "'set-0'", *words):
        Quanty().generate(one())


def test_time_limit(program: Any) -> None:
    program("exec sleep 30")
    with refuses(SampleError, "'set-0'", "0.2 s", "time_limit"):
        Quanty(time_limit=0.2).generate(one())


def test_one_failure_among_many(program: Any) -> None:
    program(
        "grep -q 'S1, S2 = 0.6' input.lua && exit 3\nprintf '1.0 1 1 1\\nend 1\\n' > sticks.dat"
    )
    samples = published(2)
    samples.values[:, 3] = [0.65, 0.75]
    failed, good = Quanty().generate_many(samples)
    assert isinstance(failed, SampleError)
    assert good.channels["xas"].max() > 0
