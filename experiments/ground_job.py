"""`rankloom ground`: the lowest states of one chain, one folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rankloom.experiments.bars import Bars
from rankloom.experiments.chain_config import GroundConfig
from rankloom.experiments.compile_job import stage, write_table
from rankloom.experiments.folders import atomic_folder, check_free, write_json
from rankloom.experiments.problem import section
from rankloom.experiments.report import Written
from rankloom.experiments.toml import ConfigError, dump_toml
from rankloom.tn import GroundState, Outcome, SpinChain, ground_state, reference

_DENSE_SITES = 10


@dataclass(frozen=True, eq=False)
class GroundRun:
    """The lowest states found, and the exact energies where they are known.

    Parameters
    ----------
    config : GroundConfig
    found : sequence of GroundState
        In the order of the search: ground state, first excited state, ..
    exact : sequence of float
        As many exact levels, ascending, of a short chain; that of the ground state alone for a
        long Ising chain; else empty.
    seconds : float
    """

    config: GroundConfig
    found: Sequence[GroundState]
    exact: Sequence[float]
    seconds: float


def run_ground(config: GroundConfig, *, overwrite: bool = False, progress: bool = False) -> Written:
    """Search for what a configuration says and write the files to ``config.output``.

    Parameters
    ----------
    config : GroundConfig
    overwrite : bool
        Replace an older result folder.
    progress : bool
        Show progress bars.

    Raises
    ------
    ConfigError
        A setting cannot be used; nothing is written.
    FileExistsError
        The folder exists, and `overwrite` is False or it is no result folder.
    """
    chain = prepare(config)
    check_free(config.output, overwrite)
    with atomic_folder(config.output, overwrite=overwrite) as folder:
        done = run(config, chain, Bars(progress))
        write(done, folder)
    ended = [(k, g.outcome) for k, g in enumerate(done.found) if g.outcome is not Outcome.CONVERGED]
    complaints = [f"NOT CONVERGED, state {k}: {outcome.value}" for k, outcome in ended]
    return Written(config.output, [], _told(done), label="Results", complaints=complaints)


def prepare(config: GroundConfig) -> SpinChain:
    """The chain, after checking every setting.

    Raises
    ------
    ConfigError
        A setting cannot be used; the message names its section.
    """
    if config.chain.n is None:
        raise ConfigError("[chain] `n`, the number of sites, is missing.")
    with section("chain"):
        chain = config.chain.build(config.chain.n)
    with section("search"):
        config.search.check()
        if config.search.states > 2**chain.n_sites:
            raise ValueError(f"`states` exceeds the {2**chain.n_sites} that there are.")
    return chain


def run(config: GroundConfig, chain: SpinChain, bars: Bars) -> GroundRun:
    """Search; nothing is written."""
    settings, seconds, found = config.search, dict[str, float](), list[GroundState]()
    with stage(seconds, "search"):
        for k in range(settings.states):
            found.append(
                ground_state(
                    chain,
                    settings.max_bond,
                    settings.cutoff,
                    sweeps=settings.sweeps,
                    tol=settings.tol,
                    orthogonal_to=[g.state for g in found],
                    rng=settings.seed,
                    progress=bars.track(f"{chain.n_sites} spins: state {k}"),
                )
            )
    return GroundRun(config, found, _exact(config, chain), seconds["search"])


def write(run: GroundRun, folder: Path) -> None:
    """Write states, tables, figures and settings into an existing folder."""
    passes: list[Any] = []
    sites: list[Any] = []
    cuts: list[Any] = []
    for k, ground in enumerate(run.found):
        ground.state.save(folder / ("state.h5" if k == 0 else f"state-{k}.h5"))
        columns = (ground.energies, ground.variances, ground.discarded, ground.bonds)
        passes += [(k, i, *row) for i, row in enumerate(zip(*map(_list, columns), strict=True), 1)]
        spins = zip(*(_list(ground.state.expectation(a)) for a in "XYZ"), strict=True)
        sites += [(k, i, *row) for i, row in enumerate(spins)]
        cuts += [(k, i, value) for i, value in enumerate(_list(ground.state.entropies()), 1)]
    head = ("state", "pass", "energy", "local_residual", "discarded", "bond")
    write_table(head, passes, folder / "passes.csv")
    write_table(("state", "site", "X", "Y", "Z"), sites, folder / "sites.csv")
    write_table(("state", "cut", "entropy"), cuts, folder / "entropies.csv")
    (folder / "config.toml").write_text(dump_toml(run.config), encoding="utf-8")
    write_json(summary(run), folder / "result.json")


def summary(run: GroundRun) -> dict[str, Any]:
    """The figures of a run, as plain data."""
    states = [
        {
            "energy": ground.energy,
            "variance": ground.variance,
            "truncation_error": ground.truncation_error,
            "bond_dimension": max(ground.state.bond_dimensions),
            "passes": len(ground.energies),
            "outcome": ground.outcome.name,
            "advice": ground.outcome.value,
            "degenerate": ground.degenerate,
        }
        for ground in run.found
    ]
    return {
        "sites": run.found[0].state.n_sites,
        **{name: states[0][name] for name in ("energy", "variance")},
        "states": states,
        "exact_energies": list(run.exact),
        "seconds": run.seconds,
    }


def _exact(config: GroundConfig, chain: SpinChain) -> list[float]:
    if chain.n_sites <= _DENSE_SITES:
        count = min(config.search.states, 2**chain.n_sites)
        return _list(reference.spectrum(chain, count)[0])
    if config.chain.kind == "ising":
        given = {name: getattr(config.chain, name) for name in ("j", "g")}
        known = {name: value for name, value in given.items() if value is not None}
        return [reference.ising_energies(chain.n_sites, **known)[0]]
    return []


def _told(run: GroundRun) -> list[str]:
    lines = []
    for k, ground in enumerate(run.found):
        name = f"state {k}" if len(run.found) > 1 else f"{ground.state.n_sites} spins"
        lines.append(f"{name}: energy {ground.energy:.12g}, variance {ground.variance:.1e}")
        if k < len(run.exact):
            lines[-1] += f", {abs(ground.energy - run.exact[k]):.0e} from the exact one"
        if ground.degenerate:
            lines[-1] += "; a second state lies as low"
    return lines


def _list(values: Any) -> list[Any]:
    return list(np.asarray(values).tolist())
