"""Models of strangers: their lists and cards are data, whatever they say."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from xreg.core.errors import CorruptError, RunError, XregError
from xreg.registry.datasets import find as find_dataset
from xreg.registry.models import find, find_model, list_models, load_model, pull
from xreg.registry.pulling import cached

MERGE = "outs:\n<<<<<<< HEAD\n- md5: a\n=======\n- md5: b\n>>>>>>> x\n"
STEER = "\x1b]0;owned\x07\x1b[2J\u202e\n\rxreg: all is well"


@pytest.fixture
def strange(sandbox, models_published, git) -> Callable[..., Path]:
    """Make a stranger's registry with a model: ``strange(change)`` calls ``change(root)``."""

    def make(change: Callable[[Path], object] = lambda _: None, name: str = "registry") -> Path:
        root = sandbox.stranger / name
        git(sandbox.stranger, "clone", "--quiet", "--local", str(models_published), str(root))
        change(root)
        git(root, "add", "--all", "--force")
        git(root, "commit", "--quiet", "--allow-empty", "-m", "change")
        return root

    return make


def edit(**fields: Any) -> Callable[[Path], None]:
    """Change fields of the model's entry."""

    def change(root: Path) -> None:
        body = yaml.safe_load((root / "models.dvc").read_text())
        body["meta"]["models"]["noise"]["1.0.0"] |= fields
        (root / "models.dvc").write_text(yaml.safe_dump(body, allow_unicode=True))

    return change


def forge(add: dict[str, bytes]) -> Callable[[Path], None]:
    """Add files to the model, and make list, hash and entry agree with that."""

    def change(root: Path) -> None:
        body = yaml.safe_load((root / "models.dvc").read_text())
        md5 = body["outs"][0]["md5"]
        store = root / "dvc-remote" / "files" / "md5"
        items = json.loads((store / md5[:2] / md5[2:]).read_text())

        def put(blob: bytes, ending: str = "") -> str:
            name = hashlib.md5(blob, usedforsecurity=False).hexdigest() + ending
            path = store / name[:2] / name[2:]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(blob)
            return name

        prefix = "noise/1.0.0/"
        items += [{"md5": put(blob), "relpath": prefix + name} for name, blob in add.items()]
        own = sorted((i["relpath"].removeprefix(prefix), i["md5"]) for i in items)
        text = json.dumps([{"md5": m, "relpath": n} for n, m in own], sort_keys=True)
        entry = body["meta"]["models"]["noise"]["1.0.0"]
        entry["hash"] = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + ".dir"
        entry["files"] += len(add)
        entry["size"] += sum(map(len, add.values()))
        body["outs"][0]["md5"] = put(json.dumps(items, sort_keys=True).encode(), ".dir")
        (root / "models.dvc").write_text(yaml.safe_dump(body, allow_unicode=True))

    return change


@pytest.mark.parametrize(
    "path",
    ["../../x", "/etc/x", "a/../../../x", "C:/x", "..\\x", "model/\x1b[2J", "model//x", "nul.json"],
    ids=["up", "absolute", "up inside", "drive", "backslash", "escape", "empty", "device"],
)
def test_a_path_that_leaves_the_models_folder(strange, sandbox, path):
    root = strange(forge({path: b"payload"}))
    sandbox.freeze()
    with pytest.raises(CorruptError, match="unusable entry"):
        pull("noise", root.as_uri())


@pytest.mark.parametrize("name", ["../x", "NUL", "a/b", "x\ny", "\x1b[2J"])
def test_a_name_that_is_none(strange, sandbox, name):
    def change(root: Path) -> None:
        body = yaml.safe_load((root / "models.dvc").read_text())
        body["meta"]["models"][name] = body["meta"]["models"].pop("noise")
        (root / "models.dvc").write_text(yaml.safe_dump(body, allow_unicode=True))

    root = strange(change)
    sandbox.freeze()
    with pytest.raises(CorruptError, match="is no name of a model"):
        list_models(root)


def test_a_link_in_place_of_the_list(strange, sandbox):
    def change(root: Path) -> None:
        (sandbox.home / "list").write_bytes((root / "models.dvc").read_bytes())
        (root / "models.dvc").unlink()
        (root / "models.dvc").symlink_to(sandbox.home / "list")

    root = strange(change)
    sandbox.freeze()
    with pytest.raises(CorruptError, match="symbolic link"):
        pull("noise", root)
    with pytest.raises(XregError):  # checked out as a text
        pull("noise", root.as_uri())


