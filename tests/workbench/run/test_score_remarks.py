"""What a run says of scores that tell little."""

from __future__ import annotations

from typing import Any

import pytest

from xreg.workbench.run.scoring import score_remarks


def scores(r2: float, samples: int, groups: int, group: str | None = None) -> dict[str, Any]:
    return {
        "samples": samples,
        "r2": r2,
        "groups": groups,
        "group": group,
        "r2_interval": [r2 - 0.4, r2 + 0.1],
    }


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        (0.90, scores(0.85, 500, 500), []),
        (0.90, scores(0.85, 7, 7), ["0.85 rests on only 7 samples: with", "0.45 or 0.95"]),
        (0.90, scores(0.85, 500, 3, "material"), ["only 500 samples of 3 groups ('material')"]),
        (0.99, scores(0.70, 500, 500), ["0.99 on training samples and 0.70 on test samples"]),
        (0.60, scores(0.45, 500, 500), []),  # both poor: no sign of learning by heart
        (0.99, scores(0.50, 7, 7), ["only 7 samples", "overfits"]),
    ],
)
def test_few_samples_and_a_gap_are_told(
    train: float, test: dict[str, Any], said: list[str]
) -> None:
    found = score_remarks({"train": {"r2": train, "samples": 900}, "test": test})
    text = " ".join(found)
    assert bool(found) == bool(said)
    for part in said:
        assert part in text
