"""Registries behind a password: a token works, and is seen nowhere."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
import yaml

from xreg.registry import registries
from xreg.registry.datasets import find
from xreg_tests.git_server import GitHandler, served


def needs(name: str, word: str):
    wanted = "Basic " + base64.b64encode(f"{name}:{word}".encode()).decode()
    return lambda handler: None if handler.headers.get("Authorization") == wanted else "refuse"


# Git --------------------------------------------------------------------------------------------


class Git(GitHandler):
    """Git's own server, behind a password."""

    def do_GET(self) -> None:
        if needs("me", "T0KEN")(self):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.end_headers()
            return
        super().do_GET()

    do_POST = do_GET


@pytest.fixture
def private(stranger, sandbox, monkeypatch):
    """A registry on a git server that asks for a password; its address without one."""
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    root = stranger()
    with served(root.parent, Git) as address:
        yield f"{address}/{root.name}/.git"


def with_token(url: str) -> str:
    return url.replace("http://", "http://me:T0KEN@")


def holds_token(folder: Path) -> list[str]:
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and (b"T0KEN" in path.read_bytes() or "T0KEN" in path.name)
    ]


def test_a_token_in_a_url_works_and_is_seen_nowhere(private, sandbox, xreg):
    url = with_token(private)
    place = registries.candidates(url)[0]
    assert "T0KEN" not in repr(place) + str(place)
    assert "toy@1.0.0" in xreg("data", "list", "-r", url)
    text = xreg("data", "show", "toy", "-r", url) + xreg("data", "pull", "toy", "-r", url)
    assert "T0KEN" not in text
    assert not [line for line in sandbox.processes if "T0KEN" in line]
    assert holds_token(sandbox.root) == []


def test_a_wrong_token_is_not_told(private, sandbox, xreg):
    url = private.replace("http://", "http://me:WR0NG@")
    text = xreg("data", "list", "-r", url, code=1)
    assert "WR0NG" not in text
    assert "127.0.0.1" in text


def test_a_token_is_not_kept_in_the_configuration(private, sandbox, xreg, caplog):
    text = xreg("registry", "add", "lab", with_token(private)) + caplog.text
    assert "T0KEN" not in text
    assert "credential helper" in text
    place = registries.config_file()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert yaml.safe_load(place.read_text()) == {"registries": {"lab": private}}
    assert "T0KEN" not in xreg("registry", "list")


def test_a_token_in_a_configuration_written_by_hand_is_used_and_not_shown(
    private, sandbox, xreg, caplog
):
    place = registries.config_file()
    place.parent.mkdir(parents=True)
    place.write_text(yaml.safe_dump({"registries": {"lab": with_token(private)}}))
    text = xreg("registry", "list") + xreg("data", "list")
    assert "toy@1.0.0" in text
    assert "T0KEN" not in text
    assert "others may read it" in caplog.text + text


def test_a_token_in_a_recipe_is_not_written_down(private, sandbox):
    from xreg.workbench.recipes.sections import DatasetSection

    section = DatasetSection.model_validate({"name": "toy", "registry": with_token(private)})
    assert section.registry == private
    assert find("toy", registry=section.registry).entry.version == "1.1.0"


def test_a_token_in_a_recipe_is_in_nothing_that_a_run_leaves(private, sandbox, xreg):
    """Report, summary, recipe, log, metrics: none holds it, and the place is named without it."""
    (sandbox.work / "run.yaml").write_text(
        yaml.safe_dump(
            {
                "dataset": {"name": "toy@1.1.0", "registry": with_token(private)},
                "target": {"channel": "xes"},
                "split": {"fractions": [0.6, 0.2, 0.2]},
                "descriptor": "internal",
                "emulator": "ridge",
            }
        )
    )
    (sandbox.work / "run.yaml").chmod(0o600)
    text = xreg("run", "run.yaml", "-o", str(sandbox.cache / "out"))
    assert "T0KEN" not in text
    out = sandbox.cache / "out"
    assert {"report.html", "summary.json", "recipe.yaml", "run.log"} <= {
        path.name for path in out.iterdir()
    }
    assert holds_token(out) == []
    assert private in (out / "recipe.yaml").read_text()


def test_a_git_credential_helper_works(private, sandbox, git):
    (sandbox.home / ".gitconfig").write_text(
        '[credential]\n    helper = "!f() { echo username=me; echo password=T0KEN; }; f"\n'
    )
    sandbox.freeze()
    assert find("toy", registry=private).entry.version == "1.1.0"


def test_netrc_works_for_git(private, sandbox):
    (sandbox.home / ".netrc").write_text("machine 127.0.0.1 login me password T0KEN\n")
    sandbox.freeze()
    assert find("toy", registry=private).entry.version == "1.1.0"
