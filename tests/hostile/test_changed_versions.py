"""A published version never changes: whoever has pulled another hash before is told both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from xreg.core.errors import CorruptError
from xreg.registry.datasets import cached, find, open_dataset, pull
from xreg.registry.pulling import seen
from xreg.registry.versions.entries import DatasetEntry


def exchange(root: Path, one: str = "1.0.0", other: str = "1.1.0") -> tuple[str, str]:
    """Publish the bytes of another version under a version's name; return both hashes."""
    path = root / "datasets.dvc"
    body = yaml.safe_load(path.read_text())
    known = body["meta"]["datasets"]["toy"]
    hashes = known[one]["hash"], known[other]["hash"]
    known[one]["hash"] = hashes[1]
    path.write_text(yaml.safe_dump(body))
    return hashes


@pytest.mark.parametrize("command", ["pull", "open"])
def test_a_version_that_changed_is_refused_with_both_hashes(stranger, sandbox, xreg, command):
    root = stranger(name="shop")
    before = pull("toy@1.0.0", registry=root)
    old, new = exchange(root)
    again = pull if command == "pull" else open_dataset
    with pytest.raises(CorruptError) as refused:
        again("toy@1.0.0", registry=root)
    told = str(refused.value)
    assert re.search(r"toy@1\.0\.0 of shop was pulled on \d{4}-\d\d-\d\d with the hash", told)
    assert old in told
    assert new in told
    assert "`xreg data pull toy@1.0.0 --accept-changed`" in told
    assert not cached(find("toy@1.0.0", registry=root).entry).exists()
    assert before.is_dir()


def test_opening_alone_is_remembered_too(stranger, sandbox):
    root = stranger(name="shop")
    open_dataset("toy@1.0.0", registry=root)
    exchange(root)
    with pytest.raises(CorruptError, match="a published version never changes"):
        open_dataset("toy@1.0.0", registry=root)


def test_a_changed_version_is_taken_when_that_is_asked_for(stranger, sandbox):
    root = stranger(name="shop")
    pull("toy@1.0.0", registry=root)
    exchange(root)
    # The exchanged bytes are those of another version, which the list of files tells.
    with pytest.raises(CorruptError, match="wrong hash"):
        pull("toy@1.0.0", registry=root, accept_changed=True)
    with pytest.raises(CorruptError, match="a published version never changes"):
        pull("toy@1.0.0", registry=root)  # what was not taken is not remembered


def test_what_was_accepted_is_the_known_one(stranger, sandbox):
    root = stranger(name="shop")
    found = find("toy@1.0.0", registry=root)
    pull("toy@1.0.0", registry=root)
    exchange(root)
    changed = find("toy@1.0.0", registry=root)
    assert isinstance(changed.entry, DatasetEntry)
    known = seen(changed)
    known.remember(changed.entry)  # which does not overwrite what is known
    with pytest.raises(CorruptError):
        known.require_unchanged(changed.entry)
    known.remember(changed.entry, anew=True)
    known.require_unchanged(changed.entry)
    with pytest.raises(CorruptError):
        known.require_unchanged(found.entry)


def test_another_registry_may_have_another_version_of_that_name(stranger, sandbox, caplog):
    one, other = stranger(name="one"), stranger(name="other")
    first = pull("toy@1.0.0", registry=one)
    _, new = exchange(other)
    entry = find("toy@1.0.0", registry=other)
    seen(entry).require_unchanged(entry.entry)
    start = first.name.removeprefix("toy-1.0.0-").removesuffix(".zarr")
    assert f"toy@1.0.0 is in the cache with the hash {start}… too" in caplog.text
    assert f"that of other is {new}" in caplog.text


@pytest.mark.parametrize("record", ["", "{", "[]", '{"hash": 3, "date": null}', "\0"])
def test_a_damaged_record(stranger, sandbox, record):
    root = stranger(name="shop")
    pull("toy@1.0.0", registry=root)
    (place,) = (sandbox.cache / "seen").iterdir()
    place.write_text(record)
    if record.startswith("{") and len(record) > 1:
        with pytest.raises(CorruptError, match="with the hash 3 and is published"):
            pull("toy@1.0.0", registry=root)
    else:
        pull("toy@1.0.0", registry=root)
