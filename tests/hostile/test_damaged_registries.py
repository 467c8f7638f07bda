"""One damaged registry hides no other; texts steer nothing; what is cached is checked."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from xreg.core.errors import CorruptError, DataError
from xreg.core.files import folder_hash
from xreg.registry.datasets import find, list_datasets, open_dataset, pull
from xreg.registry.models import list_models
from xreg.registry.publishing import verify

# One damaged registry ---------------------------------------------------------------------------

BOMB = "\n".join(
    [f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]" for i in range(9)]
)


CATALOGUES = {
    "a merge": "<<<<<<< HEAD\nouts: 1\n=======\nouts: 2\n>>>>>>> other\n",
    "no YAML": "outs: [",
    "a list": "- 1",
    "a text": "meta",
    "a bomb": f"a: &a [x,x,x,x,x,x,x,x,x]\n{BOMB}",
    "a circle": "a: &a [*a]",
    "nested": "a: " + "[" * 100_000,
    "a tag": "a: !!python/object/apply:os.system ['touch x']",
    "a truth that is none": "a: !!bool maybe",
    "a time that is none": "a: !!timestamp x",
    "a number that is empty": "a: !!float ''",
    "bytes": "\xff",
    "meta is a text": "meta: x",
    "datasets is a list": "meta: {datasets: [1]}",
    "versions is a text": "meta: {datasets: {toy: x}}",
    "a name that is a path": "meta: {datasets: {../x: {1.0.0: {}}}}",
    "a name that is a number": "meta: {datasets: {7: {1.0.0: {}}}}",
    "a name that is a device": "meta: {datasets: {nul: {1.0.0: {}}}}",
    "a version that is a number": "meta: {datasets: {toy: {1.0: {}}}}",
    "a version without end": f"meta: {{datasets: {{toy: {{1.0.{'9' * 5000}: {{}}}}}}}}",
    "fields of numbers": "meta: {datasets: {toy: {1.0.0: {1: 2}}}}",
    "a channel without grid": "meta: {datasets: {toy: {1.0.0: {hash: "
    "00000000000000000000000000000000.dir, size: 1, files: 1, samples: 1, kind: x, contents: x, "
    "channels: {c: {points: 1}}}}}}",
    "a name twice": "meta: {datasets: {toy: {}, toy: {}}}",
    "a format that is true": "meta: {format: true}",
    "a number without end": f"meta: {'9' * 5000}",
}


@pytest.mark.parametrize("damage", CATALOGUES)
def test_a_damaged_catalogue_hides_no_other(stranger, sandbox, xreg, damage):
    bad = stranger(name="bad")
    (bad / "datasets.dvc").write_bytes(CATALOGUES[damage].encode("latin-1"))
    good = stranger(name="good")
    place = sandbox.home / ".config" / "xreg" / "config.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(yaml.safe_dump({"registries": {"bad": str(bad), "good": str(good)}}))
    sandbox.freeze()
    assert [f.registry.name for f in list_datasets()] == ["good", "good"]
    assert find("toy").registry.name == "good"
    text = xreg("data", "list")
    assert "toy@1.0.0" in text
    assert xreg("data", "show", "nul", "-r", "bad", code=2).startswith("xreg: ")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda versions, one: one.update(samples=True), "'samples' must be a number, got True"),
        (lambda versions, one: one.update(size="12"), "'size' must be a number, got '12'"),
        (lambda versions, one: versions.update({"01.0.0": one}), "in two spellings"),
        (lambda versions, one: versions.update({f"1.0.{'9' * 99}": one}), "no version of a datase"),
    ],
)
def test_an_entry_keeps_its_kinds_and_its_one_name(stranger, sandbox, change, reason):
    root = stranger(name="bad")
    body = yaml.safe_load((root / "datasets.dvc").read_text())
    versions = body["meta"]["datasets"]["toy"]
    change(versions, versions["1.0.0"])
    (root / "datasets.dvc").write_text(yaml.safe_dump(body))
    sandbox.freeze()
    with pytest.raises(CorruptError, match=reason):
        find("toy", registry=root)


LIES = {
    "samples": ({"samples": 7}, "of its samples the catalogue says '7', and its store '50'"),
    "kind": ({"kind": "parameters"}, "of its kind the catalogue says 'parameters'"),
    "grid": (
        {"channels": {"xes": {"points": 30, "low": 7100.0, "high": 7130.0, "unit": "arb. u."}}},
        "of its channels the catalogue says nothing, and its store 'moments'",
    ),
    "unit": ({"labels": {"temperature": "°C", "trajectory": "", "converged": ""}},
             "of its labels the catalogue says temperature: '°C', and its store temperature: 'K'"),
    "split": ({"splits": {"default": {"train": 49, "validation": 1, "test": 0}}},
              "of its splits the catalogue says default: test: '0'"),
    "licence": ({"licence": "MIT"}, "of its licence the catalogue says 'MIT', and its store 'CC0"),
    "title": ({"title": "Gold"}, "of its title the catalogue says 'Gold', and its store 'A toy'"),
    "code": ({"provenance": {"generator": {"name": "noise", "seed": 1}, "failed": []}},
             "of its provenance the catalogue says generator: seed: '1'"),
    "files": ({"files": 1}, "says 1 files, and these are 49"),
    "too many bytes": ({"size": 10**18}, "says 1,000,000,000,000,000,000 bytes, and these are 39,"),
    "too few bytes": ({"size": 10}, "is longer than the 10 bytes that the catalogue says"),
    "a long title": ({"title": "x" * 1001}, "'title' must have at most 1000 characters"),
    "a long author": ({"authors": ["x (" * 9000]}, "of 27,000 letters is no author"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_what_a_catalogue_says_is_what_its_store_is(stranger, sandbox, lie):
    """Whoever reads a card decides by it whether data fit, and whether their code may run."""
    said, told = LIES[lie]
    root = stranger(name="bad")
    body = yaml.safe_load((root / "datasets.dvc").read_text())
    body["meta"]["datasets"]["toy"]["1.0.0"].update(said)
    (root / "datasets.dvc").write_text(yaml.safe_dump(body, allow_unicode=True))
    sandbox.freeze()
    with pytest.raises(CorruptError, match=re.escape(told)):
        open_dataset("toy@1.0.0", registry=root)


def test_each_command_that_walks_registries_passes_a_damaged_one_over(
    stranger, sandbox, caplog, monkeypatch
):
    bad, good = stranger(name="bad"), stranger(name="good")
    (bad / "datasets.dvc").write_text(CATALOGUES["a merge"])
    (bad / "models" / "m" / "1.0.0" / "model").mkdir(parents=True)
    (bad / "models" / "m" / "1.0.0" / "model" / "component.json").write_text("{}")
    (bad / "models" / "m" / "1.0.0" / "summary.json").write_text("<<<<<<< HEAD")
    place = sandbox.home / ".config" / "xreg" / "config.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(yaml.safe_dump({"registries": {"good": str(good)}}))
    monkeypatch.chdir(bad)  # the registry around the working folder is the damaged one
    sandbox.freeze()
    assert [v.problems for v in verify()] == [[], []]
    assert len(open_dataset("toy@1.0.0")) == 50
    assert list_models() == []
    assert "registry bad is left out" in caplog.text
    assert "unfinished merge" in caplog.text


def test_a_missing_folder_hides_no_other(stranger, sandbox):
    place = sandbox.home / ".config" / "xreg" / "config.yaml"
    place.parent.mkdir(parents=True)
    lost, odd = str(sandbox.root / "lost"), "ext::sh -c date"
    places = {"lost": lost, "odd": odd, "good": str(stranger())}
    place.write_text(yaml.safe_dump({"registries": places}))
    sandbox.freeze()
    assert {f.registry.name for f in list_datasets()} == {"good"}


# Texts ------------------------------------------------------------------------------------------

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m \u202eabc\u2066 \u200b\nfake@1.0.0  1 structures"


@pytest.mark.parametrize(
    "field", ["title", "description", "licence", "citation", "contents", "kind"]
)
def test_no_text_steers_the_terminal(stranger, sandbox, xreg, field):
    def change(root: Path) -> None:
        body = yaml.safe_load((root / "datasets.dvc").read_text())
        body["meta"]["datasets"]["toy"]["1.1.0"][field] = EVIL
        body["meta"]["datasets"]["toy"]["1.1.0"]["provenance"] = {"x": EVIL, EVIL: [EVIL]}
        (root / "datasets.dvc").write_text(yaml.safe_dump(body))

    root = stranger(change)
    sandbox.freeze()
    for command in (("list",), ("show", "toy")):
        text = xreg("data", *command, "-r", str(root))
        assert not any(line.startswith("fake@1.0.0") for line in text.splitlines())
    if field != "description":
        assert "\\x1b]0;owned\\x07" in text


def test_no_name_steers_the_terminal(stranger, sandbox, xreg):
    def change(root: Path) -> None:
        body = yaml.safe_load((root / "datasets.dvc").read_text())
        entry = body["meta"]["datasets"]["toy"]["1.1.0"]
        entry["channels"][EVIL] = {"points": 1, "features": [EVIL], "unit": EVIL}
        entry["labels"][EVIL], entry["splits"][EVIL] = EVIL, {EVIL: 1}
        (root / "datasets.dvc").write_text(yaml.safe_dump(body))

    root = stranger(change)
    sandbox.freeze()
    xreg("data", "show", "toy", "-r", str(root))
    xreg("data", "list", "-r", str(root))


# What is in the cache ---------------------------------------------------------------------------


def test_changed_metadata_of_a_cached_copy_are_noticed(stranger, sandbox):
    root = stranger()
    sandbox.freeze()
    path = pull("toy@1.0.0", registry=root)
    victim = path / "spectra" / "xes" / "zarr.json"
    victim.chmod(0o644)
    content = json.loads(victim.read_text())
    content["attributes"]["unit"] = "keV"
    victim.write_text(json.dumps(content))
    with pytest.raises(CorruptError, match=r"spectra/xes/zarr\.json was changed"):
        open_dataset("toy@1.0.0", registry=root)
    assert pull("toy@1.0.0", registry=root) == path
    assert len(open_dataset("toy@1.0.0", registry=root)) == 50


def test_a_list_that_was_changed_proves_nothing(stranger, sandbox):
    root = stranger()
    sandbox.freeze()
    path = pull("toy@1.0.0", registry=root)
    (sandbox.cache / "lists").rename(sandbox.cache / "gone")
    assert len(open_dataset("toy@1.0.0", registry=root)) == 50  # an older xreg kept none
    (kept,) = (sandbox.cache / "lists").iterdir()
    kept.write_text("[]")
    (path / "zarr.json").chmod(0o644)
    (path / "zarr.json").write_text((path / "zarr.json").read_text() + " ")
    with pytest.raises(CorruptError, match="not those that were published"):
        open_dataset("toy@1.0.0", registry=root)


def test_a_link_in_a_cached_copy_is_replaced(stranger, sandbox):
    root = stranger()
    (sandbox.home / "mine").write_text("mine")
    sandbox.freeze()
    path = pull("toy@1.0.0", registry=root)
    path.chmod(0o755)
    (path / "link").symlink_to(sandbox.home)
    with pytest.raises(CorruptError, match="symbolic link"):
        open_dataset("toy@1.0.0", registry=root)
    assert folder_hash(pull("toy@1.0.0", registry=root))
    assert (sandbox.home / "mine").read_text() == "mine"


FIRST = "{md5: " + "0" * 32 + ".dir, path: datasets}"
ODD_CATALOGUES = {
    "a pointer of Git LFS": (
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n",
        "is a pointer of Git LFS, not the file",
    ),
    "a lookalike": ("meta: {datasets: {t\u043ey: {}}}", r"'t\u043ey' is no name"),
    "a bidirectional override": ('meta: {datasets: {"x\\u202ey": {}}}', r"'x\u202ey' is no name"),
    "a full-width digit": ("meta: {datasets: {toy: {\uff11.0.0: {}}}}", r"'\uff11.0.0' is no ver"),
    "an upper-case name": ("meta: {datasets: {Toy: {}}}", "'Toy' is no name"),
    "two numbers": ("meta: {datasets: {toy: {'1.0': {}}}}", "'1.0' is no version"),
    "a v": ("meta: {datasets: {toy: {v1.0.0: {}}}}", "'v1.0.0' is no version"),
    "a candidate": ("meta: {datasets: {toy: {1.0.0-rc1: {}}}}", "'1.0.0-rc1' is no version"),
    "a merge twice": ("v: &v {}\nmeta: {datasets: {toy: {<<: *v, <<: *v}}}", "'<<' stands twi"),
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD_CATALOGUES)
def test_what_is_odd_in_a_catalogue_is_written_out(stranger, sandbox, odd):
    text, told = ODD_CATALOGUES[odd]
    root = stranger(name="bad")
    (root / "datasets.dvc").write_text(text, encoding="utf-8")
    sandbox.freeze()
    with pytest.raises(CorruptError) as refused:
        find("toy", registry=root)
    assert told in str(refused.value)
    assert str(refused.value).isascii()


def test_a_name_that_looks_like_another_is_written_out_when_asked_for(stranger, sandbox):
    with pytest.raises(DataError, match=re.escape(r"'t\u043ey' is no name of a dataset")):
        find("t\u043ey", registry=stranger(name="bad"))
    with pytest.raises(DataError, match=re.escape(r"'\uff11.0.0' is no version")):
        find("toy@\uff11.0.0", registry=stranger(name="other"))


@pytest.mark.parametrize(
    "outs",
    [
        f"[{FIRST}, {FIRST}]",
        "[{md5: " + "0" * 32 + ".dir, path: elsewhere}]",
        "[{md5: " + "A" * 32 + ".dir, path: datasets}]",
        "[{path: datasets}]",
        "[]",
        "{}",
        "7",
    ],
)
def test_a_catalogue_tracks_one_folder(stranger, sandbox, outs):
    root = stranger(name="bad")
    body = yaml.safe_load((root / "datasets.dvc").read_text())
    body["outs"] = yaml.safe_load(outs)
    (root / "datasets.dvc").write_text(yaml.safe_dump(body))
    sandbox.freeze()
    with pytest.raises(CorruptError, match="does not say which files it tracks"):
        open_dataset("toy@1.0.0", registry=root)


def test_references_within_a_catalogue_stand_for_what_they_name(stranger, sandbox):
    root = stranger(name="good")
    text = (root / "datasets.dvc").read_text()
    body = yaml.safe_load(text)
    fields = yaml.safe_dump(body["meta"]["datasets"]["toy"]["1.0.0"], default_flow_style=True)
    flat = " ".join(fields.split())
    rest = yaml.safe_dump({"outs": body["outs"]})
    (root / "datasets.dvc").write_text(
        f"{rest}v: &v {flat}\nmeta: {{datasets: {{toy: {{1.0.0: {{<<: *v}}}}}}}}\n"
    )
    sandbox.freeze()
    assert len(open_dataset("toy@1.0.0", registry=root)) == 50
