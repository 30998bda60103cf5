import numpy as np
import pytest

from rankloom.tn import MPS, SpinChain
from rankloom.tn.environments import Environments, Hamiltonian

from .dense import isometry

CHAIN = SpinChain.xyz(6, 0.3, 0.7, 1.1, hx=0.2, hy=0.4)
STATE = MPS.random(6, 5, rng=0)
OPERATOR = Hamiltonian(CHAIN.mpo().tensors, STATE.tensors[0])


@pytest.mark.parametrize("center", range(6))
def test_effective_hamiltonians_are_projections_of_the_dense_one(center):
    h = CHAIN.dense()
    for sites in (1, 2):
        if center + sites > 6:
            continue
        tensors = STATE.canonicalize(center).tensors
        env = Environments(tensors, OPERATOR, center)
        effective = env.on_site(center) if sites == 1 else env.on_pair(center)
        basis = isometry(tensors, center, sites)
        m = tensors[center].shape[0] * 2
        x = np.random.default_rng(1).standard_normal((m, basis.shape[1] // m)) + 0j
        expected = basis.conj().T @ (h @ (basis @ x.reshape(-1)))
        np.testing.assert_allclose(effective(x).reshape(-1), expected, atol=1e-12)


def test_the_centre_may_wander():
    env = Environments(STATE.tensors, OPERATOR, 0)
    for k, moved in enumerate([STATE.canonicalize(j) for j in range(1, 6)]):
        env.pass_right(k, moved.tensors[k])
        fresh = Environments(moved.tensors, OPERATOR, k + 1)
        np.testing.assert_allclose(env.left[k + 1], fresh.left[k + 1], atol=1e-12)
    for k in range(5, 0, -1):
        moved = STATE.canonicalize(5).canonicalize(k - 1)
        env.pass_left(k, moved.tensors[k])
        fresh = Environments(moved.tensors, OPERATOR, k - 1)
        np.testing.assert_allclose(env.right[k], fresh.right[k], atol=1e-12)


def test_on_a_bond_it_is_the_energy_of_the_whole():
    center = 3
    tensors = list(STATE.canonicalize(center).tensors)
    q, c = np.linalg.qr(tensors[center].reshape(-1, tensors[center].shape[2]))
    env = Environments(tensors, OPERATOR, center)
    env.pass_right(center, q.reshape(*tensors[center].shape[:2], -1))
    energy = np.vdot(c, env.on_bond(center + 1)(c))
    assert energy == pytest.approx(STATE.expectation(CHAIN.mpo()), abs=1e-12)
