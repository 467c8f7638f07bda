"""All analyses. Importing this imports none of them."""

from __future__ import annotations

from collections.abc import Mapping

from xreg.core.analysis import settings, structure_settings, xanes_settings
from xreg.core.errors import UnknownNameError, did_you_mean
from xreg.core.interfaces.analysis import AnalysisSpec

__all__ = ["ANALYSES", "find_analysis"]

HOME = "xreg.core.analysis"

_SPECS = (
    AnalysisSpec(
        "spectrum-error",
        settings.SpectrumErrorConfig,
        f"{HOME}.spectrum_error:analyse",
        "How many spectra lie in which interval of the spectrum error, and which are worst.",
        needs=("spectra",),
        default=True,
    ),
    AnalysisSpec(
        "misfit",
        settings.MisfitConfig,
        f"{HOME}.misfit:analyse",
        "The largest pointwise difference of each spectrum and its energy; grouped into L3 and L2.",
        needs=("spectra", "parameters"),
        default=True,
    ),
    AnalysisSpec(
        "branching",
        settings.BranchingConfig,
        f"{HOME}.branching:analyse",
        "Ratio of L3 to L2, true and predicted, and how errors divide between both edges.",
        needs=("spectra", "parameters"),
        default=True,
    ),
    AnalysisSpec(
        "calibration",
        settings.CalibrationConfig,
        f"{HOME}.calibration:analyse",
        "Whether errors are as large as the spread that the model claims.",
    ),
    AnalysisSpec(
        "correlations",
        settings.CorrelationsConfig,
        f"{HOME}.correlations:analyse",
        "What the error goes with: parameters, labels, branching ratio, misfit, ensemble spread.",
        needs=("spectra",),
    ),
    AnalysisSpec(
        "error-along",
        settings.ErrorAlongConfig,
        f"{HOME}.error_along:analyse",
        "Error along one parameter, by a Gaussian process, and how far most spectra stay good.",
        needs=("spectra", "parameters"),
    ),
    AnalysisSpec(
        "trust",
        settings.TrustConfig,
        f"{HOME}.trusted:analyse",
        "Whether the trust that a model puts into its predictions ranks their true errors.",
        needs=("spectra", "trust"),
        default=True,
    ),
    AnalysisSpec(
        "feature-filter",
        xanes_settings.FeatureFilterConfig,
        f"{HOME}.feature_filter:analyse",
        "Which features the filters dropped and why, and which are constant.",
        needs=("features",),
        default=True,
    ),
    AnalysisSpec(
        "relative-error",
        xanes_settings.RelativeErrorConfig,
        f"{HOME}.relative_error:analyse",
        "Δμ, the relative error of absorption spectra: quartiles, by energy, examples.",
        needs=("spectra",),
    ),
    AnalysisSpec(
        "peaks",
        xanes_settings.PeaksConfig,
        f"{HOME}.peaks:analyse",
        "Prominent peaks of true and predicted spectra, matched: errors of energy and height.",
        needs=("spectra",),
    ),
    AnalysisSpec(
        "importance",
        xanes_settings.ImportanceConfig,
        f"{HOME}.importance:analyse",
        "Loss of R² when features or blocks are permuted, for the spectrum and two windows.",
        needs=("features",),
    ),
    AnalysisSpec(
        "cross-validation",
        xanes_settings.CrossValidationConfig,
        f"{HOME}.cross_validation:analyse",
        "Scores over repeated folds of everything but the test part, with their spread.",
        needs=("training",),
    ),
    AnalysisSpec(
        "learning-curve",
        xanes_settings.LearningCurveConfig,
        f"{HOME}.learning:learning_curve",
        "Score against the number of training spectra, with its spread.",
        needs=("training",),
    ),
    AnalysisSpec(
        "feature-selection",
        xanes_settings.SelectionConfig,
        f"{HOME}.selection:analyse",
        "Forward and backward selection of features or blocks, by ridge or the emulator.",
        needs=("features", "training"),
    ),
    AnalysisSpec(
        "feature-share",
        xanes_settings.FeatureShareConfig,
        f"{HOME}.learning:feature_share",
        "Score against the share of features kept, the most important first.",
        needs=("features", "training"),
    ),
    AnalysisSpec(
        "reconstruction",
        structure_settings.ReconstructionConfig,
        f"{HOME}.reconstruction:analyse",
        "Structure back from spectra by each decomposition, with its error, label by label.",
        needs=("features", "decomposer"),
    ),
    AnalysisSpec(
        "separation",
        structure_settings.SeparationConfig,
        f"{HOME}.separation:analyse",
        "How well the first scores of each decomposition tell each label of the samples.",
        needs=("features", "decomposer"),
    ),
    AnalysisSpec(
        "inversion",
        structure_settings.InversionConfig,
        f"{HOME}.inversion:analyse",
        "Where the inversion of a bijective encoder-decoder network breaks, layer by layer.",
        needs=("features", "inverse"),
    ),
)

ANALYSES: Mapping[str, AnalysisSpec] = {spec.name: spec for spec in _SPECS}


def find_analysis(name: str) -> AnalysisSpec:
    """Return the analysis of that name, or say which was probably meant."""
    if name not in ANALYSES:
        raise UnknownNameError(f"no analysis '{name}'{did_you_mean(name, ANALYSES)}.")
    return ANALYSES[name]
