"""The enumerated way: equal to the kernel and to plain loops; the filter and its blind spot."""

import itertools

import numpy as np
import pytest
from scipy.stats import chi2

from rankloom.quantum import (
    Snapshots,
    all_estimates,
    carriers,
    estimate_pauli,
    gram,
    signals,
    spectrum,
)

from .shadows_oracle import estimates, random_snapshots

RNG = np.random.default_rng(1)


@pytest.mark.parametrize("n, k, qubits", [(7, 3, None), (4, 4, None), (9, 2, [8, 0, 5])])
@pytest.mark.parametrize("weighted", [False, True])
def test_raw_signals_give_the_matrix_of_the_kernel(n, k, qubits, weighted):
    weights = RNG.choice([-1.0, 2.0], (5, 6)) if weighted else None
    snapshots = random_snapshots(5, 6, n, weights=weights, readout_error=0.03)
    found = signals(snapshots, k, standardise=False, qubits=qubits)
    kernel = gram(snapshots, k, debias=False, qubits=qubits)
    scale = np.abs(kernel.per_locality).max()
    assert np.abs(found.gram.per_locality - kernel.per_locality).max() <= 1e-12 * scale
    assert found.gram.observables == kernel.observables == found.examined.sum()


def ljung_box(x, lags):
    """Statistic of one signal by its definition."""
    y = (x - x.mean()) / x.std()
    r = [np.dot(y[:-lag], y[lag:]) / len(y) for lag in range(1, lags + 1)]
    n = len(y)
    return n * (n + 2) * sum(v**2 / (n - lag) for lag, v in enumerate(r, 1))


@pytest.mark.parametrize("lags", [1, 10])
def test_filtered_signals_follow_their_definition(lags):
    snapshots = random_snapshots(30, 12, 4, seed=2)
    found = signals(snapshots, 2, lags=lags, significance=0.1)
    for j in (1, 2):
        rows = estimates(snapshots, j).mean(axis=2)
        kept = [x for x in rows if x.std() > 0 and ljung_box(x, lags) > chi2.isf(0.1, lags)]
        exact = np.zeros((30, 30))
        for x in kept:
            y = (x - x.mean()) / x.std()
            exact += np.outer(y, y)
        assert found.kept[j - 1] == len(kept)
        np.testing.assert_allclose(found.gram.per_locality[j - 1], exact, atol=2e-3)  # float32


def test_ljung_box_agrees_with_statsmodels():
    diagnostic = pytest.importorskip("statsmodels.stats.diagnostic")
    x = np.random.default_rng(3).standard_normal(60)
    theirs = diagnostic.acorr_ljungbox(x, lags=[10])["lb_stat"].iloc[0]
    assert ljung_box(x, 10) == pytest.approx(theirs)


def rotating(omega, times, shots, seed=0):
    """One qubit that turns about z, beside two that do nothing."""
    still = np.array([1, 0, 0, 0])
    states = [np.kron(np.array([1, np.exp(-1j * omega * t)]) / np.sqrt(2), still) for t in times]
    return Snapshots.measure(states, times, shots, rng=seed)


def test_a_line_at_half_the_nyquist_frequency_survives_ten_lags_and_not_one():
    times = np.arange(64) * 0.5
    snapshots = rotating(np.pi / 2 / 0.5, times, 60)
    ten, one = (signals(snapshots, 1, lags=h, significance=1e-3) for h in (10, 1))
    assert ten.kept[0] == 2  # X and Y of the first qubit
    assert one.kept[0] == 0
    assert spectrum(ten.gram).peaks[0].gap == pytest.approx(np.pi, rel=0.01)


def test_carriers_are_named_with_amplitude_and_phase():
    """<X> = cos(w t), <Y> = -sin(w t), and Z of the others only multiplies them by one."""
    times, omega = np.arange(80) * 0.2, 1.7
    best = carriers(rotating(omega, times, 400), omega, 2, count=6)
    named = {(c.letters, c.sites): c for c in best}
    assert {("X", (0,)), ("Y", (0,)), ("XZ", (0, 1)), ("YZ", (0, 2))} <= set(named)
    for letters, phase in (("X", 0.0), ("Y", np.pi / 2)):
        carrier = named[letters, (0,)]
        assert carrier.amplitude == pytest.approx(1.0, abs=0.05)
        assert carrier.phase == pytest.approx(phase, abs=0.1)
    assert best[0].score > 100
    assert [c.score for c in best] == sorted((c.score for c in best), reverse=True)


def test_all_estimates_are_those_of_every_string():
    snapshots = random_snapshots(3, 7, 5, seed=8, readout_error=0.1)
    sites, values = all_estimates(snapshots, 2, time_index=1, qubits=[0, 2, 4])
    assert sites.tolist() == [[0, 2], [0, 4], [2, 4]]
    for where, row in zip(sites.tolist(), values, strict=True):
        for k, letters in enumerate(itertools.product("XYZ", repeat=2)):
            value, _ = estimate_pauli(snapshots, "".join(letters), where, time_index=1)
            assert row[k] == pytest.approx(value, abs=1e-12)
    with pytest.raises(ValueError, match="exceeds the 3 times"):
        all_estimates(snapshots, 2, 3)


def test_no_filter_keeps_what_is_not_constant():
    snapshots = random_snapshots(20, 10, 3, seed=4)
    found = signals(snapshots, 2, significance=None)
    rows = np.concatenate([estimates(snapshots, j).mean(axis=2) for j in (1, 2)])
    assert found.kept.sum() == (rows.std(axis=1) > 0).sum()
    np.testing.assert_allclose(np.trace(found.gram.matrix), 20 * found.kept.sum(), rtol=1e-5)
    assert repr(found) == f"Signals(kept={found.kept.sum():,} of {found.examined.sum():,})"


def test_bad_input_is_named():
    snapshots = random_snapshots(12, 4, 5)
    with pytest.raises(ValueError, match="`lags` = 12 must be below the 12 times"):
        signals(snapshots, 2, lags=12)
    with pytest.raises(ValueError, match="`significance` = 2"):
        signals(snapshots, 2, significance=2)
    with pytest.raises(ValueError, match="Use `gram`, which needs none of them"):
        signals(random_snapshots(2, 2, 200), 4)
    with pytest.raises(ValueError, match="differs between the qubits"):
        carriers(random_snapshots(9, 2, 2, readout_error=[0.0, 0.2]), 1.0, 1)
    with pytest.raises(TypeError, match="must be Snapshots"):
        signals(None, 1)
