"""The recipe of an evaluation."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from xreg.core.config import setting
from xreg.workbench.recipes.load import complete
from xreg.workbench.recipes.sections import (
    AnyRecipe,
    BadPolicy,
    DatasetSection,
    Labelled,
    bad_policy,
)
from xreg.workbench.recipes.splits import SplitSection

__all__ = ["EVERYTHING", "Evaluation", "Judged"]

EVERYTHING = "all"
"""The part that stands for all samples of a dataset."""


class Judged(AnyRecipe):
    """A model, and the known spectra that it is set against."""

    model: str = setting(description="Folder of a run or model, name of a run, or name@version.")
    dataset: DatasetSection = setting(
        description="The dataset; its registry is where the model is looked for, too."
    )
    channel: str | None = setting(
        None, description="Channel with the known spectra; the model's if not given."
    )
    split: SplitSection | None = setting(
        None,
        description="The split; if not given, that of the run where the model was trained on this "
        "dataset, else default.",
    )
    part: Literal["train", "validation", "test", "all"] | None = setting(
        None, description="What is judged; test where a split is named, else all."
    )
    bad: BadPolicy = bad_policy()
    interpolate: bool = setting(
        False,
        description="Whether known spectra may be interpolated onto the energies of the model.",
    )


class Evaluation(Judged):
    """What is to be judged, on what, and how."""

    command: ClassVar[str] = "evaluate"
    home: ClassVar[str] = "analyses"

    analyses: Labelled | None = setting(
        None,
        description="The analyses, by label; those that apply and cost little if not given.",
    )

    def checked(self) -> Self:
        """Return the recipe with the settings of its analyses filled in."""
        return complete(self)
