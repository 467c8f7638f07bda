"""The descriptor ``soap``."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from xreg.core.data.samples import Structures
from xreg.core.errors import ConfigError, SampleError
from xreg.core.testing import DescriptorSuite, clusters, crystals
from xreg.plugins.acsf.acsf import ACSF
from xreg.plugins.soap.properties import weigh
from xreg.plugins.soap.soap import SOAP


class TestSOAP(DescriptorSuite):
    component = SOAP
    settings = {"n_max": 4, "l_max": 3, "cutoff": 4.0}


class TestCompressedSOAP(DescriptorSuite):
    """Two radii, three weights, square roots: what the copper K edge likes."""

    component = SOAP
    settings = {
        "n_max": 3,
        "l_max": 2,
        "cutoff": (5.0, 3.6),
        "sigma": (0.4, 0.25),
        "compression": "mu2",
        "weights": ("one", "electronegativity", {"H": 0.5, "O": 1.0, "S": 2.0}),
        "transform": "sqrt",
    }
    # The root of a feature that is zero by symmetry is steep there.
    tolerance = 1e-5


class TestPeriodicSOAP(DescriptorSuite):
    component = SOAP
    settings = {
        "n_max": 3,
        "l_max": 2,
        "cutoff": 5.0,
        "basis": "polynomial",
        "decay": "poly",
        "decay_r0": 5.0,
        "center_weight": 1.0,
    }

    def samples(self) -> Structures:
        return crystals()


def spectrum(component: SOAP, features: np.ndarray, a: str, b: str, degree: int) -> np.ndarray:
    """Return the matrix p_nn' that the labels say stands in the features."""
    n_max = component.config.n_max
    matrix = np.full((n_max, n_max), np.nan)
    for value, label in zip(features, component.feature_labels, strict=True):
        for n in range(1, n_max + 1):
            for m in range(1, n_max + 1):
                if label.name.startswith(f"p({a},{b}) n={n} n'={m} l={degree}"):
                    matrix[n - 1, m - 1] = value
                    if a == b:
                        matrix[m - 1, n - 1] = value
    assert np.isfinite(matrix).all()
    return matrix


def test_count_of_the_defaults() -> None:
    component = SOAP(n_max=8, l_max=8).fit(clusters())
    assert len(component.feature_labels) == 2700
    assert component.transform(clusters(1)).shape == (1, 2700)


def test_copper_recipe_count() -> None:
    properties = ("one", "Z", "electronegativity", "covalent_radius", "group", "light")
    component = SOAP(
        n_max=8, l_max=6, cutoff=(6.0, 3.6), sigma=(0.4, 0.25), compression="mu2",
        weights=properties, transform="sqrt",
    ).fit(clusters())  # fmt: skip
    assert component.transform(clusters(2)).shape == (2, 3024)
    assert len({label.block for label in component.feature_labels}) == 12


@pytest.mark.parametrize("mode", ["off", "mu1nu1", "mu2", "crossover"])
def test_labels_find_the_power_spectrum(mode: str) -> None:
    """p_nn'l of one degree is a sum of 2l+1 products c_n c_n': the rank tells l, n, n' apart."""
    samples = clusters(3)
    component = SOAP(n_max=5, l_max=2, cutoff=4.0, compression=mode).fit(samples)
    row = component.transform(samples)[1]
    for a, b, _ in component._pairs():
        for degree in (0, 1):
            if degree and "S" in (a, b):
                continue  # the only sulphur is the centre: its density has no degree 1
            values = np.linalg.svd(spectrum(component, row, a, b, degree), compute_uv=False)
            assert values[2 * degree + 1] < 1e-8 * values[0], (a, b, degree)
            if degree:
                assert values[1] > 1e-6 * values[0]


