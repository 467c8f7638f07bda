"""Figures of a report as a reader sees them: ticks, counts and captions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from xreg.core.analysis import style
from xreg.core.analysis.curves import draw_curve
from xreg.core.analysis.results import PartResult
from xreg.core.analysis.scores import part_scores
from xreg.core.data.dataset import Metadata
from xreg.core.model.domain import Target
from xreg.plugins.validation.spectrum_error import draw_intervals
from xreg.plugins.xanes.relative_error import draw_by_energy, draw_examples
from xreg.workbench.report import spectra, structure
from xreg.workbench.report.draw import draw_all
from xreg.workbench.report.page import render
from xreg.workbench.report.report_data import Decomposition, ReportData, Sweep

# The emission of water, an L edge, a K edge with a tick at either end, energies relative to one.
GRIDS = {
    "h2o-xes": np.linspace(500, 531.8, 107),
    "ni-l23": np.linspace(847.7, 877.7, 51),
    "cu-k": np.linspace(9000, 9050, 51),
    "relative": np.linspace(-15, 45, 61),
}


def shown(energy: Any, n: int = 40, *, spread: bool = False) -> ReportData:
    rng = np.random.default_rng(0)
    known = np.exp(-(((energy - energy.mean() - rng.normal(size=(n, 1))) / 3) ** 2))
    guess = known + 0.02 * rng.normal(size=known.shape)
    width = np.full_like(known, 0.02) if spread else None
    result = PartResult(np.arange(n).astype(str), known, guess, width)
    parts = {part: result for part in ("train", "test")}
    sweep = Sweep(np.linspace(-1, 1, 3), known[:3])
    found = Decomposition(
        "eca",
        "eca",
        {"test": [0.5, 0.8, 0.9]},
        result.ids,
        rng.normal(size=(n, 3)),
        None,
        (0.05, 0.5, 0.95),
        [sweep] * 3,
        {},
    )
    return ReportData(
        name="try",
        dataset=Metadata(name="try", version="1.0.0"),
        target=Target("xes", energy),
        target_scaling="global",
        parts=parts,
        metrics={part: part_scores(known, guess, known.std(axis=0)) for part in parts},
        decompositions=[found],
        history=np.array([[10, 0.5, 0.34], [20, 0.19, 0.23], [60, 0.09, 0.17]]),
    )


def examples(data: ReportData) -> Any:
    result = data.parts["test"]
    error = np.linspace(1, 9, len(result.ids))
    return draw_examples(data.target.energy, result, error, [3, 20, 36], (10, 50, 90), "arb. u.")


def by_energy(data: ReportData) -> Any:
    result = data.parts["test"]
    bands = np.quantile(result.predicted - result.known, (0.05, 0.25, 0.5, 0.75, 0.95), axis=0)
    error = np.linspace(1, 9, len(result.ids))
    return draw_by_energy(data.target.energy, result, bands, error, [3, 20, 36], "arb. u.")


def ticks(figure: Any) -> list[tuple[str, Any]]:
    """Return words and place of every tick label along x that a reader sees."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure).draw()
    found = []
    for axis in figure.axes:
        low, high = sorted(axis.get_xlim())
        for tick in axis.xaxis.get_major_ticks():
            label = tick.label1
            if label.get_text() and label.get_visible() and low <= tick.get_loc() <= high:
                found.append((label.get_text(), label.get_window_extent()))
    return found


def assert_apart(figure: Any) -> None:
    for (one, place), (other, beside) in combinations(ticks(figure), 2):
        assert not place.padded(1).overlaps(beside), f"'{one}' runs into '{other}'"


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(
    "draw",
    [
        spectra.mean_spectra,
        spectra.score_distribution,
        spectra.residuals,
        lambda data: structure.spectral_response(data, data.decompositions[0]),
        examples,
        by_energy,
    ],
    ids=["means", "single", "residuals", "response", "examples", "by-energy"],
)
def test_no_tick_label_runs_into_another(draw: Callable[[ReportData], Any], grid: str) -> None:
    from xreg.core.analysis.style import styled

    with styled():
        figure = draw(shown(GRIDS[grid]))
        assert len(ticks(figure)) >= 3
        assert_apart(figure)


@pytest.mark.parametrize(
    "counts", [[60, 120, 240, 480, 840, 1200], [900, 950, 1000], [10, 100, 12_000], [5, 5.5, 6]]
)
def test_sizes_of_training_sets_are_labelled_where_there_is_room(counts: list[float]) -> None:
    from xreg.core.analysis.style import styled

    scores = np.random.default_rng(0).random((len(counts), 3))
    with styled():
        figure = draw_curve(counts, {"a": scores, "b": scores}, "spectra", logarithmic=True)
        assert ticks(figure)[0][0] == f"{counts[-1]:,.0f}"
        assert_apart(figure)


@pytest.mark.parametrize("n", [2, 3, 40])
def test_a_count_is_a_whole_number(n: int) -> None:
    figure = spectra.score_distribution(shown(GRIDS["h2o-xes"], n))
    low, high = figure.axes[0].get_ylim()
    inside = [tick for tick in figure.axes[0].get_yticks() if low <= tick <= high]
    assert len(inside) >= 2
    assert all(float(tick).is_integer() for tick in inside)


