"""Basis vectors of pairs of atoms in the shape of their matrix."""

from __future__ import annotations

import numpy as np

from xreg.core.interfaces import FeatureLabel
from xreg.core.testing import clusters
from xreg.plugins.coulomb.coulomb import Coulomb
from xreg.workbench.report.matrices import pair_matrix, vector_matrices


def test_a_vector_stands_where_the_coulomb_matrix_has_its_features() -> None:
    samples = clusters(3)
    component = Coulomb(counts={"S": 1, "O": 3, "H": 11}).fit(samples)
    labels = component.feature_labels
    found = pair_matrix(labels)
    assert found is not None
    names = found[0]
    assert names == [*(f"H{i}" for i in range(1, 12)), "O1", "O2", "O3", "S1"]
    vector = np.arange(1.0, len(labels) + 1)
    image = vector_matrices(np.stack([vector, -vector]), found).axes[0].images[0]
    drawn = np.asarray(image.get_array().filled(np.nan))
    for label, value in zip(labels, vector, strict=True):
        a, b = label.name[2:-1].split("–")
        assert (
            drawn[names.index(a), names.index(b)] == value == drawn[names.index(b), names.index(a)]
        )
    assert np.isnan(np.diag(drawn)).all()
    kept = pair_matrix(labels[5:])
    assert kept is not None
    assert len(kept[1]) == len(labels) - 5


def test_other_features_are_no_matrix() -> None:
    assert pair_matrix([FeatureLabel("r(O–H) long"), FeatureLabel("angle(H–O–H)")]) is None
    assert pair_matrix([FeatureLabel("C(O1–H1)"), FeatureLabel("r(O1–H2)")]) is None
    assert pair_matrix([]) is None
