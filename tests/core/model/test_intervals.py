"""Intervals hold the share that they state, on groups that training never saw too."""

from __future__ import annotations

import numpy as np

from xreg.core.model.conformal.intervals import Errors, Intervals

NONE = np.empty(0, np.uint64)


def errors(rng: np.random.Generator, groups: int, size: int = 6, wild: float = 1.0) -> Errors:
    """Errors of groups that each have a size of their own, which grows with distance."""
    n = groups * size
    member = np.repeat(np.arange(groups), size)
    distance = np.repeat(np.exp(rng.normal(size=groups)), size)
    own = np.repeat(np.exp(0.3 * rng.normal(size=groups)), size) * wild
    error = rng.normal(size=(n, 8)) * (own * distance)[:, None] * np.linspace(1, 3, 8)
    return Errors(error, None, distance, member.astype(str), np.ones(n, bool))


def test_a_new_group_is_covered_as_stated() -> None:
    rng = np.random.default_rng(0)
    held: dict[float, list[float]] = {0.68: [], 0.95: []}
    for _ in range(60):
        found = Intervals.fit(errors(rng, 40), NONE)
        assert found is not None
        new = errors(rng, 3)
        for level, shares in held.items():
            half = found.half_width(level, new.familiar, None, new.distance)
            shares.append(float(np.mean(np.abs(new.error) <= half)))
    # No less than stated, and no more than that the new group may exceed all 40 others.
    assert 0.66 < np.mean(held[0.68]) < 0.68 + 1 / 41 + 0.04
    assert 0.94 < np.mean(held[0.95]) < 0.95 + 1 / 41 + 0.02


def test_too_few_groups_claim_nothing_they_cannot_know() -> None:
    rng = np.random.default_rng(1)
    assert Intervals.fit(errors(rng, 4), NONE) is None
    few = Intervals.fit(errors(rng, 8), NONE)
    assert few is not None
    new = errors(rng, 2)
    assert np.isinf(few.half_width(0.95, new.familiar, None, new.distance)).all()
    assert np.isfinite(few.half_width(0.68, new.familiar, None, new.distance)).all()


def test_unseen_formulas_have_intervals_of_their_own_and_all_is_stored() -> None:
    rng = np.random.default_rng(2)
    seen, unseen = errors(rng, 30), errors(rng, 30, wild=4.0)
    both = Errors(
        np.vstack([seen.error, unseen.error]),
        None,
        np.append(seen.distance, unseen.distance),
        np.append(seen.groups, np.char.add("new ", unseen.groups)),
        np.append(seen.familiar, ~unseen.familiar),
    )
    found = Intervals.fit(both, NONE)
    assert found is not None
    again = Intervals.of(found.arrays())
    assert again is not None
    familiar = np.array([True, False])
    near, far = again.half_width(0.68, familiar, None, np.ones(2))
    assert (far > 2.5 * near).all()
    assert found.groups.tolist() == [30, 30]


def test_an_ensemble_that_agrees_by_chance_is_not_certain() -> None:
    rng = np.random.default_rng(3)
    some = errors(rng, 40)
    spread = np.abs(some.error) / 2 + 0.1
    found = Intervals.fit(
        Errors(some.error, spread, some.distance, some.groups, some.familiar), NONE
    )
    assert found is not None
    half = found.half_width(0.95, np.ones(1, bool), np.zeros((1, 8)), np.ones(1))
    assert (half > 0).all()
