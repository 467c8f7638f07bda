"""Locks that are held, files that are private, links that are refused."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xreg.core import files
from xreg.core.errors import ConfigError, CorruptError, DataError
from xreg.core.files import files_below, folder_hash, locked, read_file, staging, write_text
from xreg.core.measured.spectrum import read_measured
from xreg.core.readers.structures import read_frames
from xreg.workbench.recipes.overrides import read_yaml

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


@pytest.fixture(params=["pipe", "device", "link to a device"])
def special(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "x.xyz"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "device":
        return Path("/dev/zero")
    else:
        path.symlink_to("/dev/zero")
    return path


def test_a_pipe_or_device_is_no_file(special: Path) -> None:
    with pytest.raises(OSError, match="it is a pipe or device, no file"):
        read_file(special)
    for read, error in ((read_measured, DataError), (read_yaml, ConfigError)):
        with pytest.raises(error, match=r"cannot be read \(it is a pipe or device, no file"):
            read(special)  # type: ignore[operator]
    with pytest.raises(DataError, match="it is a pipe or device, no file"):
        list(read_frames(special))


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert read_file(path, 5) == b"12345"
    with pytest.raises(OSError, match="it has 5 bytes, and at most 4 are read"):
        read_file(path, 4)
    with pytest.raises(IsADirectoryError):
        read_file(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "none")
