"""Many trace invariants at once, and what samples say about moments and cumulants."""

from itertools import permutations, product

import numpy as np
import pytest

from rankloom.physics import TraceInvariant, estimate_invariants, laws
from rankloom.physics.freeness import contraction, trace_invariants
from rankloom.physics.freeness.permutations import cycle

from .classes_by_force import classes

RNG = np.random.default_rng(3)


def tensors(shape, count=3):
    return RNG.standard_normal((count, *shape)) + 1j * RNG.standard_normal((count, *shape))


@pytest.mark.parametrize(
    "kind, dims, n",
    [("mixed", (2, 3), 3), ("mixed", (5,), 4), ("mixed", (2, 2, 2), 3), ("pure", (2, 3, 2), 3)],
)
def test_all_classes_against_single_contractions(kind, dims, n):
    samples = tensors(dims * (2 if kind == "mixed" else 1))
    invariants = classes(len(dims), n, kind=kind, connected=False)
    found = trace_invariants(samples, invariants)
    wanted = [[t.evaluate(x) for t in invariants] for x in samples]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_the_definition_by_loops():
    """delta(j^c_x, i^c_{s_c(x)}): no symmetry in the matrix, no commuting permutations."""
    [a] = tensors((2, 2, 2, 2), 1)
    s = ((1, 2, 0), (1, 0, 2))
    total = 0
    for i in product(range(2), repeat=3):
        for k in product(range(2), repeat=3):
            term = 1
            for x in range(3):
                term = term * a[i[x], k[x], i[s[0][x]], k[s[1][x]]]
            total += term
    [[found]] = trace_invariants(a[None], [TraceInvariant(s)])
    assert abs(found - total) < 1e-12 * abs(total)


def test_local_unitaries_and_names_change_nothing():
    a = tensors((3, 2, 3, 2), 1)
    turned = laws.twirled(a[0]).sample(2, rng=0)
    invariants = [TraceInvariant(s) for s in product(permutations(range(3)), repeat=2)]
    np.testing.assert_allclose(
        trace_invariants(turned, invariants),
        np.repeat(trace_invariants(a, invariants), 2, axis=0),
        rtol=1e-10,
    )


def test_chunks_and_a_tight_budget_change_nothing(monkeypatch):
    samples = tensors((2, 2, 2, 2), 5)
    invariants = classes(2, 4, kind="mixed", connected=True)
    wanted = trace_invariants(samples, invariants)
    monkeypatch.setattr(contraction, "_KEPT", 1.0)  # one sample at a time, nothing remembered
    np.testing.assert_allclose(trace_invariants(samples, invariants), wanted, rtol=1e-12)


def test_other_array_libraries(library):
    samples = tensors((2, 2, 2, 2))
    invariants = classes(2, 3, kind="mixed", connected=False)
    found = library.host(trace_invariants(library(samples), invariants))
    np.testing.assert_allclose(found, trace_invariants(samples, invariants), rtol=1e-12)
    estimate = estimate_invariants(library(samples), invariants)
    np.testing.assert_allclose(estimate.mean, found.mean(axis=0), rtol=1e-12)


def test_single_precision_stays():
    samples = RNG.standard_normal((2, 3, 3)).astype(np.float32)
    assert trace_invariants(samples, [TraceInvariant([(1, 0)])]).dtype == np.float32


def test_disconnected_invariants_are_averaged_after_the_product():
    samples = tensors((3, 3), 50)
    one, two = TraceInvariant([(0,)]), TraceInvariant([(0, 1)])
    found = estimate_invariants(samples, [one, two])
    traces = np.einsum("sii->s", samples)
    assert abs(found[two].value - np.mean(traces**2)) < 1e-12
    assert abs(found[two].value - found[one].value ** 2) > 1e-3


