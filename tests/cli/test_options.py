"""Options mean the same in every command that has them, and say so in the same words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from xreg.cli import main as cli
from xreg.cli.app import app
from xreg.cli.options import OLD, RENAMED, present

SHORT = {"-o": "--out", "-r": "--registry"}


Options = dict[str, dict[str, Any]]


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


@pytest.fixture(scope="module")
def options() -> Options:
    """Every option by its long name, and then by the command that has it."""
    found: Options = defaultdict(dict)
    for path, command in commands(typer.main.get_command(app)):
        for option in command.params:
            if option.param_type_name == "option":
                found[max(option.opts, key=len)][path] = option
    return found


def test_an_option_has_one_short_form_and_one_meaning(
    options: Options,
) -> None:
    for name, places in options.items():
        assert len({tuple(option.opts) for option in places.values()}) == 1, name
        assert len({option.help for option in places.values()}) == 1, (name, list(places))
        assert len({option.metavar for option in places.values()}) == 1, (name, list(places))


def test_a_short_form_stands_for_one_option(options: Options) -> None:
    for name, places in options.items():
        for option in places.values():
            for short in (text for text in option.opts if not text.startswith("--")):
                assert SHORT[short] == name
    for short, name in SHORT.items():
        for path, option in options[name].items():
            assert short in option.opts, path


def test_what_belongs_together_is_there_together(
    options: Options,
) -> None:
    makes = {"run", "search", "evaluate", "fit", "predict", "data generate", "data import"}
    makes |= {"data process", "data export", "match", "grow", "calibrate", "explain"}
    assert makes <= set(options["--out"])
    assert makes == set(options["--set"])
    assert makes - {"fit", "match", "explain", "data process", "data export"} == set(
        options["--bad"]
    )
    reads = {"run", "search", "evaluate", "fit", "predict", "data process", "data sticks"}
    reads |= {"data export", "match", "calibrate", "explain"}
    assert reads <= set(options["--registry"])
    for flag in ("--only", "--dry-run"):
        assert makes - {"predict", "data import", "data export", "calibrate"} == set(options[flag])


@pytest.mark.parametrize("flag", list(OLD))
def test_an_old_option_is_refused_with_the_new_one(
    flag: str, options: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    assert flag not in options
    assert OLD[flag] in options
    for arguments in ([flag, "x"], [f"{flag}=x"]):
        with pytest.raises(SystemExit) as end:
            cli.main(["data", "generate", "recipe.yaml", *arguments])
        assert end.value.code == 2
        assert f"no option '{flag}' any more; write {OLD[flag]}" in capsys.readouterr().err


@pytest.mark.parametrize("flag", list(RENAMED))
def test_a_renamed_option_still_works_and_says_so(
    flag: str, options: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    assert flag not in options
    assert RENAMED[flag] in options
    assert present(["fit", flag, "none", f"{flag}=none"]) == [
        "fit", RENAMED[flag], "none", f"{RENAMED[flag]}=none"
    ]  # fmt: skip
    assert f"note: {flag} is called {RENAMED[flag]} now" in capsys.readouterr().err


def test_a_dataset_that_is_set_is_looked_for_in_the_registry_of_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(
            ["run", "--dataset", "h2o@1.0.0", "--descriptor", "internal", "--emulator", "ridge",
             "--set", "dataset={name: h2o, version: 1.0.0}", "--dry-run",
             "-r", str(tmp_path / "nowhere")]
        )  # fmt: skip
    assert end.value.code == 2
    assert "nowhere' is no folder" in capsys.readouterr().err