def test_standardised_spectra_are_drawn_where_the_emulator_learned_them_so(tmp_path) -> None:
    name = "score_distribution_standardised"
    data = shown(GRIDS["h2o-xes"], spread=True)
    assert name not in {p.path.stem for p in draw_all(data, tmp_path / "one")}
    data = replace(data, target_scaling="channel")
    (picture,) = [p for p in draw_all(data, tmp_path / "each") if p.path.stem == name]
    assert picture.path.stat().st_size > 10_000
    known, guess = data.parts["test"].known, data.parts["test"].predicted
    kept = known.std(axis=0) >= 0.01 * known.std(axis=0).max()
    assert 0 < kept.sum() < len(kept)
    true, found = (
        (v - known.mean(axis=0))[:, kept] / known.std(axis=0)[kept] for v in (known, guess)
    )
    about = true - true.mean(axis=1, keepdims=True)
    scores = np.sort(1 - ((found - true) ** 2).sum(axis=1) / (about**2).sum(axis=1))
    figure = spectra.score_distribution(data, standardised=True)
    titles = [axis.get_title() for axis in figure.axes[1:]]
    for title, place in zip(titles, (4, 20, 35), strict=True):  # of 40: deciles and the median
        assert f"R² = {style.r2_text(scores[place])}:" in title
    line = figure.axes[1].lines[0]
    assert np.array_equal(line.get_xdata(), data.target.energy[kept])
    assert "σ" in figure.subfigs[1].get_supylabel()


def test_shares_are_written_in_plain_numbers() -> None:
    figure = draw_intervals({"test": np.array([0, 0, 0, 0, 0, 1, 2999])})
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words == ["0", "0", "0", "0", "0", "0", "100"]
    figure = draw_intervals({"test": np.array([0, 0, 3, 0, 0, 1, 996])})
    assert [text.get_text() for text in figure.axes[0].texts][2::2] == ["0.3", "0", "99.6"]


def test_a_loss_has_plain_numbers() -> None:
    history = np.array([[10, 0.5, 0.34], [20, 0.19, 0.23], [60, 0.09, 0.17]])
    figure = spectra.learning_curve(shown(GRIDS["h2o-xes"]), history)
    figure.draw_without_rendering()
    words = {label.get_text() for label in figure.axes[0].get_yticklabels()}
    assert {"0.1", "0.2", "0.5"} <= words


def test_captions_say_what_is_drawn(tmp_path) -> None:
    for spread in (False, True):
        pictures = draw_all(shown(GRIDS["h2o-xes"], spread=spread), tmp_path / str(spread))
        captions = {picture.path.stem: picture.caption for picture in pictures}
        assert ("spread" in captions["score_distribution"]) == spread
        assert "all 40 samples" in captions["scores_eca"]
        assert "validation" in captions["learning_curve"]
    blind = replace(shown(GRIDS["h2o-xes"]), history=np.array([[1, 0.5, np.nan], [2, 0.4, np.nan]]))
    (told,) = [
        p.caption for p in draw_all(blind, tmp_path / "b") if p.path.stem == "learning_curve"
    ]
    assert "validation" not in told


def test_the_page_explains_the_columns_of_its_first_table(tmp_path) -> None:
    data = shown(GRIDS["h2o-xes"])
    page = " ".join(render(data, draw_all(data, tmp_path)).split())
    for term in ("R², raw", "R², standardised", "RMSE", "R² of single spectra", "spectrum error"):
        assert f"<dt>{term}</dt>" in page, term
        assert f"<th>{term}" in page, term
    assert "standard.<" not in page


class Judged(SimpleNamespace):
    """What an analysis asks of its context."""

    judged = "test"


def judged(at: list[float]) -> Judged:
    """Return spectra of two edges, at 8 and 20 eV, each missed most at one of some energies."""
    energy = np.linspace(0, 30, 301)
    one = 3 * np.exp(-((energy - 8) ** 2)) + np.exp(-((energy - 20) ** 2))
    known = np.repeat(one[None], len(at), axis=0)
    wrong = 0.5 * np.exp(-(((energy - np.array(at)[:, None]) / 0.3) ** 2))
    result = PartResult(np.arange(len(at)).astype(str), known, known + wrong)
    return Judged(target=Target("xas", energy), result=result)


def test_misfits_of_one_edge_are_not_told_as_two() -> None:
    """Two groups of energies, at 7 and 9 eV, both lie in L3."""
    from xreg.plugins.l_edges.misfit import MisfitAnalysis

    found = MisfitAnalysis().analyse(judged([7.0, 7.1, 9.0, 9.1, 9.2]))
    groups = found.metrics["groups"]
    assert (groups["L3"]["spectra"], groups["L2"]["spectra"]) == (5, 0)
    assert groups["L2"]["energy"] is None
    assert "r_mepd" not in found.metrics
    assert "100 % in L3, 0 % in L2" in found.text
    assert "between the two edges" in found.tables[0].caption
    assert len(found.drawings[0].draw().axes) == 2


def test_misfits_of_both_edges_are_divided_by_k_means_as_published() -> None:
    from xreg.plugins.l_edges.misfit import MisfitAnalysis

    found = MisfitAnalysis().analyse(judged([7.0, 8.0, 9.0, 20.0, 20.5]))
    assert found.metrics["r_mepd"] == pytest.approx(3 / 2)
    assert found.metrics["groups"]["L2"]["energy"] == pytest.approx(20.25)
    assert "k-means" in found.tables[0].caption