def test_labels_tell_which_element_is_first() -> None:
    """At l = 0 the rows of p(a,b) follow the coefficients of a, its columns those of b."""
    samples = clusters(3)
    component = SOAP(n_max=5, l_max=0, cutoff=4.0).fit(samples)
    row = component.transform(samples)[1]
    like = {z: np.linalg.svd(spectrum(component, row, z, z, 0))[0][:, 0] for z in "HOS"}
    left, _, right = np.linalg.svd(spectrum(component, row, "H", "O", 0))
    assert abs(left[:, 0] @ like["H"]) == pytest.approx(1, abs=1e-8)
    assert abs(right[0] @ like["O"]) == pytest.approx(1, abs=1e-8)
    assert abs(like["H"] @ like["O"]) < 0.999


def test_centred_on_the_absorber() -> None:
    atoms = Atoms("SOH", [[0, 0, 0], [1.5, 0, 0], [2.4, 0.3, 0]])
    component = SOAP(n_max=3, l_max=2, cutoff=4.0)
    at_s, at_o = (component.fit_transform(Structures.from_atoms([atoms], k))[0] for k in (0, 1))
    assert not np.allclose(at_s, at_o)
    far = atoms + Atoms("H", [[30, 0, 0]])
    np.testing.assert_allclose(component.transform(Structures.from_atoms([far], 0))[0], at_s)


