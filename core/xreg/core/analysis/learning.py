"""How the score grows: with the number of training spectra, with the share of features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.context import Retrained, Subject
from xreg.core.analysis.importance import permutation_importance
from xreg.core.analysis.retraining import Training, retrain
from xreg.core.analysis.xanes_settings import FeatureShareConfig, LearningCurveConfig
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces.analysis import Drawing, Findings, Table
from xreg.core.metrics import covered_variance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["feature_share", "learning_curve", "random_subset"]

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


def random_subset(rows: Rows, share: float, seed: int, groups: NDArray[Any] | None = None) -> Rows:
    """Return about that share of rows at random, ascending; whole groups where there are any.

    A larger share with the same seed holds the smaller one, so that a curve compares like with
    like.
    """
    rng = np.random.default_rng(seed)
    _, member = np.unique(np.arange(len(rows)) if groups is None else groups, return_inverse=True)
    place = rng.permutation(member.max() + 1)[member]
    order = np.argsort(place, kind="stable")
    wanted = max(2, round(share * len(rows)))
    # The group that reaches the number wanted comes in whole.
    last = place[order[wanted - 1]]
    return np.sort(rows[place <= last])


def learning_curve(subject: Subject, config: LearningCurveConfig) -> Findings:
    """Train on growing random subsets of the training part, score the judged part."""
    rows, judged = subject.rows["train"], subject.rows[subject.judged]
    groups = None if config.group is None else subject.label(config.group, rows)
    held = subject.rows.get("validation")
    shares = sorted(set(config.shares))
    counts = np.empty((len(shares), config.repeats))
    trainings = []
    for i, repeat in np.ndindex(counts.shape):
        seed = config.seed + repeat
        subset = random_subset(rows, shares[i], seed, groups)
        if not np.any(subject.known[subset] != subject.known[subset[:1]]):
            raise NotApplicableError(
                "a subset of training spectra does not vary; take larger ones."
            )
        trainings.append(Training(subset, judged, held, seed=seed))
        counts[i, repeat] = len(subset)
    scores = _scores(subject, trainings, "learning curve", counts.shape)
    mean, spread = scores.mean(axis=1), scores.std(axis=1)
    number = counts.mean(axis=1)
    what = "" if config.group is None else f" Whole groups of '{config.group}' come in."
    return Findings(
        text=f"From {number[0]:,.0f} to {number[-1]:,.0f} training spectra R² of the "
        f"{subject.judged} set goes from {mean[0, 1]:.4f} to {mean[-1, 1]:.4f}."
        f"{_slope(mean, number)}",
        metrics={
            "spectra": number,
            "train": {"mean": mean[:, 0], "std": spread[:, 0]},
            subject.judged: {"mean": mean[:, 1], "std": spread[:, 1]},
        },
        tables=[
            Table(
                "curve",
                "Score by number of training spectra",
                ["training spectra", "R² on them", "±", f"R² of the {subject.judged} set", "± "],
                [
                    [float(n), *np.stack([m, s], axis=1).ravel().tolist()]
                    for n, m, s in zip(number, mean, spread, strict=True)
                ],
                f"Mean and standard deviation over {config.repeats} random subsets.{what}",
            )
        ],
        drawings=[
            Drawing(
                "curve",
                "Learning curve",
                "R² on the spectra trained on and on those of the judged set, against the number "
                "of training spectra; bands are one standard deviation over random subsets.",
                lambda: draw_curve(
                    number,
                    {"trained on": scores[..., 0], subject.judged: scores[..., 1]},
                    "training spectra",
                    logarithmic=True,
                ),
            )
        ],
    )


def _slope(mean: Array, number: Array) -> str:
    """Say what the last doubling brought, where there is one."""
    half = np.flatnonzero(number <= number[-1] / 1.9)
    if not len(half):
        return ""
    gain = mean[-1, 1] - np.interp(np.log(number[-1] / 2), np.log(number), mean[:, 1])
    return f" The last doubling brought {gain:+.4f}.".replace("-", "−")


def feature_share(subject: Subject, config: FeatureShareConfig) -> Findings:
    """Train on the most important features alone, score the judged part.

    Importance is by permutation in the validation part (or the training part where there is none),
    so the judged part has no say in the order.
    """
    scaler, targets = subject.pipeline.features_, subject.pipeline.targets_
    assert scaler is not None
    assert targets is not None
    part = (
        "validation" if "validation" in subject.rows and subject.judged != "validation" else "train"
    )
    emulator = subject.pipeline.emulator
    loss = permutation_importance(
        lambda x: targets.inverse_transform(emulator.predict(scaler.transform(x))),
        subject.features_of(part),
        subject.known[subject.rows[part]],
        [np.array([i]) for i in range(len(subject.features))],
        np.ones((1, subject.known.shape[1]), dtype=bool),
        repeats=config.permutations,
        seed=config.seed,
    ).mean(axis=0)[:, 0]
    order = np.argsort(-loss, kind="stable")
    counts = np.unique([max(1, round(share * len(order))) for share in config.shares])
    train, judged = subject.rows["train"], subject.rows[subject.judged]
    held = subject.rows.get("validation")
    trainings = [
        Training(train, judged, held, np.sort(order[:count]), config.seed + repeat)
        for count in counts
        for repeat in range(config.repeats)
    ]
    scores = _scores(subject, trainings, "feature share", (len(counts), config.repeats))
    mean, spread = scores.mean(axis=1), scores.std(axis=1)
    enough = int(np.argmax(mean[:, 1] >= mean[:, 1].max() - 0.01))
    ordered = [subject.features[i] for i in order]
    return Findings(
        text=f"{counts[enough]:,} of {len(order):,} features, the most important first, come "
        f"within 0.01 of the best R² of the {subject.judged} set ({mean[:, 1].max():.4f}).",
        metrics={
            "features": counts,
            "share": 100 * counts / len(order),
            "train": {"mean": mean[:, 0], "std": spread[:, 0]},
            subject.judged: {"mean": mean[:, 1], "std": spread[:, 1]},
            "order": [label.name for label in ordered],
        },
        tables=[
            Table(
                "shares",
                "Score by share of features",
                [
                    "features",
                    "share (%)",
                    "R² of the training set",
                    "±",
                    f"R² of the {subject.judged} set",
                    "± ",
                    "the last one in",
                ],
                [
                    [
                        int(count),
                        100 * count / len(order),
                        *np.stack([m, s], axis=1).ravel().tolist(),
                        ordered[count - 1].title,
                    ]
                    for count, m, s in zip(counts, mean, spread, strict=True)
                ],
                f"Mean and standard deviation over {config.repeats} trainings. The order is that "
                f"of permutation importance in the {part} set.",
            )
        ],
        drawings=[
            Drawing(
                "shares",
                "Score by share of features",
                "R² when only so many features are kept, the most important ones first; bands are "
                "one standard deviation over trainings.",
                lambda: draw_curve(
                    100 * counts / len(order),
                    {"train": scores[..., 0], subject.judged: scores[..., 1]},
                    "features kept (%)",
                    logarithmic=False,
                ),
            )
        ],
    )


def _scores(
    subject: Subject, trainings: Sequence[Training], task: str, shape: tuple[int, ...]
) -> Array:
    """Return R² of the rows trained on and of the rows held out, of each training, (*shape, 2)."""

    def judge(model: Retrained, training: Training) -> list[float]:
        return [
            covered_variance(subject.known[rows], model.predict(model.inputs(rows)))
            for rows in (training.train, training.held)
        ]

    return np.reshape(retrain(subject, trainings, judge, task), (*shape, 2))


def draw_curve(
    places: Array | Sequence[float], curves: dict[str, Array], label: str, *, logarithmic: bool
) -> Figure:
    """Draw mean and spread of (p, repeats) scores."""
    from xreg.core.analysis import style

    figure = style.new_figure(2.8, style.WIDTH * 0.62)
    axis = figure.subplots()
    for (name, values), colour in zip(
        curves.items(), (style.TRUE_FILL, style.PREDICTED), strict=True
    ):
        mean, spread = values.mean(axis=1), values.std(axis=1)
        axis.fill_between(places, mean - spread, mean + spread, color=colour, alpha=0.25)
        axis.plot(places, mean, "o-", ms=3.5, color=colour, label=name)
    if logarithmic:
        axis.set_xscale("log")
        axis.set_xticks(places, [f"{place:,.0f}" for place in places])
        axis.minorticks_off()
    axis.set_xlabel(label)
    axis.set_ylabel("R²")
    axis.legend(loc="best")
    return figure
