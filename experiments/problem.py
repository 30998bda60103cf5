"""A configuration made into objects; what can be wrong is found here, before any work."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rankloom.experiments.config import CompileConfig
from rankloom.experiments.toml import ConfigError
from rankloom.quantum import Ansatz, brickwork_ansatz
from rankloom.quantum.aqc import Overlap
from rankloom.tn import MPS, SpinChain, Truncation


@dataclass(frozen=True, eq=False)
class Problem:
    """What a compilation starts from.

    Parameters
    ----------
    config : CompileConfig
    chain : SpinChain
    bits : str
        Initial product state, site 0 first.
    ansatz : Ansatz
        Circuit, with the angles of its Trotter circuit.
    given : MPS, optional
        Target that was read from a file.
    """

    config: CompileConfig
    chain: SpinChain
    bits: str
    ansatz: Ansatz
    given: MPS | None

    @property
    def n(self) -> int:
        """Number of sites and qubits."""
        return self.chain.n_sites

    @property
    def start(self) -> MPS:
        """State at time 0."""
        return MPS.product(self.bits)


def prepare(config: CompileConfig) -> Problem:
    """Build chain, ansatz and given target, and check every setting.

    Raises
    ------
    ConfigError
        A setting that cannot be used; the message names its section.
    """
    quench, target, ansatz = config.quench, config.target, config.ansatz
    with section("optimise"):
        config.optimise.check()
    with section("target"):
        given = None if target.file is None else _read(config)
        Truncation(target.max_bond, target.cutoff)
    n = config.chain.n
    if n is None:
        if given is None:
            raise ConfigError("[chain] `n`, the number of sites, is missing.")
        n = given.n_sites
    with section("chain"):
        chain = config.chain.build(n)
    with section("quench"):
        bits = quench.bits(n)
        chain.trotter_layers(quench.time, 1)
    with section("target"):
        chain.trotter_layers(quench.time, target.steps, target.order)
    with section("ansatz"):
        start = brickwork_ansatz(chain, quench.time, ansatz.steps, ansatz.order, bits)
        Overlap(MPS.product(bits), start)  # refuses circuits that are too deep for any target
    return Problem(config, chain, bits, start, given)


def _read(config: CompileConfig) -> MPS:
    assert config.target.file is not None
    state = MPS.load(config.target.file)
    if set(state.physical_dimensions) != {2} or state.n_sites < 2:
        raise ValueError(
            f"`file` holds a state of dimensions {state.physical_dimensions}: a circuit prepares "
            "two qubits or more, sites of dimension 2."
        )
    if config.chain.n not in (None, state.n_sites):
        raise ValueError(
            f"`file` holds a state of {state.n_sites} sites, but [chain] n = {config.chain.n}. "
            "Leave `n` out: the file tells it."
        )
    if not state.norm() > 0:
        raise ValueError("`file` holds the zero vector, which has no direction to prepare.")
    return state


@contextmanager
def section(name: str) -> Iterator[None]:
    """Turn what the library refuses into a `ConfigError` that names the section of the file."""
    try:
        yield
    except (ValueError, TypeError, FileNotFoundError) as err:
        raise ConfigError(f"[{name}] {err}") from err
