import itertools

import numpy as np
import pytest

from rankloom.tn import SpinChain
from rankloom.tn.trotter import trotter_layers


def circuit_unitary(chain, time, steps, order):
    """The dense unitary that the layers stand for."""
    n = chain.n_sites
    out = np.eye(2**n, dtype=complex)
    for layer in chain.trotter_layers(time, steps, order):
        for k, gate in zip(range(layer.parity, n - 1, 2), chain.gates(layer), strict=True):
            out = np.kron(np.kron(np.eye(2**k), gate), np.eye(2 ** (n - k - 2))) @ out
    return out


def exact_unitary(chain, time):
    energies, modes = np.linalg.eigh(chain.dense())
    return (modes * np.exp(-1j * time * energies)) @ modes.conj().T


@pytest.mark.parametrize("order", [1, 2, 4])
def test_error_falls_with_the_order(order):
    chain = SpinChain.xyz(5, 1.0, 0.6, 0.8, hx=0.4, hz=0.3)
    exact = exact_unitary(chain, 0.5)
    steps = np.array([8, 16, 32])
    errors = [np.linalg.norm(circuit_unitary(chain, 0.5, s, order) - exact, 2) for s in steps]
    slopes = np.diff(np.log(errors)) / np.diff(np.log(steps))
    np.testing.assert_allclose(slopes, -order, atol=0.2)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_half_layers_alternate_and_add_up_to_the_time(order):
    layers = trotter_layers(6, -1.3, 4, order)
    assert all(a.parity != b.parity for a, b in itertools.pairwise(layers))
    assert layers[0].parity == 0
    for parity in (0, 1):
        total = sum(layer.duration for layer in layers if layer.parity == parity)
        assert total == pytest.approx(-1.3, rel=1e-14)
    assert len(layers) == {1: 8, 2: 9, 4: 41}[order]


@pytest.mark.parametrize("order", [2, 4])
def test_even_orders_are_reversible(order):
    chain = SpinChain.xyz(4, 1.0, 0.6, 0.8, hx=0.4)
    there, back = (circuit_unitary(chain, t, 3, order) for t in (0.7, -0.7))
    np.testing.assert_allclose(back @ there, np.eye(16), atol=1e-13)


def test_two_sites_need_one_layer():
    chain = SpinChain.heisenberg(2)
    assert len(chain.trotter_layers(1.0, 5)) == 1
    np.testing.assert_allclose(
        circuit_unitary(chain, 1.0, 5, 2), exact_unitary(chain, 1.0), atol=1e-14
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((1, 1.0, 1), ValueError, "`n` must be at least 2"),
        ((4, 0, 1), ValueError, "`time` must be a finite number other than 0"),
        ((4, float("nan"), 1), ValueError, "`time`"),
        ((4, "1", 1), TypeError, "`time`"),
        ((4, 1.0, 0), ValueError, "`steps` must be at least 1"),
        ((4, 1.0, 2.0), TypeError, "`steps` must be an integer"),
        ((4, 1.0, 2, 3), ValueError, "`order` must be 1, 2 or 4, got 3"),
    ],
)
def test_bad_circuits_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        trotter_layers(*arguments)
