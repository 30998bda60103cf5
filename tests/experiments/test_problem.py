"""Configurations made into objects, and what is refused before any work."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rankloom.experiments.config import (
    AnsatzConfig,
    ChainConfig,
    CompileConfig,
    OptimiseConfig,
    QuenchConfig,
    TargetConfig,
)
from rankloom.experiments.problem import prepare
from rankloom.experiments.toml import ConfigError, load_toml
from rankloom.quantum import brickwork_ansatz
from rankloom.tn import MPS, SpinChain

EXAMPLE = Path(__file__).parents[2] / "examples" / "compile.toml"
FOUR = CompileConfig(chain=ChainConfig(n=4))


def test_defaults_are_the_quench_of_the_demo():
    problem = prepare(FOUR)
    chain = SpinChain.heisenberg(4, j=0.25, delta=1.0)
    ansatz = brickwork_ansatz(chain, 2.0, 2, 2, "0101")
    np.testing.assert_array_equal(problem.chain.couplings, chain.couplings)
    np.testing.assert_array_equal(problem.ansatz.angles, ansatz.angles)
    assert abs(problem.start.overlap(MPS.product("0101"))) == 1
    assert problem.given is None


@pytest.mark.parametrize(
    "config, chain",
    [
        (ChainConfig("heisenberg", 3, j=(1, 2), delta=0.5), SpinChain.heisenberg(3, (1, 2), 0.5)),
        (ChainConfig("ising", 3, g=0.3), SpinChain.ising(3, 1, 0.3)),
        (ChainConfig("xyz", 3, jx=1, jy=0, jz=2, hy=3), SpinChain.xyz(3, 1, 0, 2, hy=3)),
    ],
)
def test_kinds_of_chain(config, chain):
    built = config.build(3)
    np.testing.assert_array_equal(built.couplings, chain.couplings)
    np.testing.assert_array_equal(built.fields, chain.fields)


@pytest.mark.parametrize(
    "initial, bits", [("neel", "01010"), ("zeros", "00000"), ("11001", "11001")]
)
def test_initial_states(initial, bits):
    assert QuenchConfig(initial).bits(5) == bits


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"chain": ChainConfig()}, r"\[chain\] `n`.* is missing"),
        ({"chain": ChainConfig(n=1)}, r"\[chain\] `n` must be at least 2, got 1"),
        ({"chain": ChainConfig("ising", 4, delta=1.0)}, r"\[chain\] `delta` is no parameter"),
        ({"chain": ChainConfig("xyz", 4, jx=1.0, jz=1.0)}, r"\[chain\] `jy` is missing"),
        ({"chain": ChainConfig(n=4, j=(1.0, 2.0))}, r"\[chain\] `j` must be one number or 3"),
        ({"chain": ChainConfig(n=4, j=float("nan"))}, r"\[chain\] `j` holds NaN"),
        ({"quench": QuenchConfig("010")}, r"\[quench\] `initial` must be 4 bits"),
        ({"quench": QuenchConfig("012x")}, r"\[quench\] `initial` must be 4 bits"),
        ({"quench": QuenchConfig(time=0.0)}, r"\[quench\] `time` must be a finite number"),
        ({"quench": QuenchConfig(time=float("inf"))}, r"\[quench\] `time` must be a finite"),
        ({"target": TargetConfig(steps=0)}, r"\[target\] `steps` must be at least 1"),
        ({"target": TargetConfig(max_bond=0)}, r"\[target\] `max_bond` must be at least 1"),
        ({"target": TargetConfig(cutoff=-1.0)}, r"\[target\] `cutoff` is a relative"),
        ({"target": TargetConfig(file=Path("no.h5"))}, r"\[target\] there is no file 'no\.h5'"),
        ({"target": TargetConfig(file=EXAMPLE)}, r"\[target\] .* cannot be read as an HDF5"),
        ({"ansatz": AnsatzConfig(steps=0)}, r"\[ansatz\] `steps` must be at least 1"),
        ({"optimise": OptimiseConfig(1.5)}, r"\[optimise\] `target_fidelity` must lie in"),
        ({"optimise": OptimiseConfig(float("nan"))}, r"\[optimise\] `target_fidelity`"),
        ({"optimise": OptimiseConfig(max_iterations=0)}, r"\[optimise\] `max_iterations`"),
        ({"optimise": OptimiseConfig(seed=-1)}, r"\[optimise\] `seed`"),
    ],
)
def test_refusals_name_section_and_setting(changes, message):
    with pytest.raises(ConfigError, match=message) as caught:
        prepare(replace(FOUR, **changes))
    assert "\n" not in str(caught.value)


def test_circuits_too_deep_to_contract_are_refused_at_once():
    deep = CompileConfig(chain=ChainConfig(n=60), ansatz=AnsatzConfig(steps=20))
    with pytest.raises(ConfigError, match=r"\[ansatz\] .*too deep"):
        prepare(deep)


@pytest.mark.parametrize(
    "state, n, message",
    [
        (MPS.random(5, 2, rng=0), 4, "holds a state of 5 sites, but"),
        (MPS.random(4, 2, d=3, rng=0), None, "two qubits or more"),
        (MPS.product("1"), None, "two qubits or more"),
        (MPS.product("0101") * 0.0, None, "zero vector"),
    ],
)
def test_target_files_that_cannot_be_compiled(tmp_path, state, n, message):
    file = tmp_path / "state.h5"
    state.save(file)
    config = CompileConfig(chain=ChainConfig(n=n), target=TargetConfig(file=file))
    with pytest.raises(ConfigError, match=message):
        prepare(config)


def test_target_file_tells_the_number_of_sites(tmp_path):
    state = MPS.random(5, 2, rng=0)
    state.save(tmp_path / "state.h5")
    problem = prepare(CompileConfig(target=TargetConfig(file=tmp_path / "state.h5")))
    assert problem.n == 5
    assert problem.given is not None
    assert abs(problem.given.overlap(state)) == pytest.approx(1)


def test_example_file_can_be_used():
    assert prepare(load_toml(EXAMPLE, CompileConfig)).n == 20
