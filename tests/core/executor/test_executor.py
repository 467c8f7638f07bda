"""Work in parallel: nothing is lost when a worker dies, and none outlives its parent."""

from __future__ import annotations

import errno
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest

from xreg.core.errors import ConfigError, MissingRequirementError, RunError
from xreg.core.executor import WorkerDiedError, open_workers

JOBS = Path(__file__).parent / "jobs"


@pytest.fixture
def jobs(monkeypatch):
    monkeypatch.syspath_prepend(str(JOBS))
    monkeypatch.setenv("PYTHONPATH", str(JOBS))
    import executor_jobs

    return executor_jobs


def test_every_item_gets_its_result_and_items_are_taken_as_needed(jobs):
    taken = []

    def items():
        for i in range(20):
            taken.append(i)
            yield i

    with open_workers("process", 1) as workers:
        results = workers.unordered(jobs.double, items())
        first = next(results)
        assert len(taken) <= 4
        assert dict([first, *results]) == {i: 2 * i for i in range(20)}


def test_an_item_that_kills_its_worker_is_named_and_the_others_are_done(jobs):
    with open_workers("process", 2) as workers:
        outcomes = dict(workers.unordered(jobs.die_on_three, range(8)))
    assert isinstance(outcomes.pop(3), WorkerDiedError)
    assert outcomes == {i: 2 * i for i in range(8) if i != 3}


def test_an_item_on_which_a_worker_died_is_tried_again(jobs, tmp_path):
    with open_workers("process", 1) as workers:
        items = [str(tmp_path / "marker")]
        assert list(workers.unordered(jobs.die_once, items)) == [(items[0], "done")]


@pytest.mark.parametrize("started", [0, 1])
def test_a_death_among_long_items_is_noticed_at_once(jobs, tmp_path, monkeypatch, started):
    start = SpawnProcess.start

    def slow(process):  # as on a busy machine: the pool has looked for processes before it returns
        start(process)
        time.sleep(0.3)

    monkeypatch.setattr(SpawnProcess, "start", slow)
    with open_workers("process", 2) as workers:
        threading.Thread(target=_kill_when_both_work, args=(tmp_path, started)).start()
        began = time.time()
        outcomes = list(workers.unordered(jobs.work_long_once, [str(tmp_path)] * 2))
    assert [outcome for _, outcome in outcomes] == ["done"] * 2
    assert time.time() - began < 20, "noticed when the other worker was done"


def _kill_when_both_work(folder, started):
    while len(found := sorted(folder.glob("*.pid"), key=lambda f: f.stat().st_mtime)) < 2:
        time.sleep(0.05)
    time.sleep(1)  # until both are known to the pool, slow as it is here
    os.kill(int(found[started].stem), signal.SIGKILL)


def test_an_error_of_the_function_is_raised(jobs):
    with pytest.raises(ZeroDivisionError), open_workers("process", 1) as workers:
        list(workers.unordered(jobs.divide, [1, 0]))


def test_workers_use_one_thread_each(jobs, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with open_workers("process", 1) as workers:
        ((_, threads),) = workers.unordered(jobs.threads, [0])
    assert set(threads) == {1}


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_workers_keep_memory_that_is_freed(jobs):
    size = 40_000_000
    with open_workers("process", 1) as workers:
        ((_, faults),) = workers.unordered(jobs.faults, [size])
    assert faults < size / 4096 / 100


def test_workers_do_not_outlive_a_killed_parent(jobs, tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys, executor_jobs\n"
        "from xreg.core.executor import open_workers\n"
        "if __name__ == '__main__':\n"
        "    with open_workers('process', 2) as workers:\n"
        "        list(workers.unordered(executor_jobs.write_pid_and_sleep, [sys.argv[1]] * 2))\n"
    )
    seen = tmp_path / "pids"
    seen.mkdir()
    parent = subprocess.Popen([sys.executable, str(script), str(seen)])
    wait_for(lambda: len(list(seen.iterdir())) == 2)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_for(lambda: not any(alive(int(path.name)) for path in seen.iterdir()))


def wait_for(condition) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Where nobody reaps orphans, a dead one stays as a zombie.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("proces",), "no executor 'proces' .did you mean 'process'"),
        (("process", 0), "workers must be at least 1, got 0"),
        (("process", 1, "tcp://localhost:1"), "a scheduler goes with the executor 'dask'"),
        (("dask",), "needs the address of a scheduler"),
    ],
)
def test_bad_requests(arguments, text):
    with pytest.raises(ConfigError, match=text), open_workers(*arguments):
        pass


def test_a_missing_dask_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(MissingRequirementError, match=r'pip install "xreg\[dask\]"'),
        open_workers("dask", scheduler="tcp://localhost:8786"),
    ):
        pass


def test_a_dask_cluster_works_like_processes(jobs, monkeypatch):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        open_workers("dask", scheduler=cluster.scheduler_address) as workers,
    ):
        assert workers.size == 2
        assert dict(workers.unordered(jobs.double, range(5))) == {i: 2 * i for i in range(5)}
        with pytest.raises(ZeroDivisionError):
            list(workers.unordered(jobs.divide, [0]))
    monkeypatch.setattr("xreg.core.executor.dask.CONNECT_SECONDS", 0.2)
    with (
        pytest.raises(ConfigError, match="no Dask scheduler answers at"),
        open_workers("dask", scheduler="tcp://127.0.0.1:1"),
    ):
        pass


def test_shared_memory_that_cannot_be_written_is_named(monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("xreg.core.executor.processes.ProcessPoolExecutor", refuse)
    with (
        pytest.raises(RunError, match=r"/dev/shm.*\(Read-only file system\)"),
        open_workers("process", workers=1),
    ):
        pass
