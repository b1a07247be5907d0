# SPDX-License-Identifier: MIT
"""Which masses contradict the elements of atom types, and which do not."""

import pytest
from ase.data import atomic_masses, chemical_symbols

core = pytest.importorskip("pair_les._core", reason="the C++ core is not built: type 'pip install .'")

ACCEPTED = {
    "standard": ("O H", [15.999, 1.008]),
    "rounded": ("O H Cl", [16.0, 1.0, 35.5]),
    "deuterium and tritium": ("O H H", [15.999, 2.014, 3.016]),
    "isotopes": ("C N O Li U", [13.003, 15.0, 17.999, 6.015, 235.04]),
    "hydrogen mass repartitioning, 3.024": ("C H O", [5.963, 3.024, 15.999]),
    "hydrogen mass repartitioning of water to the mass of carbon": ("O H", [12.015, 3.0]),
    "hydrogen mass repartitioning, 4.032": ("C N H", [8.987, 10.983, 4.032]),
    "placeholders of 1": ("O H", [1.0, 1.0]),
    "placeholders of 16": ("H O", [16.0, 16.0]),
    "placeholder of one element": ("Cu", [1.0]),
    "fictitious masses": ("O H", [15.999, 1.0e8]),
    "two types of one element": ("H H O", [1.008, 2.014, 15.999]),
    "elements within rounding": ("Co Ni", [58.933, 58.693]),
    "rounded, and another element within rounding": ("Ca", [40.0]),
    "no chemical symbols": ("W1 W2", [15.999, 1.008]),
}

REFUSED = {
    "wrong order": ("H O", [15.999, 1.008], 1, "O"),
    "wrong order, rounded": ("H O", [16.0, 1.0], 1, "O"),
    "wrong order with deuterium": ("H O", [15.999, 2.014], 1, "O"),
    "only the second": ("Na Na Cl", [22.99, 35.45, 35.45], 2, "Cl"),
    "element that the model does not have": ("O H", [12.011, 1.008], 1, "C"),
    "neighbors in the periodic table": ("N O", [15.999, 14.007], 1, "O"),
    "elements within rounding": ("Ni Co", [58.933, 58.693], 1, "Co"),
    "one mass of another element for all": ("Si Si", [12.011, 12.011], 1, "C"),
}


@pytest.mark.parametrize(("elements", "masses"), ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(elements, masses):
    assert core.mass_contradiction(elements.split(), masses) == (0, 0.0, "")


@pytest.mark.parametrize(("elements", "masses", "kind", "other"), REFUSED.values(), ids=REFUSED)
def test_refused(elements, masses, kind, other):
    assert core.mass_contradiction(elements.split(), masses) == (kind, masses[kind - 1], other)


def test_every_element_is_told_from_every_other_one():
    """Both orders of every pair, with standard weights, up to Pu."""
    known = list(zip(chemical_symbols[1:95], atomic_masses[1:95], strict=True))
    wrong = []
    for one, mass in known:
        for other, other_mass in known:
            if one == other:
                continue
            assert core.mass_contradiction([one, other], [mass, other_mass])[0] == 0, (one, other)
            if core.mass_contradiction([other, one], [mass, other_mass])[0] == 0:
                wrong.append({one, other})
    # 4.0026 may be a hydrogen of repartitioned mass, and Bi and Po have one mass
    assert [pair for pair in wrong if pair not in ({"H", "He"}, {"Bi", "Po"})] == []


@pytest.mark.parametrize(
    ("masses", "species", "order"),
    [
        ([15.999, 1.008], "H O", "O H"),
        ([2.014, 16.0, 12.0], "O H C", "H O C"),
        ([4.0026, 1.008], "H He", "He H"),
        ([15.999, 55.845], "H O", ""),
    ],
)
def test_the_order_that_fits(masses, species, order):
    assert core.elements_of_masses(masses, species.split()) == order.split()
