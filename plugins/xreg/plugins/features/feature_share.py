"""Score against the share of features kept, the most important first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from xreg.core.analysis.context import AnalysisContext
from xreg.core.analysis.curves import draw_curve, training_scores
from xreg.core.analysis.retraining import Training
from xreg.core.interfaces import FeatureLabel
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table
from xreg.plugins.features.importance import permutation_importance
from xreg.plugins.features.plugin import FeatureShareConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FeatureShareAnalysis"]


class FeatureShareAnalysis(Analysis[FeatureShareConfig]):
    """Train on the most important features alone, score the judged part."""

    name = "feature-share"
    Config = FeatureShareConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Train on the most important features alone, score the judged part.

        Importance is by permutation in the validation part (or the training part where there is
        none), so the judged part has no say in the order.
        """
        part = (
            "validation"
            if "validation" in context.rows and context.judged != "validation"
            else "train"
        )
        loss = permutation_importance(
            context.model.predict_features,
            context.features_of(part),
            context.known[context.rows[part]],
            [np.array([i]) for i in range(len(context.features))],
            np.ones((1, context.known.shape[1]), dtype=bool),
            repeats=self.config.permutations,
            seed=self.config.seed,
        ).mean(axis=0)[:, 0]
        order = np.argsort(-loss, kind="stable")
        counts = np.unique([max(1, round(share * len(order))) for share in self.config.shares])
        train, judged = context.rows["train"], context.rows[context.judged]
        held = context.rows.get("validation")
        trainings = [
            Training(train, judged, held, np.sort(order[:count]), self.config.seed + repeat)
            for count in counts
            for repeat in range(self.config.repeats)
        ]
        scores = training_scores(
            context, trainings, "feature share", (len(counts), self.config.repeats)
        )
        mean, spread = scores.mean(axis=1), scores.std(axis=1)
        enough = int(np.argmax(mean[:, 1] >= mean[:, 1].max() - 0.01))
        ordered = [context.features[i] for i in order]
        return Findings(
            text=f"{counts[enough]:,} of {len(order):,} features, the most important first, come "
            f"within 0.01 of the best R² of the {context.judged} set ({mean[:, 1].max():.4f}).",
            metrics={
                "features": counts,
                "share": 100 * counts / len(order),
                "train": {"mean": mean[:, 0], "std": spread[:, 0]},
                context.judged: {"mean": mean[:, 1], "std": spread[:, 1]},
                "order": [label.name for label in ordered],
                "composition": _kinds(ordered[: counts[enough]]),
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
                        f"R² of the {context.judged} set",
                        "± ",
                        "last one added",
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
                    f"Mean and standard deviation over {self.config.repeats} trainings. The order "
                    f"is that of permutation importance in the {part} set.",
                )
            ],
            drawings=[
                Drawing(
                    "shares",
                    "Score by share of features",
                    "R² if only this share of the features is kept, the most important ones first; "
                    "bands are one standard deviation over trainings.",
                    lambda: draw_curve(
                        100 * counts / len(order),
                        {"train": scores[..., 0], context.judged: scores[..., 1]},
                        "features kept (%)",
                        logarithmic=False,
                    ),
                ),
                Drawing(
                    "composition",
                    f"What the {counts[enough]:,} most important features are",
                    "Kinds of the features that come within 0.01 of the best R²: the first word of "
                    "each block (G2, G4, r …), with their number.",
                    lambda: _pie(ordered[: counts[enough]]),
                ),
            ],
        )


def _kinds(labels: Sequence[FeatureLabel]) -> dict[str, int]:
    """Return how many features are of each kind: the first word of the block."""
    words = [(label.block or label.name).replace("(", " ").split()[0] for label in labels]
    return dict(Counter(words).most_common())


def _pie(labels: Sequence[FeatureLabel]) -> Figure:
    from xreg.core.analysis import style

    kinds = _kinds(labels)
    figure = style.new_figure(2.6, style.WIDTH / 2)
    axis = figure.subplots()
    colours = [style.PALETTE[i % len(style.PALETTE)] for i in range(len(kinds))]
    axis.pie(
        list(kinds.values()),
        labels=[f"{kind}: {count}" for kind, count in kinds.items()],
        colors=colours,
        wedgeprops={"linewidth": 0.6, "edgecolor": "white"},
    )
    return figure
