"""Frequencies without bias, no line from noise, error bars that cover."""

from types import SimpleNamespace

import numpy as np
import pytest

from rankloom.quantum import Snapshots, gram, level_superposition, spectrum
from rankloom.quantum.shadows import periodogram
from rankloom.quantum.shadows.gram import Gram
from rankloom.quantum.shadows.lines import LineFit, fit_lines
from rankloom.tn import SpinChain, reference

from .shadows_oracle import random_snapshots

TIMES = np.arange(90) / 9
LOW, HIGH = 0.6, np.pi * 9


def matrix_of(signals):
    """The Gram matrix of noise-free signals (signals, T)."""
    signals = np.asarray(signals)
    none = np.empty((1, 0, len(TIMES), len(TIMES)))
    return Gram((signals.T @ signals)[None], np.ones(1), TIMES, none, len(signals), False)


def cosines(omega, phases=7):
    return [0.4 + np.cos(omega * TIMES + p) for p in np.linspace(0, 3, phases)]


@pytest.mark.parametrize("omega", [1.5, 3.3, 8.3, 0.5 * HIGH, 26.3])
def test_a_cosine_comes_back_without_bias(omega):
    """From 1.5, where the parabola is off by percents, to half Nyquist and beyond."""
    found = spectrum(matrix_of(cosines(omega)))
    assert found.peaks[0].gap == pytest.approx(omega, rel=1e-7)
    rough = spectrum(matrix_of(cosines(omega)), refine=False).peaks[0].gap
    assert abs(rough / omega - 1) > 1e-6  # leakage is what the fit removes


def test_three_lines_are_fitted_together():
    """Two of them closer than the resolution allows to see apart in one periodogram."""
    lines = [2.0, 2.9, 11.7]
    signals = [
        a * np.cos(w * TIMES + p) for w, a in ((2.0, 1), (2.9, 0.6), (11.7, 0.3)) for p in (0, 1.1)
    ]
    found = spectrum(matrix_of(signals))
    assert sorted(p.gap for p in found.peaks) == pytest.approx(lines, rel=1e-6)
    assert [p.gap for p in found.peaks] == pytest.approx([2.0, 2.9, 11.7], rel=1e-6)
    assert fit_lines(matrix_of(signals).matrix, TIMES, [2.1, 2.8, 11.6], LOW, HIGH) == (
        pytest.approx(lines, rel=1e-8)
    )


def test_the_slope_is_the_derivative_of_the_power():
    matrix = matrix_of(np.random.default_rng(0).standard_normal((20, 90))).matrix
    fit = LineFit(matrix, TIMES, [3.0, 11.0])
    for omega in (1.0, 4.4, 20.0):
        step = 1e-5
        low, high = fit.power(np.array([omega - step, omega + step]))
        assert fit.slope(omega) == pytest.approx((high - low) / (2 * step), rel=1e-6)


def test_the_quadratic_spectrum_is_the_sum_of_periodograms():
    signals = np.random.default_rng(1).standard_normal((12, 30))
    matrix, dt = signals.T @ signals, 0.3
    frequencies = periodogram.grid(30, dt, 4)
    waves = np.exp(-1j * np.outer(frequencies, dt * np.arange(30)))
    exact = (abs(waves @ signals.T) ** 2).sum(axis=1)
    np.testing.assert_allclose(periodogram.quadratic(matrix, 4), exact, rtol=1e-10)
    assert frequencies[-1] == pytest.approx(np.pi / dt)


def test_the_cross_spectrum_follows_its_definition():
    """Against loops over pairs of eigenvectors and lags, lag 0 left out."""
    signals = np.random.default_rng(2).standard_normal((9, 12))
    matrix = signals.T @ signals
    vectors = np.linalg.eigh(matrix)[1][:, ::-1][:, :3]
    table = np.zeros((24, 3, 3))
    for lag in range(1, 12):
        for a in range(3):
            for b in range(3):
                products = [vectors[m, a] * vectors[m + lag, b] for m in range(12 - lag)]
                table[lag, a, b] = np.mean(products)
    exact = np.linalg.svd(np.fft.rfft(table, axis=0), compute_uv=False)[:, 0]
    np.testing.assert_allclose(periodogram.cross_spectrum(matrix, 2, 3), exact, rtol=1e-10)


@pytest.mark.parametrize("method", ["quadratic", "svd"])
@pytest.mark.parametrize("taper", [None, "hann", 3.0])
def test_methods_and_tapers_find_the_same_line(method, taper):
    found = spectrum(matrix_of(cosines(6.1)), method, taper=taper)
    assert found.peaks[0].gap == pytest.approx(6.1, rel=1e-7)


def test_nothing_is_invented_in_white_noise():
    """200 runs at a level of 1 %: 198 silent ones are expected, 190 are asked for."""
    silent, odds = 0, []
    for seed in range(200):
        found = spectrum(gram(random_snapshots(40, 10, 6, seed=seed), 2), padding=4, rng=seed)
        silent += not found.peaks
        odds += [p.false_alarm for p in found.peaks]
    assert silent >= 190
    assert all(p <= 0.01 for p in odds)
    assert "no peak above the level of false alarms" in found.verdict


def levels(chain, chosen, times):
    """Exact states at all times of a superposition of levels, and the gap."""
    psi = level_superposition(chain, chosen).to_dense()
    energies, vectors = np.linalg.eigh(chain.dense())
    amplitudes = vectors.conj().T @ psi
    states = [vectors @ (np.exp(-1j * energies * t) * amplitudes) for t in times]
    return states, abs(energies[chosen[1]] - energies[chosen[0]])