def test_a_link_in_the_cache_is_not_followed(strange, sandbox):
    root = strange()
    entry = find("noise", root).entry
    outside = sandbox.home / "outside"
    outside.mkdir()
    cached(entry).parent.mkdir(parents=True)
    cached(entry).symlink_to(outside)
    sandbox.freeze()
    with pytest.raises(CorruptError, match="symbolic link"):
        pull("noise", root)


def test_what_was_published_and_then_changed(strange, sandbox):
    def change(root: Path) -> None:
        for path in (root / "dvc-remote").rglob("*"):
            if path.is_file() and path.stat().st_size > 1000 and not path.name.endswith(".dir"):
                path.chmod(0o644)
                path.write_bytes(path.read_bytes()[:-1] + b"!")

    root = strange(change)
    sandbox.freeze()
    with pytest.raises(CorruptError, match="damaged"):
        load_model("noise", root)
    assert not cached(find("noise", root).entry).exists()


def test_a_pickle_beside_the_model_is_never_opened(strange, sandbox):
    evil = b"cposix\nsystem\n(S'touch " + str(sandbox.sentinel).encode() + b"'\ntR."
    root = strange(forge({"model/weights.pkl": evil, "model/emulator/state.pkl": evil}))
    sandbox.freeze()
    assert load_model("noise", root.as_uri()).target.channel == "xes"
    with pytest.raises(XregError, match="may hold code, which xreg never runs"):
        find_model(cached(find("noise", root).entry) / "model" / "weights.pkl")


def test_code_in_provenance_and_settings_is_shown_and_not_run(strange, sandbox, xreg):
    template = f"os.execute('touch {sandbox.sentinel}')"
    generator = {"name": "quanty", "settings": {"template": template, "program": "/bin/sh"}}
    root = strange(edit(provenance={"recipe": {"generator": generator}, "generator": generator}))
    sandbox.freeze()
    text = xreg("models", "show", "noise", "-r", str(root), "--format", "yaml")
    assert template in text
    assert "template" in xreg("models", "show", "noise", "-r", str(root), "--format", "markdown")
    xreg("models", "pull", "noise", "-r", root.as_uri())
    with pytest.raises(CorruptError, match="of its provenance the catalogue says"):
        load_model("noise", root)


def test_a_card_does_not_steer_the_terminal(strange, sandbox, xreg):
    fields = ("title", "description", "licence", "citation", "intended_use", "limits", "channel")
    authors = [{"family": STEER, "given": STEER}]
    parts = {"calibration": STEER, "keywords": [STEER], "provenance": {STEER: STEER}}
    withdrawn = {"reason": STEER, "date": "2026-01-02"}
    said = {name: STEER for name in fields}
    root = strange(edit(**said, authors=authors, withdrawn=withdrawn, **parts))
    sandbox.freeze()
    place = str(root)
    for form in ("markdown", "yaml", "json"):
        xreg("models", "show", "noise", "-r", place, "--format", form)
    for form in ("bibtex", "cff", "datacite"):
        xreg("cite", "noise", "-r", place, "--format", form)
    listed = xreg("models", "list", "-r", place)
    assert listed.count("\n") == 1
    xreg("models", "pull", "noise", "-r", place)


def test_a_credential_in_a_card_is_not_shown(strange, sandbox, xreg):
    url = "https://me:T0KEN@x.org/y?token=T0KEN"
    data = {"name": "toy", "version": "1.1.0", "registry": url}
    root = strange(edit(data=data, citation=url, description=url))
    sandbox.freeze()
    told = xreg("models", "list", "-r", str(root))
    for form in ("markdown", "yaml", "json"):
        told += xreg("models", "show", "noise", "-r", str(root), "--format", form)
    for form in ("bibtex", "cff", "datacite"):
        told += xreg("cite", "noise", "-r", str(root), "--format", form)
    assert "T0KEN" not in told


def test_a_path_in_a_card_is_not_opened(strange, sandbox):
    """A summary may name a store of this machine; what a stranger says of it is not read."""
    folder = pull("noise", strange())
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["dataset"]["path"] is None
    root = strange(forge({"extra.json": b"{}"}), name="other")
    found = find_model("noise", root)
    assert found.summary["dataset"]["path"] is None


