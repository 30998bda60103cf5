"""What `rankloom compile` can be told. Each class is a section of the TOML file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import tyro

if TYPE_CHECKING:
    from rankloom.tn import SpinChain

Values: TypeAlias = float | tuple[float, ...]
"""One number for the whole chain, or one per bond or site."""

Parameter: TypeAlias = Annotated[
    Values | None, tyro.conf.arg(metavar="NUMBER [NUMBER ...]", help_behavior_hint="")
]
"""A parameter of a chain; None where the kind of chain has none, or to take its default."""

_PARAMETERS = {
    "heisenberg": ("j", "delta"),
    "xyz": ("jx", "jy", "jz", "hx", "hy", "hz"),
    "ising": ("j", "g"),
}
_NEEDED = {"xyz": ("jx", "jy", "jz")}
_PATTERNS = {"neel": "01", "zeros": "0"}


@dataclass(frozen=True)
class ChainConfig:
    """The chain, open ends, in Pauli matrices. Parameters: one number, or one per bond or site."""

    kind: Literal["heisenberg", "xyz", "ising"] = "heisenberg"
    """heisenberg: sum j (XX + YY + delta ZZ), parameters j, delta. ising: -j sum ZZ - g sum X,
    parameters j, g. xyz: couplings jx, jy, jz and fields hx, hy, hz."""
    n: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="")] = None
    """Number of sites. Needed, except where a target file tells it."""
    j: Parameter = None
    """Coupling of heisenberg (default 0.25) or ising (default 1)."""
    delta: Parameter = None
    """Anisotropy of heisenberg (default 1)."""
    g: Parameter = None
    """Transverse field of ising (default 1)."""
    jx: Parameter = None
    """XX coupling of xyz."""
    jy: Parameter = None
    """YY coupling of xyz."""
    jz: Parameter = None
    """ZZ coupling of xyz."""
    hx: Parameter = None
    """X field of xyz (default 0)."""
    hy: Parameter = None
    """Y field of xyz (default 0)."""
    hz: Parameter = None
    """Z field of xyz (default 0)."""

    def build(self, n: int) -> "SpinChain":
        """The chain on n sites.

        Raises
        ------
        ValueError
            A parameter of another kind of chain, a missing one, or values that do not fit.
        """
        from rankloom.tn import SpinChain  # imported here, so that `rankloom --help` is quick

        own = _PARAMETERS[self.kind]
        names = sorted({name for group in _PARAMETERS.values() for name in group})
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        for name in given:
            if name not in own:
                raise ValueError(
                    f"`{name}` is no parameter of the kind {self.kind!r}, whose parameters are "
                    f"{', '.join(own)}."
                )
        for name in _NEEDED.get(self.kind, ()):
            if name not in given:
                raise ValueError(
                    f"`{name}` is missing: a chain of the kind {self.kind!r} needs it."
                )
        chain: SpinChain = getattr(SpinChain, self.kind)(n, **given)
        return chain


@dataclass(frozen=True)
class QuenchConfig:
    """The evolution that makes the state."""

    initial: str = "neel"
    """Product state at time 0: bits with site 0 first, or "neel" (0101..) or "zeros" (0000..)."""
    time: float = 2.0
    """Evolution time, not 0."""

    def bits(self, n: int) -> str:
        """The initial state as n bits.

        Raises
        ------
        ValueError
            Not n bits and not a known name.
        """
        if self.initial in _PATTERNS:
            return (_PATTERNS[self.initial] * n)[:n]
        if len(self.initial) != n or set(self.initial) - {"0", "1"}:
            raise ValueError(
                f"`initial` must be {n} bits, one per site, or one of {', '.join(_PATTERNS)}; "
                f"got {self.initial!r}."
            )
        return self.initial


@dataclass(frozen=True)
class TargetConfig:
    """The state to compile: the quench in fine Trotter steps, or a file."""

    steps: int = 40
    """Trotter steps."""
    order: Literal[1, 2, 4] = 2
    """Order of the Trotter formula."""
    max_bond: int = 100
    """Largest bond dimension kept."""
    cutoff: float = 1e-10
    """Largest relative weight discarded at one cut."""
    file: Annotated[Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")] = None
    """HDF5 file of an MPS (`MPS.save`) to compile instead. Chain and quench then give no more than
    the angles from which the search starts."""


@dataclass(frozen=True)
class AnsatzConfig:
    """The circuit: the quench in a few Trotter steps, whose angles are then optimised."""

    steps: int = 2
    """Trotter steps k. With order 2, CX depth 3 (2 k + 1)."""
    order: Literal[1, 2, 4] = 2
    """Order of the Trotter formula."""


@dataclass(frozen=True)
class OptimiseConfig:
    """The search for the angles."""

    target_fidelity: Annotated[
        float | None, tyro.conf.arg(metavar="FLOAT", help_behavior_hint="")
    ] = None
    """Stop as soon as it is reached; without it, go on to convergence."""
    max_iterations: int = 1000
    """Iterations at most, of each of the two starts."""
    seed: int = 0
    """Seed of the noise on the second start."""

    def check(self) -> None:
        """Raise ValueError where a value is out of range."""
        goal = self.target_fidelity
        if goal is not None and not 0 < goal <= 1:
            raise ValueError(f"`target_fidelity` must lie in 0 < F <= 1, got {goal}.")
        if self.max_iterations < 1:
            raise ValueError(f"`max_iterations` must be at least 1, got {self.max_iterations}.")
        if self.seed < 0:
            raise ValueError(f"`seed` must not be negative, got {self.seed}.")


@dataclass(frozen=True)
class CompileConfig:
    """One compilation. Paths are relative to the folder the command is run in."""

    output: Path = Path("results/compile")
    """Folder for the results. It must not exist yet, unless --overwrite is given."""
    chain: ChainConfig = field(default_factory=ChainConfig)
    quench: QuenchConfig = field(default_factory=QuenchConfig)
    target: TargetConfig = field(default_factory=TargetConfig)
    ansatz: AnsatzConfig = field(default_factory=AnsatzConfig)
    optimise: OptimiseConfig = field(default_factory=OptimiseConfig)
