"""Snapshots: checks, files, selections; single estimates with their exact variance."""

import numpy as np
import pytest

from rankloom.quantum import Snapshots, estimate_pauli
from rankloom.tn import MPS, sample

from .shadows_oracle import random_snapshots


def test_estimates_are_unbiased_with_the_exact_variance():
    """Variance of one shot: 3^j - <P>^2."""
    psi = MPS.random(4, 4, rng=0)
    snapshots = Snapshots.measure([psi], [0.0], 60_000, rng=1)
    for op, sites in [("X", 2), ("ZY", (0, 3)), ("XIZ", (1, 2, 0)), ("YZX", (3, 1, 0))]:
        value, error = estimate_pauli(snapshots, op, sites)
        exact = float(psi.expectation(op, sites))
        j = len(op.replace("I", ""))
        assert error == pytest.approx(np.sqrt((3**j - exact**2) / 60_000), rel=0.02)
        assert abs(value - exact) < 4 * error


def test_shared_bases_enter_the_error():
    """Shots of one basis are not independent for signals that it cannot see."""
    plus = np.full(8, 8**-0.5)
    values, errors = [], []
    for seed in range(300):
        snapshots = Snapshots.measure([plus], [0.0], 40, rng=seed, shots_per_basis=4)
        value, error = estimate_pauli(snapshots, "XX", (0, 1))
        values.append(value)
        errors.append(error)
    assert np.std(values) == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=0.2)
    assert np.std(values) == pytest.approx(np.sqrt((9 - 1) / 10), rel=0.2)
    one = Snapshots.measure([plus], [0.0], 4, rng=0, shots_per_basis=4)
    assert estimate_pauli(one, "X", 0).error == np.inf


def test_readout_errors_are_undone():
    psi, flip, rng = MPS.product("0010"), 0.1, np.random.default_rng(3)
    clean = Snapshots.measure([psi], [0.0], 40_000, rng)
    flipped = np.where(rng.random(clean.outcomes.shape) < flip, -1, 1) * clean.outcomes
    raw = Snapshots(clean.bases, flipped, [0.0])
    mended = Snapshots(clean.bases, flipped, [0.0], readout_error=flip)
    value, error = estimate_pauli(mended, "ZZ", (1, 2))
    assert abs(value + 1) < 4 * error
    assert estimate_pauli(raw, "ZZ", (1, 2)).value == pytest.approx(-(0.8**2), abs=0.1)


def test_files_and_selections(tmp_path):
    snapshots = random_snapshots(
        4, 6, 3, weights=np.ones, draws=lambda s: np.arange(24).reshape(s), readout_error=0.1
    )
    snapshots.save(tmp_path / "s.h5")
    back = Snapshots.load(tmp_path / "s.h5")
    for name in ("bases", "outcomes", "times", "weights", "draws", "readout_error"):
        np.testing.assert_array_equal(getattr(back, name), getattr(snapshots, name))
        assert not getattr(back, name).flags.writeable
    part = back.select(times=slice(1, 3), shots=[5, 5, 0])
    np.testing.assert_array_equal(part.outcomes, snapshots.outcomes[1:3][:, [5, 5, 0]])
    rows = np.array([[0, 1], [2, 2]])
    np.testing.assert_array_equal(
        back.select(times=slice(2), shots=rows).bases[1], snapshots.bases[1, [2, 2]]
    )
    assert repr(part) == "Snapshots(times=2, dt=0.25, shots=3, n=3)"
    assert "<table>" in back._repr_html_()
    with pytest.raises(ValueError, match="equally spaced"):
        back.select(times=[0, 1, 3])


def test_stack_keeps_the_order_of_sites():
    drawn = [sample(MPS.product("011"), 3, "Z", rng=0) for _ in range(2)]
    snapshots = Snapshots.stack(drawn, [0, 1])
    assert (snapshots.outcomes == [1, -1, -1]).all()
    vector = np.zeros(8)
    vector[3] = 1.0  # 011, site 0 slowest
    dense = Snapshots.measure([vector], [0.0], 50, rng=0)
    z = dense.bases == 2
    assert (dense.outcomes[z] == np.broadcast_to([1, -1, -1], z.shape)[z]).all()


GOOD = np.zeros((3, 2, 2), int), np.ones((3, 2, 2), int), np.arange(3.0)


@pytest.mark.parametrize(
    "change, message",
    [
        ({0: np.full((3, 2, 2), 3)}, "`bases` must hold 0, 1, 2"),
        ({1: np.zeros((3, 2, 2))}, r"`outcomes` must hold \+1 and -1"),
        ({1: np.ones((3, 2, 1))}, "one shape"),
        ({2: [0, 1, 3]}, "equally spaced and ascending, got spacings from 1 to 2"),
        ({2: [2, 1, 0]}, "equally spaced and ascending"),
        ({2: [0, 1]}, "must hold 3 finite numbers"),
        ({2: [0, np.nan, 2]}, "must hold 3 finite numbers"),
        ({3: np.ones(3)}, r"`weights` must have shape \(times, shots\) = \(3, 2\)"),
        ({3: np.full((3, 2), np.inf)}, "`weights` holds NaN or infinity"),
        ({5: 0.5}, "`readout_error` must hold probabilities"),
    ],
)
def test_snapshots_are_checked(change, message):
    arguments = [*GOOD, None, None, None]
    for position, value in change.items():
        arguments[position] = value
    with pytest.raises(ValueError, match=message):
        Snapshots(*arguments)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="has 1025 qubits"):
        Snapshots(np.zeros((1, 1, 1025), int), np.ones((1, 1, 1025), int), [0.0])
    with pytest.raises(TypeError, match="`draws` must hold int64"):
        Snapshots(*GOOD, draws=np.zeros((3, 2)))
    with pytest.raises(TypeError, match="`samples` must hold"):
        Snapshots.stack([], [])
    with pytest.raises(ValueError, match=r"2\^n amplitudes, got shape \(3,\)"):
        Snapshots.measure([np.ones(3)], [0.0], 5)
    with pytest.raises(ValueError, match="does not divide"):
        Snapshots.measure([np.ones(2)], [0.0], 5, shots_per_basis=2)
    snapshots = Snapshots(*GOOD)
    with pytest.raises(ValueError, match="needs 2 different sites"):
        estimate_pauli(snapshots, "ZZ", (1, 1))
    with pytest.raises(ValueError, match="exceeds the 3 times"):
        estimate_pauli(snapshots, "Z", 0, time_index=3)
    with pytest.raises(ValueError, match="letters I, X, Y, Z"):
        estimate_pauli(snapshots, "W", 0)
