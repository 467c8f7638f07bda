"""Damaged and hostile files are told in one sentence, and take no memory that they only claim."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xreg.core import storage
from xreg.core.errors import CorruptError, DataError, PluginError
from xreg.core.files import LEAST_CLAIM, require_plausible
from xreg.core.readers.npz import load_arrays
from xreg.plugins.ridge.ridge import Ridge
from xreg.workbench.search.journal import CheckedJournal
from xreg.workbench.search.leaderboard import leaderboard


def npy(head: str, data: bytes = b"") -> bytes:
    text = head.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return path


HEAD = "{{'descr': {}, 'fortran_order': False, 'shape': {}, }}"


@pytest.mark.parametrize(
    ("descr", "shape", "data", "told"),
    [
        ("'<f8'", "(1000000000000,)", b"\0" * 16, "says 1,000,000,000,000 values"),
        ("'<f8'", "(4611686018427387904, 4)", b"\0" * 16, "says"),
        ("'<f8'", "(-1,)", b"\0" * 16, "shape"),
        ("'|O'", "(1,)", b"\0" * 8, "pickled arrays are never read"),
        ("'<U999999999'", "(1,)", b"\0" * 8, "x.npz"),
        ("'<M8[s]'", "(2,)", b"\0" * 16, "plain numbers or texts"),
        ("[('a', '<f8')]", "(2,)", b"\0" * 16, "plain numbers or texts"),
        ("'<f8'", "(3,)", b"\0" * 16, "says 3 values"),
        ("((((", "(2,)", b"\0" * 16, "x.npz"),
    ],
)
def test_claims_of_an_archive_are_checked(tmp_path, descr, shape, data, told):
    path = archive(tmp_path / "x.npz", a=npy(HEAD.format(descr, shape), data))
    with pytest.raises(DataError, match=told):
        load_arrays(path)


def test_a_zip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    least = 2**24  # a 32nd of what any file may claim, which takes seconds to pack
    monkeypatch.setattr("xreg.core.files.LEAST_CLAIM", least)
    size = least + 1024
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("a.npy", "w") as out:
        out.write(npy(HEAD.format("'|u1'", f"({size},)")))
        for _ in range(size // 2**20 + 1):
            out.write(bytes(2**20))
    with pytest.raises(DataError, match="claims"):
        load_arrays(path)


def test_plain_archives_are_read_as_numpy_reads_them(tmp_path):
    arrays = {"a": np.asfortranarray(np.random.default_rng(0).random((3, 4))), "b": np.array("é"),
              "c": np.array([], dtype=np.int8), "d": np.array(["x", "yz"])}  # fmt: skip
    out = io.BytesIO()
    np.savez(out, **arrays)
    found = load_arrays(tmp_path / "x.npz", out)
    for name, values in arrays.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


def test_large_data_that_are_there_are_no_claim():
    require_plausible(10 * LEAST_CLAIM, LEAST_CLAIM, "x")
    for claimed, present in ((LEAST_CLAIM + 1, 0), (21 * LEAST_CLAIM, LEAST_CLAIM), (-1, 10)):
        with pytest.raises(DataError):
            require_plausible(claimed, present, "x")


# Search records -----------------------------------------------------------------------------------


def journal(path: Path) -> list[dict[str, Any]]:
    logs = [{"op_code": i, "value": [i, "é", None]} for i in range(5)]
    CheckedJournal(path).append_logs(logs)
    return logs


def test_a_journal_reads_what_it_wrote(tmp_path):
    logs = journal(tmp_path / "j")
    assert list(CheckedJournal(tmp_path / "j").read_logs(0)) == logs
    assert list(CheckedJournal(tmp_path / "j").read_logs(3)) == logs[3:]
    with (tmp_path / "j").open("ab") as file:  # somebody is writing
        file.write(b'{"op_c')
    assert list(CheckedJournal(tmp_path / "j").read_logs(0)) == logs


def test_a_flipped_bit_of_a_journal_is_noticed(tmp_path):
    journal(tmp_path / "j")
    data = (tmp_path / "j").read_bytes()
    for place in range(0, len(data) - 1, 3):
        changed = bytearray(data)
        changed[place] ^= 1
        if changed[place] == ord("\n") or data[place] == ord("\n"):
            continue
        (tmp_path / "j").write_bytes(changed)
        with pytest.raises(CorruptError, match=r"line \d of .* was changed"):
            list(CheckedJournal(tmp_path / "j").read_logs(0))


@pytest.mark.parametrize("gone", range(4))
def test_a_line_taken_out_of_a_journal_is_noticed(tmp_path, gone):
    journal(tmp_path / "j")
    lines = (tmp_path / "j").read_bytes().splitlines(keepends=True)
    for changed in (
        lines[:gone] + lines[gone + 1 :],
        [*lines[:gone], lines[gone + 1], lines[gone], *lines[gone + 2 :]],
        lines[: gone + 1] + lines[gone:],
    ):
        (tmp_path / "j").write_bytes(b"".join(changed))
        with pytest.raises(CorruptError, match="lines before it are missing"):
            list(CheckedJournal(tmp_path / "j").read_logs(0))


def test_several_writers_keep_one_chain(tmp_path):
    one, other = CheckedJournal(tmp_path / "j"), CheckedJournal(tmp_path / "j")
    logs = [{"op_code": i, "text": "x" * 20_000 * i} for i in range(8)]
    for i, log in enumerate(logs):
        (one, other)[i % 2].append_logs([log])
        assert list(one.read_logs(i)) == [log]
    assert list(other.read_logs(0)) == logs


def test_what_a_killed_writer_began_is_no_part_of_the_next_line(tmp_path):
    logs = journal(tmp_path / "j")
    with (tmp_path / "j").open("ab") as file:
        file.write(b'{"chain":12,"rec')
    CheckedJournal(tmp_path / "j").append_logs([{"op_code": 9}])
    assert list(CheckedJournal(tmp_path / "j").read_logs(0)) == [*logs, {"op_code": 9}]


EARLIER = (
    b'{"op_code":1}\n'  # Optuna's
    b'{"crc32":3235155165,"record":{"op_code":2,"value":[2,"\\u00e9",null]}}\n'  # until version 1.1
    b'{"crc32":3235155165,"record":{"op_code":2,"value":[2,"\\u00e9",null]}}\n'
)


def test_a_journal_of_an_earlier_version_is_read_and_goes_on(tmp_path):
    two = {"op_code": 2, "value": [2, "é", None]}
    (tmp_path / "j").write_bytes(EARLIER)
    assert list(CheckedJournal(tmp_path / "j").read_logs(0)) == [{"op_code": 1}, two, two]
    new = CheckedJournal(tmp_path / "j")
    new.append_logs([{"op_code": 3}])
    new.append_logs([{"op_code": 4}])
    logs = [{"op_code": 1}, two, two, {"op_code": 3}, {"op_code": 4}]
    assert list(CheckedJournal(tmp_path / "j").read_logs(0)) == logs
    assert list(new.read_logs(1)) == logs[1:]
    lines = (tmp_path / "j").read_bytes().splitlines(keepends=True)
    for gone in range(4):  # the first line of ours covers those before
        (tmp_path / "j").write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
        with pytest.raises(CorruptError, match="lines before it are missing"):
            list(CheckedJournal(tmp_path / "j").read_logs(0))
    (tmp_path / "j").write_bytes(b"".join(lines) + EARLIER)  # none follows ours
    with pytest.raises(CorruptError, match="line 6 of"):
        list(CheckedJournal(tmp_path / "j").read_logs(0))


RESULTS = {
    "benchmark": "c",
    "rules": {
        "dataset": {"name": "x", "version": "1.0.0"},
        "target": {"channel": "xas", "moments": {}},
        "folds": {"count": 3, "repeats": 1, "group": None},
        "split": {"name": None, "fractions": [0.8, 0.1, 0.1]},
        "budget": 60.0,
        "seeds": 3,
    },
    "families": [
        {"label": "a", "plugin": "p", "score": 0.9, "fold_spread": 0.1, "seed_spread": None,
         "test": 0.8, "candidates": 3, "seconds": 1.0, "emulator": {"name": "mlp"}}
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: r["families"][0].pop("score"), "families.0.score"),
        (lambda r: r["families"][0].update(score="high"), "families.0.score"),
        (lambda r: r["families"][0].update(label="a\x1b[2J"), "families.0.label"),
        (lambda r: r["families"][0].update(emulator=None), "names neither"),
        (lambda r: r["rules"].pop("dataset"), "rules.dataset"),
        (lambda r: r.update(rules=3), "rules"),
        (lambda r: r.update(families={"a": 1}), "families"),
        (lambda r: r.update(benchmark=["c"]), "benchmark"),
    ],
)
def test_results_of_another_form_are_told(tmp_path, change, told):
    results = json.loads(json.dumps(RESULTS))
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results))
    assert leaderboard([tmp_path])[0].entries[0].score == 0.9
    change(results)
    path.write_text(json.dumps(results))
    with pytest.raises(CorruptError, match=told):
        leaderboard([tmp_path])


def test_a_changed_result_is_noticed(tmp_path):
    results = json.loads(json.dumps(RESULTS))
    results["digest"] = storage.digest(storage.canonical_json(results))
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results))
    leaderboard([path])
    path.write_text(json.dumps(results).replace("0.9", "0.8"))
    with pytest.raises(CorruptError, match="was changed"):
        leaderboard([path])


@pytest.mark.parametrize("text", ["[" * 100_000, "", "nul", "[1]", '{"a": ' * 50_000])
def test_what_is_no_json_is_told(tmp_path, text):
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(CorruptError):
        leaderboard([tmp_path])


# Saving -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [object(), [object()], np.array([object()]), {1, 2}, lambda: 0])
def test_state_that_cannot_be_saved_is_named(tmp_path, value):
    emulator = Ridge()
    emulator.fit(np.eye(4), np.eye(4))
    emulator.models_ = value
    with pytest.raises(PluginError, match=r"emulator 'ridge' cannot be saved: its .*models_"):
        emulator.save(tmp_path / "a")
    assert not (tmp_path / "a").exists()