@pytest.mark.parametrize("record", ["models.dvc", "datasets.dvc"])
def test_one_damaged_list_leaves_the_other(strange, sandbox, record):
    root = strange(lambda r: (r / record).write_text(MERGE))
    sandbox.freeze()
    if record == "models.dvc":
        assert find_dataset("toy", registry=root).entry.name == "toy"
        with pytest.raises(CorruptError, match="unfinished merge"):
            list_models(root)
    else:
        assert [m.reference for m in list_models(root)] == ["noise@1.0.0"]
        with pytest.raises(CorruptError, match="unfinished merge"):
            find_dataset("toy", registry=root)


def test_a_damaged_registry_disables_itself_alone(strange, sandbox, caplog):
    bad, good = strange(lambda r: (r / "models.dvc").write_text("["), "bad"), strange(name="good")
    place = sandbox.home / ".config" / "xreg" / "config.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(yaml.safe_dump({"registries": {"bad": str(bad), "good": str(good)}}))
    sandbox.freeze()
    assert find("noise").registry.name == "good"
    assert [m.reference for m in list_models()] == ["noise@1.0.0"]
    assert "registry bad is left out" in caplog.text


def test_an_object_larger_than_the_model_says(strange, sandbox):
    root = strange(edit(size=10))
    shutil.rmtree(root / ".dvc" / "cache", ignore_errors=True)
    sandbox.freeze()
    with pytest.raises((CorruptError, RunError)):
        pull("noise", root)


def lie(place: str, value: Any) -> Callable[[Path], None]:
    """Change a field within the model's entry, ``domain.elements``."""

    def change(root: Path) -> None:
        body = yaml.safe_load((root / "models.dvc").read_text())
        node = body["meta"]["models"]["noise"]["1.0.0"]
        *path, last = place.split(".")
        for key in path:
            node = node[key]
        node[last] = value
        (root / "models.dvc").write_text(yaml.safe_dump(body, allow_unicode=True))

    return change


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("domain.elements", ["Fe", "O", "S"], "of its domain the catalogue says"),
        ("domain.absorbers", ["S"], "of its domain the catalogue says"),
        ("domain.kind", "parameters", "of its domain the catalogue says kind: 'parameters'"),
        ("channel", "xas", "of its channel the catalogue says 'xas', and the model 'xes'"),
        ("predicts.high", 9e9, "of its predicts the catalogue says high: '9000000000.0'"),
        ("predicts.points", 3, "of its predicts the catalogue says points: '3'"),
        ("data.version", "9.0.0", "of its data the catalogue says version: '9.0.0'"),
        ("data.hash", "0" * 32 + ".dir", "of its data the catalogue says hash: '0000"),
        ("scores.test.r2.mean", 0.999, "of its scores the catalogue says test: r2: mean: '0.999'"),
        ("scores.test.r2.runs", 99, "of its scores the catalogue says test: r2: runs: '99'"),
        ("licence", "MIT", "of its licence the catalogue says 'MIT', and its card"),
        ("limits", "", "of its limits the catalogue says '', and its card"),
        ("title", "Gold", "of its title the catalogue says 'Gold', and its card"),
        ("components", [], "of its components the catalogue says '[]', and its card"),
    ],
)  # fmt: skip
def test_what_a_catalogue_says_of_a_model_is_what_it_is(strange, sandbox, place, value, told):
    """Whoever reads a card decides by it whether a model may be asked, and is believed."""
    root = strange(lie(place, value))
    sandbox.freeze()
    with pytest.raises(CorruptError, match=re.escape(told)):
        load_model("noise", root)


def test_scores_of_a_single_run_are_those_that_it_wrote(strange, sandbox):
    """A stranger's card, published with the model, may lie as the catalogue does."""
    from xreg.registry.models import pull
    from xreg.registry.versions.model_contents import require_same_model

    root = strange()
    folder = pull("noise@1.0.0", root)
    entry = find("noise@1.0.0", root).entry
    scores = {part: {n: s.model_copy(update={"runs": 1, "spread": None}) for n, s in of.items()}
              for part, of in entry.scores.items()}  # fmt: skip
    with pytest.raises(CorruptError, match=r"of its scores the catalogue says .*, and its run"):
        require_same_model(entry.model_copy(update={"scores": scores}), folder)