def test_errors_and_covariance_are_those_of_a_mean():
    law = laws.wishart((2, 2), 3)
    invariants = classes(2, 2, kind="mixed", connected=False)
    found = estimate_invariants(law.sample(300, rng=1), invariants)
    np.testing.assert_allclose(np.diag(found.covariance).real, found.error**2, rtol=1e-12)
    wanted = np.cov(found.values.T) / 300  # the conjugate is on the second factor there as well
    np.testing.assert_allclose(found.covariance, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(
    "law",
    [
        laws.wishart((3, 3), 4),
        laws.gaussian(2, {(0,): 1, (0, 1): 2}, (3, 3)),
        laws.haar_state((3, 3, 3)),
    ],
    ids=["wishart", "gaussian", "pure state"],
)
def test_estimated_cumulants(law, n):
    if law.D == 3 and n == 3:
        n = 2
    invariants = classes(law.D, n, kind=law.kind, connected=False)
    found = estimate_invariants(law.sample(4000, rng=n), invariants).cumulants()
    exact = np.array([complex(law.cumulant(t)) for t in invariants])
    scale = abs(found.values).max()
    assert (abs(found.mean - exact) <= 4 * found.error + 1e-12 * scale).all()


def test_cumulants_need_all_classes():
    found = estimate_invariants(tensors((3, 3, 3, 3)), [TraceInvariant([(1, 0), (1, 0)])])
    with pytest.raises(ValueError, match="3 are missing"):
        found.cumulants()
    full = estimate_invariants(tensors((3, 3, 3, 3)), classes(2, 2, kind="mixed", connected=False))
    with pytest.raises(ValueError, match="already"):
        full.cumulants().cumulants()


def test_bootstrap_agrees_with_the_standard_error():
    law = laws.wishart((2, 2), 3)
    found = estimate_invariants(law.sample(2000, rng=1), [TraceInvariant([cycle(2)] * 2)])
    spread = found.bootstrap(resamples=2000, rng=0)
    # the spread of a standard deviation over 2000 resamples is 1.6 %
    np.testing.assert_allclose(spread.error, found.error, rtol=0.1)


def test_jackknife_removes_the_bias_of_a_square():
    """(E Tr A)^2 from a few samples, averaged over many repetitions."""
    law = laws.gue((2,))
    trace = TraceInvariant([(0,)])
    plain, corrected = [], []
    for values in law.sample(3000, rng=2).reshape(-1, 5, 2, 2):
        found = estimate_invariants(values, [trace])
        plain.append(found.mean[0].real ** 2)
        corrected.append(complex(found.jackknife(lambda mean: mean[0] ** 2).value).real)
    error = np.std(corrected) / np.sqrt(len(corrected))
    assert abs(np.mean(corrected)) < 4 * error  # E Tr A = 0
    assert np.mean(plain) > 8 * error  # Var(Tr A) / 5


def test_relative_errors_grow_with_the_order():
    law = laws.wishart((3, 3), 9)
    invariants = [TraceInvariant([cycle(n)] * 2) for n in range(1, 6)]
    errors = estimate_invariants(law.sample(2000, rng=0), invariants).relative_errors
    assert list(errors) == [1, 2, 3, 4, 5]
    assert all(errors[n] < errors[n + 1] for n in range(1, 5))


@pytest.mark.parametrize(
    "samples, invariants, error, wanted",
    [
        (np.ones((2, 2, 3)), [TraceInvariant([(0,)])], ValueError, "shape"),
        (np.ones((2, 2)), [TraceInvariant([(0,)])], ValueError, r"tensor\[None\]"),
        (np.full((1, 2, 2), np.nan), [TraceInvariant([(0,)])], ValueError, "NaN"),
        (np.ones((1, 2, 2)), [], ValueError, "empty"),
        (np.ones((1, 2, 2)), [(0,)], TypeError, "TraceInvariant"),
        (
            np.ones((1, 2, 2)),
            [TraceInvariant([(0,)]), TraceInvariant([(0,), (0,)])],
            ValueError,
            "separate calls",
        ),
    ],
)
def test_bad_input_is_named(samples, invariants, error, wanted):
    with pytest.raises(error, match=wanted):
        estimate_invariants(samples, invariants)


def test_too_much_memory_is_refused_before_any_work():
    t = TraceInvariant([cycle(3), (2, 0, 1), (0, 2, 1)])
    with pytest.raises(ValueError, match="memory"):
        trace_invariants(np.ones((1, *(4,) * 6)), [t], memory=1000)
