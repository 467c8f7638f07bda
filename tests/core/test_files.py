"""Locks that are held, files that are private, links that are refused."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time

import pytest

from xreg.core import files
from xreg.core.errors import CorruptError
from xreg.core.files import files_below, folder_hash, locked, staging, write_text

HOLD = """
import sys, time
from pathlib import Path
from xreg.core.files import staging
with staging(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def test_who_holds_a_lock_is_told_and_waited_for(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(files, "PATIENCE", 0.2)
    line = [sys.executable, "-c", HOLD, str(tmp_path / "x"), "1.5"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        begun = time.monotonic()
        with staging(tmp_path / "x"):
            waited = time.monotonic() - begun
    assert waited > 0.5
    (record,) = caplog.records
    assert f"process {holder.pid} of" in record.message
    assert str(tmp_path / ".x.tmp" / "lock") in record.message
    assert os.listdir(tmp_path) == []


def test_a_free_lock_is_no_news(tmp_path, caplog):
    with locked(tmp_path / "lock"):
        pass
    assert caplog.records == []


def test_a_private_file_is_its_owners_alone(tmp_path):
    path = tmp_path / "x"
    path.touch(0o644)
    write_text(path, "a", private=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def link_to_folder(place):
    (place / "link").symlink_to("/etc")


def link_to_file(place):
    (place / "link").symlink_to("/etc/hostname")


def broken_link(place):
    (place / "link").symlink_to("nowhere")


def pipe(place):
    os.mkfifo(place / "link")


@pytest.mark.parametrize("make", [link_to_folder, link_to_file, broken_link, pipe])
def test_a_folder_with_anything_but_files_has_no_hash(tmp_path, make):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_text("x")
    assert files_below(tmp_path) == ["a/b"]
    make(tmp_path / "a")
    with pytest.raises(CorruptError, match="'a/link' is"):
        folder_hash(tmp_path)