def test_periodicity() -> None:
    """A primitive cell and a supercell of one crystal look alike; a cut-out molecule does not."""
    cell = bulk("NaCl", "rocksalt", a=5.64)
    samples = Structures.from_atoms([cell, cell * (2, 1, 1)], [0, 0])
    one, two = SOAP(n_max=3, l_max=2, cutoff=4.0).fit_transform(samples)
    np.testing.assert_allclose(one, two, rtol=1e-8, atol=1e-12)
    alone = SOAP(n_max=3, l_max=2, cutoff=4.0, periodic=False).fit_transform(samples)
    assert not np.allclose(alone[0], one)
    # A molecule beside a crystal in one dataset is a molecule.
    water = Atoms("OHH", [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    mixed = SOAP(n_max=3, l_max=2, cutoff=4.0, species=["H", "O", "Na", "Cl"])
    both = mixed.fit_transform(Structures.from_atoms([water, cell]))
    off = SOAP(**{**mixed.get_params(), "periodic": False})
    np.testing.assert_allclose(off.fit_transform(Structures.from_atoms([water]))[0], both[0])


def test_slab_of_two_periodic_directions() -> None:
    slab = Atoms("Na", cell=[[3, 0, 0], [0, 3, 0], [0, 0, 0]], pbc=[True, True, False])
    wide = slab * (2, 2, 1)
    component = SOAP(n_max=3, l_max=2, cutoff=4.0)
    one, four = component.fit_transform(Structures.from_atoms([slab, wide]))
    np.testing.assert_allclose(one, four, rtol=1e-8, atol=1e-12)


def test_species_given_beforehand() -> None:
    given = SOAP(n_max=2, l_max=1, species=["S", "H", "O"]).fit(clusters(1)[:1])
    assert given.symbols_ == ["H", "O", "S"]
    with pytest.raises(SampleError, match="cluster-0' contains H, S"):
        SOAP(n_max=2, l_max=1, species=["O"]).fit(clusters()).transform(clusters())


@pytest.mark.parametrize("mode", ["mu1nu1", "mu2"])
def test_compression_is_a_weighted_sum_of_the_whole(mode: str) -> None:
    """Every compressed spectrum follows from the uncompressed one (Darby et al., eq. 8 and 9)."""
    samples = clusters(3)
    weight = {"H": 0.5, "O": 1.5, "S": 2.0}
    small = {"n_max": 3, "l_max": 2, "cutoff": 4.0}
    whole = SOAP(**small).fit(samples)
    compressed = SOAP(**small, compression=mode, weights=[weight]).fit(samples)
    rows = whole.transform(samples)[1], compressed.transform(samples)[1]

    def pair(a: str, b: str, degree: int) -> np.ndarray:
        if "HOS".index(a) > "HOS".index(b):
            return spectrum(whole, rows[0], b, a, degree).T
        return spectrum(whole, rows[0], a, b, degree)

    for degree in range(3):
        sums = {a: sum(weight[a] * weight[b] * pair(a, b, degree) for b in "HOS") for a in "HOS"}
        if mode == "mu2":
            got = spectrum(compressed, rows[1], "all", "all", degree)
            np.testing.assert_allclose(got, sum(sums.values()), rtol=1e-8, atol=1e-10)
            continue
        for a, want in sums.items():
            got = spectrum(compressed, rows[1], a, "all", degree)
            np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-10)


def test_weights() -> None:
    """A weight scales an element's density: mu2 of one element grows with its square."""
    atoms = Structures.from_atoms([Atoms("O2", [[0, 0, 0], [1.2, 0, 0]])])
    one, z, light = (
        SOAP(n_max=2, l_max=1, compression="mu2", weights=[w]).fit_transform(atoms)
        for w in ("one", "Z", "light")
    )
    np.testing.assert_allclose(z, 64 * one, rtol=1e-10)
    np.testing.assert_allclose(light, one, rtol=1e-10)
    root = SOAP(n_max=2, l_max=1, compression="mu2", transform="sqrt").fit_transform(atoms)
    np.testing.assert_allclose(np.sign(root) * root**2, one, rtol=1e-10)


@pytest.mark.parametrize(
    ("number", "group"),
    [(1, 1), (2, 18), (3, 1), (4, 2), (5, 13), (10, 18), (13, 13), (21, 3), (29, 11), (30, 12),
     (31, 13), (54, 18), (57, 3), (64, 3), (71, 3), (72, 4), (79, 11), (86, 18), (92, 3),
     (118, 18)],
)  # fmt: skip
def test_groups(number: int, group: int) -> None:
    assert weigh("group", number) == group


def test_weights_without_a_number() -> None:
    neon = Structures.from_atoms([Atoms("NeO", [[0, 0, 0], [3, 0, 0]])])
    settings = {"n_max": 2, "l_max": 1, "compression": "mu2"}
    with pytest.raises(ConfigError, match="Ne has no Pauling electronegativity"):
        SOAP(**settings, weights=["electronegativity"]).fit_transform(neon)
    with pytest.raises(ConfigError, match="gives Ne no number"):
        SOAP(**settings, weights=[{"O": 1.0}]).fit_transform(neon)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"sigma": (0.5, 0.3)}, "2 values for 1 cutoff"),
        ({"cutoff": (6.0, 6.0)}, "one block twice"),
        ({"weights": ["one", "Z"]}, "need compression mu1nu1 or mu2"),
        ({"weights": ["Z", "Z"], "compression": "mu2"}, "one twice"),
        ({"cutoff": 0.9}, "cutoff"),
        ({"species": ["Xx"]}, "symbol of an element"),
        ({"species": ["O", "O"]}, "an element twice"),
        ({"compression": "mu3"}, "compression"),
    ],
)
def test_settings_refused(settings: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        SOAP(**settings)


def test_basis_that_cannot_be_made_orthonormal() -> None:
    component = SOAP(n_max=20, l_max=1, cutoff=1.5, basis="polynomial").fit(clusters(1))
    with pytest.raises(ConfigError, match="fewer radial functions"):
        component.transform(clusters(1))


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("method", [SOAP(n_max=2, l_max=1), ACSF()])
def test_atoms_far_apart_fill_no_memory(method, periodic):
    """dscribe makes a grid over all of a structure; over 10 µm that took all memory."""
    near = Atoms("FeOO", [[0, 0, 0], [1.9, 0, 0], [0, 1.9, 0]])
    far = near.copy()
    if periodic:
        far.cell, far.pbc = 1e5 * np.eye(3), True
    else:
        far.positions[2] = 1e5
    method.fit(Structures.from_atoms([near], 0))
    with pytest.raises(SampleError, match=r"'far' spreads over 1e\+05 × 1e\+05 × 1e\+05 Å"):
        method.transform(Structures.from_atoms([far], 0, ["far"]))
    long = near.copy()  # a chain is no fault
    long.positions[2] = [1e4, 0, 0]
    assert np.isfinite(method.transform(Structures.from_atoms([long], 0))).all()
