"""What every command has in common: start-up, help, errors and exit codes."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import version

import pytest
import typer

from xreg.cli import app as joined
from xreg.cli import main as cli
from xreg.core.errors import ConfigError, RunError

HEAVY = {"ase", "dask", "dscribe", "dvc", "matplotlib", "numpy", "optuna", "rich", "scipy"} | {
    "sklearn", "torch", "zarr"
}  # fmt: skip
XREG = [sys.executable, "-m", "xreg.cli.main"]


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*XREG, *arguments], check=False, capture_output=True, text=True, **options
    )


@pytest.fixture
def failing(monkeypatch):
    """A command line whose only command raises what it is given."""

    def ending(error: BaseException, *before: str) -> int:
        app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
        app.callback()(joined.options)

        @app.command()
        def fail() -> None:
            raise error

        monkeypatch.setattr(joined, "app", app)
        monkeypatch.delenv("XREG_DEBUG", raising=False)
        with pytest.raises(SystemExit) as end:
            cli.main([*before, "fail"])
        return end.value.code

    return ending


@pytest.mark.parametrize(
    ("end", "said"), [(SystemExit(0), "SystemExit 0"), (GeneratorExit(), "GeneratorExit")]
)
def test_a_plugin_that_ends_the_command_is_no_success(monkeypatch, capsys, end, said):
    from xreg.cli.lazy import lazy_group

    def run() -> None:
        raise end

    monkeypatch.setattr(sys.modules[__name__], "ending_command", run, raising=False)
    app = typer.Typer(cls=lazy_group({"fail": f"{__name__}:ending_command"}), add_completion=False)
    app.callback()(joined.options)
    monkeypatch.setattr(joined, "app", app)
    with pytest.raises(SystemExit) as left:
        cli.main(["fail"])
    assert left.value.code == 2
    assert f"ended from within by {said}, most likely by a plugin" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["plugins", "list"]])
def test_help_and_lists_import_nothing_heavy(arguments):
    code = (
        "import sys\nfrom xreg.cli.main import main\n"
        f"try: main({arguments!r})\nexcept SystemExit as end: assert not end.code, end.code\n"
        f"print('HEAVY', sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_the_list_is_the_same_with_and_without_typer():
    plain = run("plugins", "list")
    through = run("--debug", "plugins", "list")
    assert plain.returncode == through.returncode == 0
    assert plain.stdout == through.stdout
    assert len(plain.stdout.splitlines()) >= 9


def test_analyses_are_listed_and_shown_like_components():
    listed = run("plugins", "analyses").stdout.splitlines()
    assert any(line.startswith("* spectrum-error ") for line in listed)
    assert any(line.startswith("  inversion ") for line in listed)
    shown = run("plugins", "show", "inversion")
    assert shown.returncode == 0
    assert "needs a decomposer that is an encoder-decoder network" in shown.stdout
    assert "cutoff = 1e-10" in shown.stdout
    assert "did you mean 'inversion'" in run("plugins", "show", "inversoin").stderr
    assert "xreg plugins analyses" in " ".join(run("run", "--help").stdout.split())


def test_our_own_plugins_are_all_whole():
    done = run("plugins", "list")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (ConfigError("no good."), 2, "xreg: no good."),
        (RunError("it failed."), 1, "xreg: it failed."),
        (OSError(errno.ENOSPC, "No space left on device", "a/b"), 1, "No space left .*: 'a/b'"),
        (ZeroDivisionError("oops\nmore"), 1, "unexpected ZeroDivisionError: oops; .*--debug"),
    ],
)
def test_an_error_is_one_sentence_and_an_exit_code(failing, capsys, error, code, sentence):
    assert failing(error) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert re.search(sentence, told.err)


def test_debug_shows_the_traceback():
    plain, debug = run("plugins", "show", "soapp"), run("--debug", "plugins", "show", "soapp")
    assert plain.returncode == 2
    assert plain.stderr == "xreg: no plugin 'soapp' (did you mean 'soap'?).\n"
    assert "Traceback" in debug.stderr
    assert "UnknownNameError" in debug.stderr


def test_debug_lets_the_error_through(failing, monkeypatch):
    monkeypatch.setenv("XREG_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        failing(ZeroDivisionError(), "--debug")


def test_an_interrupt_is_one_line(failing, capsys):
    assert failing(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "xreg: interrupted.\n"


def test_a_real_interrupt_leaves_no_traceback():
    # Tests that a shell runs in the background inherit that interrupts are ignored.
    code = (
        "import signal, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from xreg.cli.app import app\nfrom xreg.cli.main import main\n"
        "@app.command()\ndef wait() -> None:\n    print('here', flush=True)\n"
        "    time.sleep(60)\nmain(['wait'])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "here\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (130, "xreg: interrupted.\n")


def test_a_closed_pipe_is_no_error_to_report():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        done = subprocess.run(
            [*XREG, "plugins", "list"],
            check=False,
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["plugin"], "No such command 'plugin'. Did you mean 'plugins'"),
        (["plugins", "list", "--al"], "No such option: --al"),
        (["plugins", "show"], "Missing argument"),
    ],
)
def test_a_bad_command_line_exits_2(arguments, told):
    done = run(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_version():
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"xreg {version('xreg')}\n")


def test_every_command_and_option_says_what_it_does():
    import typer.main

    def walk(command, path):
        assert command.help, f"{path} has no help"
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{path} {parameter.name} has no help"
        for name, child in getattr(command, "commands", {}).items():
            walk(child, f"{path} {name}")

    walk(typer.main.get_command(joined.app), "xreg")
