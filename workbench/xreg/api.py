"""xreg in a notebook: datasets, runs, evaluations, predictions, fits and searches in one import.

Results are objects that a notebook shows by themselves: tables, figures, arrays. Long calls show
their progress below the cell. Nothing is printed; what whoever uses a result must know stands in
its ``remarks``. Errors are :class:`~xreg.core.errors.XregError` and say what to do.

Recipes are those of the command line: a YAML file, or the same as a dictionary.
"""

from __future__ import annotations

import logging

from xreg.workbench.notebook.calibrating import CalibrationResult
from xreg.workbench.notebook.data import datasets, export, open_dataset, plugins
from xreg.workbench.notebook.explaining import Explanation, explain
from xreg.workbench.notebook.growing import GrowResult, grow
from xreg.workbench.notebook.matching import MatchResult, match
from xreg.workbench.notebook.models import PredictedSpectra, TrainedModel
from xreg.workbench.notebook.results import (
    Evaluation,
    FitResult,
    RunResult,
    RunSeries,
    SearchResult,
)
from xreg.workbench.notebook.tables import Drawing, Figure, Table
from xreg.workbench.notebook.training import run, run_each, search
from xreg.workbench.notebook.using import calibrate, evaluate, fit, load_model, predict

__all__ = [
    "CalibrationResult",
    "Drawing",
    "Evaluation",
    "Explanation",
    "Figure",
    "FitResult",
    "GrowResult",
    "MatchResult",
    "PredictedSpectra",
    "RunResult",
    "RunSeries",
    "SearchResult",
    "Table",
    "TrainedModel",
    "calibrate",
    "datasets",
    "evaluate",
    "explain",
    "export",
    "fit",
    "grow",
    "load_model",
    "match",
    "open_dataset",
    "plugins",
    "predict",
    "run",
    "run_each",
    "search",
]

# Remarks are part of the results; without a handler, Python would print warnings of the log.
logging.getLogger("xreg").addHandler(logging.NullHandler())
