"""``xreg data`` and ``xreg registry``: one sentence and an exit code for whatever is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from xreg.cli.main import main
from xreg.registry.stores.writer import write_store

pytestmark = pytest.mark.usefixtures("places")


@pytest.fixture
def xreg(capsys):
    """Run the command line; return exit code, output and error output."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        text = capsys.readouterr()
        return int(end.value.code or 0), text.out, text.err

    return run


def test_list_show_pull_verify(xreg, registry, monkeypatch):
    monkeypatch.chdir(registry)
    code, out, _ = xreg("data", "list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["toy@1.0.0", "toy@1.1.0"]
    assert "50 structures  xes, moments" in out
    assert "cached" not in out
    code, out, _ = xreg("data", "show", "toy")
    assert code == 0
    for text in (
        "toy@1.1.0  A toy",
        "samples: 70 structures (H, O)",
        "xes: 30 points, 520 … 530 eV [arb. u.]",
        "moments: mean, width [eV]",
        "temperature [K]",
        "default: 56 train, 7 validation, 7 test",
        "licence: CC0-1.0",
        "citation: Nobody (2026)",
        "name: noise",
        ".dir",
        "in the cache: no",
    ):
        assert text in out
    code, out, _ = xreg("data", "pull", "toy", "toy@1.0.0")
    assert code == 0
    assert len(out.splitlines()) == 2
    assert xreg("data", "list")[1].count("cached") == 2
    code, out, _ = xreg("data", "verify")
    assert code == 0
    assert out.count("in the remote 'bundled' and the cache: intact") == 2


def test_show_a_store_of_ones_own(xreg, toy_dataset, tmp_path):
    store = write_store(toy_dataset(20), tmp_path / "mine.zarr")
    code, out, _ = xreg("data", "show", store)
    assert code == 0
    for text in ("samples: 20 structures (H, O)", "xes: 30 points", f"folder: {store}"):
        assert text in out
    assert "registry" not in out
    (store / "spectra" / "xes" / "intensity" / "zarr.json").unlink()
    code, out, err = xreg("data", "show", store)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_publish_says_what_to_commit(xreg, registry, toy_dataset, tmp_path):
    store = write_store(toy_dataset(20, version="2.0.0"), tmp_path / "new.zarr")
    code, out, _ = xreg("data", "publish", store, "--author", "{Toys}", "-r", registry)
    assert code == 0
    assert "git add datasets.dvc .gitignore cards/datasets/toy/2.0.0 dvc-remote" in out
    assert 'git commit -m "data: toy 2.0.0"' in out
    code, _, err = xreg("data", "publish", store, "--author", "{Toys}", "-r", registry)
    assert (code, err.count("\n")) == (2, 1)
    assert "published already" in err


def test_verify_fails_on_damage(xreg, registry):
    _, out, _ = xreg("data", "pull", "toy@1.0.0", "-r", registry)
    (Path(out.strip()) / "zarr.json").unlink()
    code, out, err = xreg("data", "verify", "toy@1.0.0", "-r", registry)
    assert code == 2
    assert f"toy@1.0.0  {registry.name}  " in out
    assert out.rstrip().endswith(": 1 problem")
    assert "zarr.json is missing in the cache" in err
    assert err.splitlines()[-1].startswith(
        f"xreg: toy@1.0.0 of {registry.name}: files differ from what was published"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["show", "tyo"], "no dataset 'tyo' (did you mean 'toy'?)."),
        (["pull", "toy@9.9.9"], "dataset 'toy' has no version 9.9.9 (there are: 1.0.0, 1.1.0)."),
        (["pull", "../toy"], "'../toy' is no name of a dataset; names are of a-z, 0-9 and '-'."),
        (["pull", "toy@../1"], "'../1' is no version of a dataset; versions are like 1.0.0."),
        (["verify", "nothing"], "no dataset 'nothing' (there are: toy)."),
        (["publish", "nowhere.zarr"], "nowhere.zarr is no store (it has no zarr.json)."),
    ],
)
def test_bad_requests(xreg, registry, arguments, sentence, monkeypatch):
    monkeypatch.chdir(registry)
    code, out, err = xreg("data", *arguments)
    assert (code, out, err) == (2, "", f"xreg: {sentence}\n")


def test_no_registry(xreg):
    for command in (["data", "list"], ["data", "pull", "toy"]):
        code, _, err = xreg(*command)
        assert code == 2
        assert err.startswith("xreg: no registry: work inside a clone of one")


def test_registries(xreg, registry):
    url = registry.as_uri()
    assert xreg("registry", "add", "mine", url)[:2] == (0, f"mine  {url}\n")
    assert xreg("registry", "list")[1] == f"mine  {url}\n"
    assert xreg("data", "pull", "toy@1.0.0")[0] == 0
    assert xreg("registry", "add", "mine", url)[0] == 2
    assert xreg("registry", "add", "other", "nowhere")[0] == 2
    assert "did you mean 'mine'" in xreg("registry", "remove", "mien")[2]
    assert xreg("registry", "remove", "mine")[0] == 0
    assert xreg("registry", "list")[:2] == (
        0,
        "none; `xreg registry add NAME PATH_OR_URL` adds one\n",
    )
