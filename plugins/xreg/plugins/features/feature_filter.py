"""Which columns of the descriptor the filters dropped, and which do not vary."""

from __future__ import annotations

from xreg.core.analysis.context import AnalysisContext
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces.analysis import Analysis, Findings, Table
from xreg.plugins.features.plugin import FeatureFilterConfig

__all__ = ["FeatureFilterAnalysis"]


class FeatureFilterAnalysis(Analysis[FeatureFilterConfig]):
    """List the columns left out, with the reason, and constant ones that were kept."""

    name = "feature-filter"
    Config = FeatureFilterConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """List the columns left out, with the reason, and constant ones that were kept."""
        columns = context.model.features.scaling.kept
        names = [label.title for label in context.model.features.descriptor.feature_labels]
        rows = [(column, "variance", "") for column in columns.flat]
        rows += [(column, "correlation", names[kept]) for column, kept in columns.follows.items()]
        still = sorted(set(columns.constant) & set(columns.columns.tolist()))
        rows += [(column, "none: constant, but kept", "") for column in still]
        if not rows:
            raise NotApplicableError("no feature was dropped and none is constant.")
        numbers = {
            "described": columns.described,
            "kept": len(columns.columns),
            "constant": len(columns.constant),
            "dropped_by_variance": len(columns.flat),
            "dropped_by_correlation": len(columns.follows),
        }
        return Findings(
            text=f"Of {numbers['described']:,} features {numbers['kept']:,} were kept: "
            f"{numbers['dropped_by_variance']:,} vary too little over the training set, "
            f"{numbers['dropped_by_correlation']:,} follow another one; {numbers['constant']:,} "
            "are constant.",
            metrics=numbers,
            tables=[
                Table(
                    "dropped",
                    "Features left out",
                    ["feature", "threshold", "follows"],
                    [[names[column], why, other] for column, why, other in sorted(rows)],
                    "All thresholds were applied to the training set alone; features.json of a run "
                    "lists those that were kept too.",
                )
            ],
        )
