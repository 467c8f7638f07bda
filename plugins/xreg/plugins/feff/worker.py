"""Runs FEFF in the working folder, apart from xreg: ``python worker.py all|xanes|input``.

It imports nothing but the bindings, so that it starts in no time.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import feff10  # type: ignore[import-untyped,unused-ignore]

XANES = (
    "RDINP", "ATOMIC", "POT", "SCREEN", "XSPH", "FMS", "MKGTR", "PATH", "GENFMT", "FF2X",
)  # fmt: skip
"""Stages of a plain XANES calculation; the others do nothing in one. The first reads the input."""


def main(which: str) -> None:
    """Run the stages on ``feff.inp`` and end with FEFF's reason where one fails."""
    names = {"all": None, "xanes": XANES, "input": XANES[:1]}[which]
    stages = names and [getattr(feff10.Stage, name) for name in names]
    try:
        config = feff10.FeffConfig.from_file(".", "feff.inp", stages)
        feff10.FeffPipeline(config).run()
    except feff10.FeffError as error:
        sys.exit(f"FeffError: {error}")


def end_with_parent() -> None:
    """End, and the process of the stage under way with it, when xreg is killed."""
    parent = os.getppid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # comes then, and would leave the stage behind

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    end_with_parent()
    main(sys.argv[1])
