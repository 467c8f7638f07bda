"""Programs that behave, hang, flood, crash, or are not there; and what is killed with xreg."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xreg.core.errors import RunError
from xreg.core.programs.program import Limits, run_program

PLENTY = Limits(60.0, 100.0)


def script(folder: Path, text: str) -> Path:
    file = folder / "program.sh"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def test_output_and_code(tmp_path: Path) -> None:
    program = script(
        tmp_path, 'echo "in $PWD with $OMP_NUM_THREADS thread, $1"; echo bad >&2; exit 3'
    )
    report = run_program("it", [program, "x"], tmp_path, PLENTY)
    assert report.code == 3
    assert report.output == f"in {tmp_path} with 1 thread, x\nbad\n"


def test_signal(tmp_path: Path) -> None:
    assert run_program("it", [script(tmp_path, "kill -SEGV $$")], tmp_path, PLENTY).code == -11


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"it cannot be started \(No such file"):
        run_program("it", [tmp_path / "nowhere"], tmp_path, PLENTY)


def test_a_hanging_program_is_stopped_with_its_children(tmp_path: Path) -> None:
    program = script(tmp_path, "sleep 1000 & echo $! > child; wait")
    with pytest.raises(RunError, match=r"it was stopped after 0.5 s; raise time_limit"):
        run_program("it", [program], tmp_path, Limits(0.5, 100.0))
    assert gone(int((tmp_path / "child").read_text()))


@pytest.mark.parametrize("where", ["", "> big.log"])
def test_a_flood_is_stopped(tmp_path: Path, where: str) -> None:
    with pytest.raises(RunError, match=r"it was stopped after it had written 5 MB"):
        run_program("it", [script(tmp_path, f"yes flood {where}")], tmp_path, Limits(60.0, 5.0))


def test_only_the_end_of_a_long_output_is_kept(tmp_path: Path) -> None:
    report = run_program("it", [script(tmp_path, "seq 1 100000")], tmp_path, PLENTY)
    assert len(report.output) == 1 << 16
    assert report.output.endswith("99999\n100000\n")


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child of its parent's death"
)
def test_a_program_ends_when_xreg_is_killed(tmp_path: Path) -> None:
    program = script(tmp_path, "echo $$ > pid; exec sleep 1000")
    code = (
        "from pathlib import Path; from xreg.core.programs.program import *; "
        f"run_program('it', [{str(program)!r}], Path({str(tmp_path)!r}), Limits(1e3, 1e3))"
    )
    xreg = subprocess.Popen([sys.executable, "-c", code])
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    xreg.send_signal(signal.SIGKILL)
    xreg.wait()
    assert gone(int((tmp_path / "pid").read_text()))


def gone(pid: int) -> bool:
    def ended() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # Killed, and only not yet collected by whoever inherits it.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"

    return wait_for(ended)


def wait_for(condition) -> bool:  # type: ignore[no-untyped-def]
    for _ in range(600):
        if condition():
            return True
        time.sleep(0.05)
    return False