def runs(states, times, shots, count, seed):
    """Independent experiments, measured all at once."""
    many = Snapshots.measure(states, times, shots * count, rng=seed)
    return [many.select(shots=slice(i * shots, (i + 1) * shots)) for i in range(count)]


ISING = SimpleNamespace(
    chain=SpinChain.ising(8, 1.0, 1.2),
    levels=(0, 1),
    times=0.25 * np.arange(90),
    gap=0.68931508,
    medians={10: 0.0069, 50: 0.0028, 200: 0.0018},
)
HEISENBERG = SimpleNamespace(
    chain=SpinChain.heisenberg(8, 1.0),
    levels=(0, 8),  # the S^z = 0 member of the triplet
    times=np.arange(90) / 9,
    gap=5.067213,
    medians={10: 0.024, 50: 0.0078, 200: 0.0026},
)


@pytest.mark.slow
@pytest.mark.parametrize("shots", [10, 50, 200])
@pytest.mark.parametrize("case", [ISING, HEISENBERG], ids=["Ising", "Heisenberg"])
def test_gaps_of_eight_spins(case, shots):
    """Median of 40 runs within 1.5 times what a prototype reached with the same fit."""
    states, gap = levels(case.chain, case.levels, case.times)
    assert gap == pytest.approx(case.gap, abs=1e-6)
    errors = [
        abs(spectrum(gram(s, 3), max_peaks=1).peaks[0].gap - gap)
        for s in runs(states, case.times, shots, 40, seed=shots)
    ]
    assert np.median(errors) < 1.5 * case.medians[shots]


@pytest.mark.slow
def test_error_bars_cover():
    """One standard error covers the gap in 53 to 83 of 100 runs."""
    states, gap = levels(ISING.chain, ISING.levels, ISING.times)
    inside, by_fit = 0, 0
    for snapshots in runs(states, ISING.times, 50, 100, seed=3):
        peak = spectrum(gram(snapshots, 3), max_peaks=1).peaks[0]
        inside += abs(peak.gap - gap) < peak.error
        by_fit += abs(peak.gap - gap) < peak.fit_error
    assert 53 <= inside <= 83
    assert 53 <= by_fit <= 83


def test_fewer_shots_still_find_the_gap():
    states, gap = levels(ISING.chain, ISING.levels, ISING.times)
    for snapshots in runs(states, ISING.times, 10, 3, seed=1):
        peak = spectrum(gram(snapshots, 3)).peaks[0]
        assert abs(peak.gap - gap) < 5 * peak.error
        assert peak.error < 0.05
        assert peak.snr > 5


@pytest.mark.slow
def test_one_hundred_free_fermions():
    """|E0> + |E1> of 100 spins, evolved without error; all localities up to 4."""
    from rankloom.tn import ground_state, sample

    n, g = 100, 1.2
    chain = SpinChain.ising(n, 1.0, g)
    gap = reference.ising_energies(n, g=g)[1][0]
    ground = ground_state(chain, 24, cutoff=1e-12).state
    first = particle(n, g).apply(ground, max_bond=48, cutoff=1e-12).state.normalize()
    assert first.expectation(chain.mpo()) - ground.expectation(chain.mpo()) == pytest.approx(
        gap, abs=1e-5
    )
    times, rng = np.arange(100.0), np.random.default_rng(0)
    drawn = []
    for t in times:
        psi = (ground + np.exp(-1j * gap * t) * first).normalize()
        drawn.append(sample(psi, 10, "random-pauli", rng))
    snapshots = Snapshots.stack(drawn, times)
    for k in (1, 2, 3, 4):
        found = spectrum(gram(snapshots, k))
        assert abs(found.peaks[0].gap - gap) < 0.004


def particle(n, g):
    """The operator that makes one particle of lowest energy, bond dimension 2."""
    from rankloom.tn import MPO
    from rankloom.tn.pauli import PAULI

    matrix = g * np.eye(n) - np.diag(np.ones(n - 1), -1)
    amplitudes = np.linalg.svd(matrix)[0][:, -1]
    tensors = []
    for j in range(n):
        w = np.zeros((2, 2, 2, 2))
        w[0, :, :, 0], w[1, :, :, 1] = PAULI["X"].real, PAULI["I"].real
        w[0, :, :, 1] = amplitudes[j] * PAULI["Z"].real
        tensors.append(w)
    tensors[0], tensors[-1] = tensors[0][:1], tensors[-1][..., 1:]
    return MPO(tuple(tensors))


def test_bad_input_is_named():
    good = matrix_of(cosines(3.0))
    with pytest.raises(TypeError, match="`gram` must be a Gram"):
        spectrum(good.matrix)
    with pytest.raises(ValueError, match="`method` must be one of quadratic, svd"):
        spectrum(good, "music")
    with pytest.raises(ValueError, match="8 or more"):
        spectrum(gram(random_snapshots(5, 4, 2), 1))
    with pytest.raises(ValueError, match="needs at least 999 `draws`"):
        spectrum(good, false_alarm=0.001)
    with pytest.raises(ValueError, match="`taper` = 'hamming'"):
        spectrum(good, taper="hamming")
    with pytest.raises(ValueError, match="0 <= alpha T < 50"):
        spectrum(good, taper=100.0)
    with pytest.raises(ValueError, match=r"`min_frequency` = 99"):
        spectrum(good, min_frequency=99.0)
