"""A registry of one's own: made, filled, checked, and used by a colleague."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from xreg.cli.main import main
from xreg.core.errors import ConfigError, XregError
from xreg.registry.maintenance.founding import found
from xreg.registry.maintenance.inspection import inspect
from xreg.registry.publishing import publish
from xreg.registry.registries import Registry
from xreg.registry.stores.writer import write_store

pytestmark = pytest.mark.usefixtures("places", "committer")


@pytest.fixture
def committer(monkeypatch: pytest.MonkeyPatch) -> None:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Josiah Carberry")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "josiah@example.org")


def xreg(*arguments: object) -> None:
    code: object = 0
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        code = end.code
    assert not code


def problems(root: Path) -> list[str]:
    return [f.text for f in inspect(Registry(root.name, str(root))) if f.severe]


@pytest.fixture
def store(places, toy_dataset) -> Path:
    return write_store(toy_dataset(20, version="3.0.0"), places / "work" / "mine.zarr")


def test_from_nothing_to_a_colleague_in_six_commands(
    places, store, toy_runs, tmp_path, monkeypatch, capsys
):
    card = Path("card.yaml")
    card.write_text(
        "title: Noise\nlicence: CC-BY-4.0\nauthors: ['Carberry, Josiah (0000-0002-1825-0097)']\n"
        "intended_use: tests\nlimits: noise\n"
    )
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", "server.git"], check=True)
    url = (Path.cwd() / "server.git").as_uri()
    xreg("registry", "init", "lab")
    xreg("data", "publish", store, "-r", "lab", "--author", "{Toys}", "--commit")
    xreg("models", "publish", toy_runs[0], "noise@1.0.0", "-r", "lab", "--card", card, "--commit")
    subprocess.run(["git", "-C", "lab", "push", "--quiet", url, "HEAD:main"], check=True)
    subprocess.run(
        ["git", "-C", "server.git", "symbolic-ref", "HEAD", "refs/heads/main"], check=True
    )
    monkeypatch.setenv("XREG_CACHE", str(tmp_path / "colleague"))
    capsys.readouterr()
    xreg("data", "pull", "toy", "-r", url)
    xreg("models", "pull", "noise", "-r", url)
    pulled = [Path(line) for line in capsys.readouterr().out.split()]
    assert [path.name.partition("-")[0] for path in pulled] == ["toy", "noise"]
    assert all(path.is_dir() for path in pulled)
    assert subprocess.check_output(["git", "-C", "lab", "status", "--porcelain"]) == b""
    assert problems(Path("lab").absolute()) == []


def test_a_new_registry_is_committed_and_told_to_visitors(capsys):
    made = found("spectra_[1]")
    assert made.committed
    assert problems(made.root) == []
    assert (made.root / "README.md").read_text().startswith("# spectra\\_\\[1\\]\n")
    with pytest.raises(ConfigError, match="is a registry already"):
        found("spectra_[1]")


def test_nothing_is_left_of_one_that_cannot_be(monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    Path("old").mkdir()
    subprocess.run(["git", "init", "--quiet", "old"], check=True)
    Path("old/.gitignore").write_text("x\n")
    for folder, remote in (("new", "ftp://x/y"), ("old", "ftp://x/y"), ("new", "ssh://")):
        with pytest.raises(ConfigError):
            found(folder, remote)
    assert not Path("new").exists()
    assert sorted(path.name for path in Path("old").iterdir()) == [".git", ".gitignore"]
    assert Path("old/.gitignore").read_text() == "x\n"


@pytest.mark.parametrize(
    ("remote", "reason"),
    [
        ("elsewhere", "dvc remote add --global"),
        ("file:///elsewhere", "dvc remote add --global"),
        ("s3://a\nb", "control character"),
        ("s3:bucket", "did you mean 's3://bucket'"),
        ("SSH:/host/folder", "did you mean 'SSH://host/folder'"),
        (" ", "has no name; leave --remote out"),
        (__file__, "is a file; name a folder"),
        ("hdfs://n/x", "no kind of place that xreg follows"),
        ("s3://me:T0KEN@bucket/x", "a credential in the URL"),
    ],
)
def test_a_remote_that_nobody_may_write_to_is_refused(remote, reason):
    with pytest.raises(ConfigError, match=reason):
        found("lab", remote)
    assert not Path("lab").exists()
    assert not Path("elsewhere").exists()


def test_a_folder_with_other_things_is_left_alone():
    Path("full").mkdir()
    Path("full/thesis.tex").write_text("x")
    with pytest.raises(ConfigError, match="neither empty nor a git repository"):
        found("full")


def test_an_http_remote_is_for_reading():
    made = found("lab", "https://data.example.org/spectra")
    assert "put there by its owner" in made.remarks[0]


def remote(text: str):
    return lambda root: (root / ".dvc" / "config").write_text(text)


def lose_an_object(root: Path) -> None:
    objects = sorted((root / "dvc-remote").rglob("*"), key=lambda p: p.name)
    for path in objects:
        if path.is_file() and not path.name.endswith(".dir"):
            path.unlink()
            return


def without_licence(root: Path) -> None:
    path = root / "datasets.dvc"
    path.write_text(path.read_text().replace("        licence: CC0-1.0\n", ""))


CONFIG = '[core]\n    remote = x\n[remote "x"]\n    url = {}\n'


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (remote(CONFIG.format("../../outside")), "outside of the repository, which nobody reaches"),
        (remote("[core]\n"), "it has no remote"),
        (remote(CONFIG.format("ftp://x/y")), "no kind of place that xreg follows"),
        (
            remote(CONFIG.format("../dvc-remote") + "    secret_access_key = T0KEN\n"),
            "holds a credential ('secret_access_key')",
        ),
        (remote(CONFIG.format("https://me:T0KEN@x.org/y")), "config holds a credential"),
        (lose_an_object, "lacks 1 object in the remote 'storage'"),
        (without_licence, "states no licence, so nobody may use it"),
        (lambda root: (root / "models.dvc").write_text("["), "models.dvc is no YAML"),
        (
            lambda root: (root / "README.md").write_text("x"),
            "changes not committed (README.md, datasets.dvc",
        ),
    ],
    ids=[
        "outside", "no remote", "odd remote", "key", "user in url", "lost object", "no licence",
        "damaged list", "uncommitted",
    ],
)  # fmt: skip
def test_what_a_stranger_would_meet_is_said(store, about, damage, told):
    root = found("lab").root
    publish(store, root, about)
    damage(root)
    texts = problems(root)
    assert [text for text in texts if told in text], texts
    assert not [text for text in texts if "T0KEN" in text]


def test_commits_that_are_not_pushed_are_told(git):
    root = found("lab").root
    subprocess.run(["git", "clone", "--quiet", "lab", "copy"], check=True)
    copy = Path("copy").absolute()
    assert problems(copy) == []
    git(copy, "commit", "--quiet", "--allow-empty", "-m", "x")
    assert problems(copy) == ["1 commit not pushed, so nobody else has them."]
    assert root.is_dir()


def test_a_registry_by_url_is_checked_too(registry, capsys):
    xreg("registry", "check", registry.as_uri())
    assert "a stranger can use everything" in capsys.readouterr().out


def test_check_fails_where_something_cannot_be_had(registry, capsys):
    lose_an_object(registry)
    with pytest.raises(SystemExit) as end:
        main(["registry", "check", str(registry)])
    assert end.value.code == XregError.exit_code
    told = capsys.readouterr()
    assert "problem: dataset toy@1." in told.out
    assert "that strangers meet" in told.err
