"""Level schemes, Trotter steps to zero, and noise."""

import numpy as np
import pytest

from rankloom.quantum import (
    Peak,
    Snapshots,
    add_noise,
    estimate_pauli,
    extrapolate_gaps,
    level_scheme,
    level_superposition,
    shadow_spectroscopy,
    snapshot_spectroscopy,
)
from rankloom.quantum.shadows.evolution import Evolved
from rankloom.tn import MPS, SpinChain, reference


def peak(gap, error=1e-3):
    return Peak(gap, error, 10.0, 1.0, error, 0.005)


@pytest.mark.parametrize("energies", [[0, 1.1, 2.7], [0, 0.9, 2.1, 3.9], [0, 0.4]])
def test_a_scheme_is_found_from_its_differences(energies):
    energies, rng = np.array(energies), np.random.default_rng(0)
    low, high = np.triu_indices(len(energies), 1)
    order = rng.permutation(len(low))
    peaks = [peak(energies[high[k]] - energies[low[k]]) for k in order]
    found = level_scheme(peaks, len(energies))
    np.testing.assert_allclose(found.energies, energies, atol=1e-9)
    assert found.pairs == [(int(low[k]), int(high[k])) for k in order]
    assert found.chi_square < 1e-12


def test_a_scheme_weighs_its_peaks():
    """The sum of two gaps, known ten times worse, hardly moves them."""
    found = level_scheme([peak(1.0), peak(2.0), peak(3.05, 1e-2)], 3)
    assert found.energies == pytest.approx([0, 1.0, 3.0], abs=2e-3)
    assert found.chi_square == pytest.approx(0.05**2 / (1e-4 + 2e-6), rel=1e-6)
    with pytest.raises(ValueError, match="4 levels need 3 to 12 peaks, got 2"):
        level_scheme([peak(1.0)] * 2, 4)


def test_extrapolation_removes_the_trotter_shift():
    """Exact spectra of Floquet operators: the quasi-energy gap moves as the square of the step."""
    chain, steps = SpinChain.ising(4, 1.0, 1.2), np.array([0.1, 0.15, 0.2])
    exact = reference.ising_energies(4, g=1.2)[1][0]
    found = []
    for step in steps:
        starts = [MPS.from_dense(column) for column in np.eye(16)]
        runs = [Evolved(chain, s, np.array([step]), "tebd", step, cutoff=0.0) for s in starts]
        operator = np.array([next(iter(run)).to_dense() for run in runs]).T
        phases = np.sort(-np.angle(np.linalg.eigvals(operator))) / step
        found.append(peak(phases[1] - phases[0]))
    shifts = abs(np.array([p.gap for p in found]) - exact)
    assert shifts.min() > 1e-4
    assert abs(extrapolate_gaps(steps, found).gap - exact) < shifts.min() / 20
    assert abs(extrapolate_gaps(steps, found, degree=2).gap - exact) < shifts.min() / 200
    with pytest.raises(ValueError, match="more than `degree` = 3"):
        extrapolate_gaps(steps, found, degree=3)
    with pytest.raises(ValueError, match="must be different"):
        extrapolate_gaps([0.1, 0.1], found[:2])


@pytest.mark.parametrize(
    "noise, factors",
    [
        ({"depolarizing": 0.3}, {"X": 0.7, "Z": 0.7, "ZX": 0.7}),
        ({"local_depolarizing": 0.3}, {"X": 0.7, "Z": 0.7, "ZX": 0.49}),
        ({"readout": 0.1}, {"X": 0.8, "Z": 0.8, "ZX": 0.64}),
        ({"damping": 0.36}, {"X": 0.8, "Z": 1.0, "ZX": 0.8}),
    ],
    ids=lambda value: next(iter(value)),
)
def test_noise_shrinks_expectation_values_as_its_channel_does(noise, factors):
    """Of |0>|+>: Z on the first qubit, X on the second."""
    psi = np.kron([1, 0], [1, 1]) / np.sqrt(2)
    noisy = add_noise(Snapshots.measure([psi], [0.0], 40_000, rng=0), rng=1, **noise)
    for letters, factor in factors.items():
        sites = {"X": (1,), "Z": (0,), "ZX": (0, 1)}[letters]
        value, error = estimate_pauli(noisy, letters, sites)
        assert abs(value - factor) < 4.5 * error


def test_damping_pulls_towards_bit_zero():
    clean = Snapshots.measure([np.array([0, 1.0])], [0.0], 20_000, rng=0)
    value, error = estimate_pauli(add_noise(clean, damping=0.36, rng=1), "Z", 0)
    assert abs(value - (0.36 - 0.64)) < 4.5 * error


def test_a_gap_survives_noise_that_grows_with_time():
    chain, times = SpinChain.ising(6, 1.0, 1.2), 0.25 * np.arange(80)
    psi = level_superposition(chain)
    clean = shadow_spectroscopy(chain, psi, times, 60, 2, rng=0).snapshots
    noisy = add_noise(
        clean,
        depolarizing=1 - np.exp(-0.02 * times),
        local_depolarizing=1 - np.exp(-0.01 * times),
        readout=0.02,
        rng=1,
    )
    gap = snapshot_spectroscopy(noisy, 2).gaps[0]
    assert abs(gap.gap - reference.ising_energies(6, g=1.2)[1][0]) < 5 * gap.error
    with pytest.raises(ValueError, match=r"`readout` must hold probabilities 0\.\.1, one or 80"):
        add_noise(clean, readout=[0.1, 0.2])
