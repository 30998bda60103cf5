"""The plan of the contraction: every op once, in an order that respects the circuit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.quantum.aqc.schedule import INDEX, KIND, SITE, Op, plan

from .circuits import brickwork_bonds


def bonds_of(n, chi):
    return tuple(min(chi, 2 ** min(k, n - k)) for k in range(n + 1))


@given(data=st.data(), n=st.integers(2, 12))
def test_every_gate_and_site_is_met_once_and_in_order(data, n):
    blocks = np.array(data.draw(st.lists(st.integers(0, n - 2), max_size=25)), np.intp)
    ops = plan(n, blocks, bonds_of(n, 4)).ops
    kinds = ops[:, KIND]
    gates = [op[INDEX] for op in ops if op[KIND] in (Op.ADD_PAIR, Op.GATE, Op.ABSORB_2)]
    assert sorted(gates) == list(range(len(blocks)))
    for site in range(n):  # gates that share a site keep their order
        on_site = [k for k in gates if site in (blocks[k], blocks[k] + 1)]
        assert on_site == sorted(on_site)
    added = np.sum(kinds == Op.ADD) + 2 * np.sum(kinds == Op.ADD_PAIR)
    absorbed = np.sum(kinds == Op.ABSORB) + 2 * np.sum(kinds == Op.ABSORB_2)
    assert added == absorbed == n


@pytest.mark.parametrize("layers", [3, 5, 7, 9])
def test_brickwork_opens_one_wire_more_than_it_has_layers(layers):
    schedule = plan(50, brickwork_bonds(50, layers), bonds_of(50, 12))
    assert schedule.width == 12 * 2 ** (layers + 1)


def test_first_and_last_layers_are_fused():
    schedule = plan(50, brickwork_bonds(50, 5), bonds_of(50, 12))
    kinds = schedule.ops[:, KIND].tolist()
    assert kinds.count(Op.ADD_PAIR) == 25
    assert kinds.count(Op.ABSORB_2) == 25
    assert kinds.count(Op.GATE) == 24 + 25 + 24


def test_boundary_ends_as_a_number_and_the_middle_halves_the_work():
    schedule = plan(50, brickwork_bonds(50, 7), bonds_of(50, 12))
    assert schedule.sizes[0] == schedule.sizes[-1] == 1
    left = schedule.costs[: schedule.middle].sum() / schedule.costs.sum()
    assert left == pytest.approx(0.5, abs=0.02)
    assert np.all(np.diff(schedule.ops[schedule.ops[:, KIND] == Op.ABSORB_2, SITE]) > 0)
