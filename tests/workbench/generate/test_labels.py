"""Labels of samples that a generator reads: asked for, handed on, and part of a sample's key."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from xreg.core.errors import ConfigError
from xreg.core.testing.examples import waters
from xreg.workbench.generate.samples import sample_keys, with_needed_labels

GENERATOR = cast("Any", SimpleNamespace(name="toy", needs_labels=("charge",)))
NEEDS_NONE = cast("Any", SimpleNamespace(name="toy", needs_labels=()))


def keys(generator: Any, **labels: Any) -> list[str]:
    known = {name: np.array(values) for name, values in labels.items()}
    return sample_keys(with_needed_labels(waters(2), known, generator))


def test_a_label_that_is_read_is_part_of_the_key() -> None:
    first = keys(GENERATOR, charge=[0, 1], colour=["red", "blue"])
    assert first == keys(GENERATOR, charge=[0.0, 1.0])  # as a store has it
    other = keys(GENERATOR, charge=[0, -1])
    assert other[0] == first[0]
    assert other[1] != first[1]


def test_other_labels_change_no_key() -> None:
    assert keys(NEEDS_NONE, charge=[0, 1]) == sample_keys(waters(2))


def test_a_label_that_is_missing_is_named() -> None:
    with pytest.raises(ConfigError, match=r"reads the label 'charge'.*did you mean"):
        keys(GENERATOR, charges=[0, 1])
