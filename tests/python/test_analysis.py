# SPDX-License-Identifier: MIT
"""Every estimator of ``pair-les analyze`` against an answer known in advance: ideal gas, lattice, dipoles, oscillator."""

from __future__ import annotations

import numpy as np
import pytest
import tolerances as tol
from pair_les.analysis.blocks import BLOCKS, BlockAverage
from pair_les.analysis.charge_structure import ChargeStructure, stillinger_lovett
from pair_les.analysis.constants import BOLTZMANN, LIGHT, WAVENUMBER
from pair_les.analysis.dipole_correlations import DipoleCorrelations
from pair_les.analysis.planar_potential import periodic_potential
from pair_les.analysis.polarization import infrared_spectrum, permittivity
from pair_les.analysis.profiles import Profiles
from pair_les.analysis.radial import RadialDistributions
from pair_les.analysis.trajectory import Snapshot
from pair_les.analysis.wavevectors import WaveVectors
from pair_les.constants import COULOMB_CONSTANT
from snapshots import STANDARD_ERRORS, filled, snapshot

TRICLINIC = np.array([[14.0, 0.0, 0.0], [2.0, 15.0, 0.0], [-3.0, 1.0, 16.0]])


def unit_vectors(rng, n: int) -> np.ndarray:
    vectors = rng.normal(size=(n, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


# ------------------------------------------------------------------------------------------------- averages


def test_blocks_of_independent_numbers():
    rng = np.random.default_rng(1)
    errors = []
    for _ in range(300):
        average = filled_average(rng.normal(2.0, 3.0, 100))
        errors.append(float(average.error()) ** 2)
    assert np.sqrt(np.mean(errors)) == pytest.approx(0.3, rel=0.1)  # 3 / sqrt(100)
    assert average.n_blocks == BLOCKS


def filled_average(values) -> BlockAverage:
    average = BlockAverage(len(values))
    for value in values:
        average.add(value)
    return average


def test_blocks_see_correlations():
    """Ten equal numbers in a row are one: the error must not shrink by sqrt(10)."""
    rng = np.random.default_rng(2)
    found = [float(filled_average(np.repeat(rng.normal(size=20), 10)).error()) ** 2 for _ in range(300)]
    assert np.sqrt(np.mean(found)) == pytest.approx(1.0 / np.sqrt(20.0), rel=0.1)


def test_weights_and_nothing_counted():
    average = BlockAverage(2)
    average.add([6.0, 0.0], [2.0, 0.0])
    average.add([4.0, 0.0], [3.0, 0.0])
    assert average.mean()[0] == pytest.approx(2.0)
    assert np.isnan(average.mean()[1])
    assert np.isnan(filled_average([1.0]).error())


# ------------------------------------------------------------------------------------------------- wave vectors


def test_fourier_sums_are_their_definition(monkeypatch):
    import pair_les.analysis.wavevectors as module

    monkeypatch.setattr(module, "CHUNK", 7000)  # several chunks of atoms
    rng = np.random.default_rng(0)
    positions = (rng.random((50, 3)) * 3.0 - 1.0) @ TRICLINIC
    weights = rng.normal(size=(2, 50))
    vectors = WaveVectors(TRICLINIC, 2.0)
    found = vectors.fourier_sums(positions, weights)
    expected = weights @ np.exp(1j * positions @ vectors.k.T)
    assert np.abs(found - expected).max() < tol.SYMMETRY
    assert np.all(vectors.length <= 2.0 + 1e-6)


def test_half_of_all_wave_vectors():
    vectors = WaveVectors(TRICLINIC, 1.5)
    steps = np.rint(vectors.k @ TRICLINIC.T / (2.0 * np.pi)).astype(int)
    both = {tuple(step) for step in np.concatenate([steps, -steps])}
    assert len(both) == 2 * len(steps)
    reach = range(-6, 7)
    grid = np.stack(np.meshgrid(reach, reach, reach), axis=-1).reshape(-1, 3)
    length = np.linalg.norm(2.0 * np.pi * grid @ np.linalg.inv(TRICLINIC).T, axis=1)
    assert len(both) == np.count_nonzero((length > 0) & (length <= 1.5))


# ------------------------------------------------------------------------------------------------- structure factor


def test_charges_of_an_ideal_gas():
    """Independent positions: S_QQ = <q^2> for every k."""
    rng = np.random.default_rng(3)
    charges = np.where(np.arange(300) % 3 == 0, 2.0, -1.0)
    frames = [snapshot(rng.random((300, 3)) * 20.0, charges) for _ in range(30)]
    structure = filled(ChargeStructure(30, 1.5, 0.1, 0.8), frames)
    found = structure.average.mean()
    counts = structure.average.weights.sum(axis=0)
    known = counts > 0
    error = 2.0 / np.sqrt(counts[known])  # |S|^2 is exponentially distributed, its error its mean
    assert np.all(np.abs(found[known] - 2.0) < STANDARD_ERRORS * error)
    exponent, scatter = structure.exponent()
    assert abs(exponent) < STANDARD_ERRORS * max(scatter, 0.05)


def test_rock_salt_has_bragg_peaks_only():
    sites = np.stack(np.meshgrid(*3 * [range(6)], indexing="ij"), axis=-1).reshape(-1, 3)
    spacing = 2.8
    charges = np.where(sites.sum(axis=1) % 2, -1.0, 1.0)
    frame = snapshot(sites * spacing, charges, cell=np.eye(3) * 6 * spacing)
    bragg = np.sqrt(3.0) * np.pi / spacing
    structure = filled(ChargeStructure(1, 2.2, 0.02, 0.8), [frame])
    (table,) = structure.tables()
    k, value = table.columns["k (1/A)"], table.columns["S_QQ (e^2)"]
    peak = np.argmin(np.abs(k - bragg))
    vectors = WaveVectors(frame.cell, 2.2)
    in_bin = np.isclose(vectors.length, k[peak], atol=1e-6)
    # the four vectors (111) of a half space have |S|^2 = N^2
    assert value[peak] * in_bin.sum() == pytest.approx(4 * len(sites), rel=1e-4)
    assert np.all(np.delete(value, peak) < 1e-6)


def test_independent_dipoles_vanish_like_k_squared():
    """Pairs of +-1 e at a distance d: S_QQ = 1 - sin(kd) / (kd), exponent 2; the ions alone: exponent 0."""
    rng = np.random.default_rng(4)
    d, frames = 0.8, []
    for _ in range(40):
        centers = rng.random((200, 3)) * 30.0
        arms = 0.5 * d * unit_vectors(rng, 200)
        frames.append(
            snapshot(
                np.concatenate([centers + arms, centers - arms]),
                np.repeat([1.0, -1.0], 200),
                cell=np.eye(3) * 30.0,
            )
        )
    structure = filled(ChargeStructure(40, 1.2, 0.1, 0.9), frames)
    (table,) = structure.tables()
    k, value = table.columns["k (1/A)"], table.columns["S_QQ (e^2)"]
    assert value == pytest.approx(1.0 - np.sin(k * d) / (k * d), rel=0.15)
    exponent, error = structure.exponent()
    assert exponent == pytest.approx(2.0, abs=0.2) and error < 0.2
    assert "exponent" in next(iter(table.facts))


def test_stillinger_lovett_is_debye_hueckel():
    """S_QQ = q^2 k^2 / (k^2 + kappa^2) with kappa^2 = 4 pi k_e rho q^2 / (k_B T): its slope for small k."""
    temperature, density, charge = 1500.0, 0.03, 0.7
    kappa_squared = 4.0 * np.pi * COULOMB_CONSTANT * density * charge**2 / (BOLTZMANN * temperature)
    assert stillinger_lovett(temperature, density) == pytest.approx(charge**2 / kappa_squared)


# ------------------------------------------------------------------------------------------------- dipoles


def dimers(rng, n: int, length: float, box: float = 24.0) -> Snapshot:
    centers = rng.random((n, 3)) * box
    arms = 0.5 * length * unit_vectors(rng, n)
    positions = np.stack([centers + arms, centers - arms], axis=1).reshape(-1, 3)
    positions += box * rng.integers(-1, 2, positions.shape)  # anywhere, also the atoms of one molecule
    return snapshot(positions, np.tile([0.5, -0.5], n), cell=np.eye(3) * box, molecules=np.arange(2 * n) // 2)


@pytest.mark.parametrize("bond_length", [None, 1.05])
def test_independent_dipoles_have_no_preferred_direction(bond_length):
    rng = np.random.default_rng(5)
    frames = [dimers(rng, 40, 1.0) for _ in range(60)]
    found = DipoleCorrelations(60, 1.0, 0.1, bond_length)
    if bond_length is not None:
        # molecules from distances need a first frame in which they do not touch
        grid = np.stack(np.meshgrid(range(4), range(5), range(2)), axis=-1).reshape(-1, 3) * 4.5
        first = np.stack([grid + [0.5, 0, 0], grid - [0.5, 0, 0]], axis=1).reshape(-1, 3)
        start = snapshot(first, np.tile([0.5, -0.5], 40), cell=np.eye(3) * 24.0)
        from pair_les.analysis.molecules import Molecules, find_molecules

        number = find_molecules(start, bond_length)
        assert np.array_equal(number, np.arange(80) // 2)
        found.molecules = Molecules(number)
    (table,) = filled(found, frames).tables()
    assert float(found.square.mean()) == pytest.approx(0.25, rel=1e-4)
    counts = found.longitudinal.weights.sum(axis=0)
    known = counts > 0
    error = (0.25 / 3.0) / np.sqrt(counts[known])
    for name in ("longitudinal (e^2 A^2)", "transverse (e^2 A^2)"):
        assert np.all(np.abs(table.columns[name] - 0.25 / 3.0) < STANDARD_ERRORS * error), name
    assert table.facts["rms dipole of a molecule"].startswith("0.5")


def test_permittivity_of_independent_molecules():
    """<M^2> = N mu^2: epsilon = eps + 4 pi k_e eps N mu^2 / (3 V k_B T), wherever the atoms of a molecule are."""
    rng, n, eps, temperature = np.random.default_rng(9), 40, 1.5, 300.0
    found = filled(
        DipoleCorrelations(400, 0.3, 0.1, None, temperature, eps), [dimers(rng, n, 1.0) for _ in range(400)]
    )
    expected = eps + 4.0 * np.pi * COULOMB_CONSTANT * eps * n * 0.25 / (
        3.0 * 24.0**3 * BOLTZMANN * temperature
    )
    (table,) = found.tables()
    value, error = (float(part) for part in table.facts["permittivity from molecular dipoles"].split("+-"))
    assert abs(value - expected) < STANDARD_ERRORS * error and error < 0.2 * expected


def test_a_longitudinal_wave_of_dipoles():
    """mu_z = cos(k z): all of it is longitudinal at that k, N/4 per molecule and squared dipole."""
    box, n = 20.0, 40
    k = 2.0 * np.pi / box
    rng = np.random.default_rng(6)
    heights = np.arange(n) * box / n
    centers = np.stack([rng.random(n) * box, rng.random(n) * box, heights], axis=-1)
    arms = 0.5 * np.cos(k * heights)[:, None] * [0.0, 0.0, 1.0]
    positions = np.stack([centers + arms, centers - arms], axis=1).reshape(-1, 3)
    frame = snapshot(positions, np.tile([1.0, -1.0], n), molecules=np.arange(2 * n) // 2)
    estimator = filled(DipoleCorrelations(1, 1.01 * k, 0.01, None), [frame])
    vectors = WaveVectors(frame.cell, 1.01 * k)
    moments, places = estimator.molecules.dipoles(frame)
    along_z = np.flatnonzero(np.abs(vectors.k[:, 2]) > 0.5 * k)
    field = vectors.fourier_sums(places, moments.T)[:, along_z[0]]
    assert np.abs(field[2]) ** 2 / n == pytest.approx(n / 4.0, rel=1e-4)
    assert np.abs(field[:2]).max() < 1e-4
    assert np.nansum(estimator.longitudinal.sums) > n / 4.0 - 1e-3


# ------------------------------------------------------------------------------------------------- g(r), profiles


def test_radial_distribution_of_an_ideal_gas(monkeypatch):
    import pair_les.analysis.radial as module

    monkeypatch.setattr(module, "CHUNK", 170)  # several chunks
    rng = np.random.default_rng(7)
    types = np.array([1] * 300 + [2] * 100)
    frames = [snapshot(rng.random((400, 3)) @ TRICLINIC, types=types, cell=TRICLINIC) for _ in range(20)]
    estimator = filled(RadialDistributions(20, 6.0, 0.5, ["A", "B"]), frames)
    mean, expected_counts = estimator.average.mean(), estimator.average.weights.sum(axis=0)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        error = 1.0 / np.sqrt(expected_counts[i, j])
        assert np.all(np.abs(mean[i, j] - 1.0) < STANDARD_ERRORS * error), (i, j)


def test_coordination_numbers_of_rock_salt():
    sites = np.stack(np.meshgrid(*3 * [range(6)], indexing="ij"), axis=-1).reshape(-1, 3)
    types = 1 + sites.sum(axis=1) % 2
    frame = snapshot(sites * 2.8, types=types, cell=np.eye(3) * 16.8)
    estimator = filled(RadialDistributions(1, 4.5, 0.1, ["Na", "Cl"]), [frame])
    counts = estimator.average.sums[0]
    assert counts[0, 1].sum() == 108 * 6  # six Cl around each of 108 Na at 2.8 A, none at 3.96 A
    assert counts[0, 0].sum() == 108 * 12 / 2  # twelve Na at 3.96 A, each pair once
    (table,) = estimator.tables()
    assert list(table.columns)[1:] == [
        "g Na-Na", "g Na-Na error", "g Na-Cl", "g Na-Cl error", "g Cl-Cl", "g Cl-Cl error",
    ]  # fmt: skip


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_profile_of_a_layer(axis):
    """100 atoms of 0.5 e in the upper half of a leaning box, somewhere outside it."""
    rng = np.random.default_rng(8)
    s = rng.random((100, 3))
    s[:, axis] = 0.5 + 0.5 * s[:, axis]
    frame = snapshot((s + rng.integers(-2, 3, s.shape)) @ TRICLINIC, np.full(100, 0.5), cell=TRICLINIC)
    density, charge = filled(Profiles(1, axis, 2, ["Na"]), [frame]).tables()
    volume = np.linalg.det(TRICLINIC)
    assert density.columns["Na (1/A^3)"] == pytest.approx([0.0, 200.0 / volume])
    assert charge.columns["charge (e/A^3)"] == pytest.approx([0.0, 100.0 / volume])
    height = volume / np.linalg.norm(np.cross(TRICLINIC[axis - 2], TRICLINIC[axis - 1]))
    assert next(iter(density.columns.values())) == pytest.approx([0.25 * height, 0.75 * height])


def test_potential_of_a_cosine_of_charge():
    z = (np.arange(64) + 0.5) / 64 * 30.0
    k = 2.0 * np.pi * 3 / 30.0
    for sigma in (0.0, 1.3):
        expected = (
            4.0 * np.pi * COULOMB_CONSTANT * 0.01 / k**2 * np.exp(-0.5 * (k * sigma) ** 2) * np.cos(k * z)
        )
        assert periodic_potential(0.01 * np.cos(k * z), 30.0, sigma) == pytest.approx(expected, abs=1e-12)


# ------------------------------------------------------------------------------------------------- time series


def test_permittivity_of_gaussian_dipoles():
    """<M^2> = 3 sigma^2: epsilon - eps = eps 4 pi k_e sigma^2 / (V k_B T)."""
    rng = np.random.default_rng(9)
    sigma, volume, temperature, eps = 8.0, 2000.0, 300.0, 1.7
    dipole = 5.0 + sigma * rng.normal(size=(20000, 3))
    value, error = permittivity(dipole, volume, temperature, eps)
    expected = eps + eps * 4.0 * np.pi * COULOMB_CONSTANT * sigma**2 / (volume * BOLTZMANN * temperature)
    assert abs(value - expected) < STANDARD_ERRORS * error
    assert 0.0 < error < 0.05 * expected


def test_spectrum_of_an_oscillator():
    """J = A cos(w t) along x: one line at w, of area 2 pi k_e / (3 c V k_B T) A^2 / 4 over frequencies."""
    amplitude, number, interval, volume, temperature = 3.0, 1600.0, 0.001, 1500.0, 300.0
    time = interval * np.arange(40000)
    current = np.zeros((len(time), 3))
    current[:, 0] = amplitude * np.cos(2.0 * np.pi * number / WAVENUMBER * time)
    numbers, absorption = infrared_spectrum(current, interval, volume, temperature, resolution=5.0)
    assert numbers[np.argmax(absorption)] == pytest.approx(number, abs=5.0)
    area = absorption.sum() * (numbers[1] - numbers[0]) / WAVENUMBER * 1e-8
    factor = 2.0 * np.pi * COULOMB_CONSTANT / (3.0 * LIGHT * volume * BOLTZMANN * temperature)
    assert area == pytest.approx(factor * amplitude**2 / 4.0, rel=1e-3)


def test_spectrum_of_white_noise_is_flat():
    rng = np.random.default_rng(10)
    numbers, absorption = infrared_spectrum(
        rng.normal(size=(50000, 3)), 0.001, 1000.0, 300.0, resolution=200.0
    )
    factor = 2.0 * np.pi * COULOMB_CONSTANT / (3.0 * LIGHT * 1000.0 * BOLTZMANN * 300.0)
    inner = absorption[3:-3]
    # per component int <J(0)J(t)> dt = variance * interval
    assert inner.mean() == pytest.approx(1e8 * factor * 3.0 * 0.001, rel=0.02)
    assert inner.std() < 0.2 * inner.mean()
