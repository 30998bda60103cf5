"""Functional models against the published code of arXiv:2311.04829: time, memory and errors.

Theirs is an untouched checkout with the configuration it ships for this table. One epoch of it is
what its main scripts do per epoch, their evaluation left out; an epoch of ours is a sweep with
kernels learnt. Both run on one core and read the same coordinates, fold 0 of PM2.5: the centres of
the bins that the table holds. Two or three first epochs of theirs are not timed (one shows the
memory, the others warm up); they count among the epochs after which errors are taken. Errors of
theirs depend on the seed: test RMSE of CP 0.376 after all epochs with 321, 0.349 after 60 with 1.

Run: ``python benchmarks/functional_published.py --published FOLDER [--models cp tucker]
[--ranks 3] [--rounds 5] [--whole] [--seed 321]``
"""

import argparse
import ctypes
import io
import sys
import tempfile
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from common import Contender, Timing, duration, header, peer_version, table, take_turns, times
from functional_pm25 import DATA, memory_kb, model_of, pm25, prepared

from rankloom.decomposition import Matern

ADDRESS = "https://github.com/xuangu-fang/Functional-Bayesian-Tucker-Decomposition"
NEEDS = ("torch", "tensorly", "matplotlib", "tqdm", "PyYAML")
NAMES = {"cp": "CP", "tucker": "Tucker"}
ASKED = {("cp", 3): 100, ("tucker", 3): 50, ("tucker", 5): 200}
LEARNT_EVERY = 3  # sweeps of ours: they are timed so many at a time


@dataclass
class Published:
    """Their model, the settings it was built with, and the epochs it has run."""

    kind: str
    model: Any
    settings: dict[str, Any]
    epochs: int = 0

    def epoch(self) -> None:
        """The updates of one epoch, in the order of their main scripts."""
        model = self.model
        model.reset()
        for mode in range(model.nmods):
            model.msg_approx_U(mode)
            model.LDS_update(mode)
            model.post_update_U(mode)
        if self.kind == "tucker":
            model.msg_approx_gamma()
            model.post_update_gamma()
        model.msg_approx_tau()
        model.post_update_tau()
        self.epochs += 1

    def errors(self) -> tuple[float, float]:
        """RMSE and MAE of the test part, by their own prediction."""
        self.model.post_merge_U()
        found = self.model.model_test(self.model.te_ind_DISCT, self.model.te_y)[1]
        return float(found["rmse"]), float(found["MAE"])


def published(folder: Path, kind: str, rank: int, seed: int) -> Published:
    """Their model of fold 0 with the settings they ship."""
    # They import a module that numpy 2 took away, and do not use it.
    sys.modules.setdefault("numpy.lib.utils", ModuleType("numpy.lib.utils"))
    vars(np).setdefault("product", np.prod)  # a name that numpy 2 took away
    # torch keeps the meaning that their lists as indices have, and warns that it once will not.
    warnings.filterwarnings("ignore", "Using a non-tuple sequence")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))  # their modules import each other by bare names
    import model_continues_mode_tensor as theirs
    import torch
    import utils_continues as tools
    import yaml

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    text = (folder / "config" / f"config_beijing_PM25_{NAMES[kind]}.yaml").read_text()
    with redirect_stdout(io.StringIO()):  # names the device
        settings = tools.make_hyper_dict(yaml.safe_load(text), SimpleNamespace(R_U=rank))
    if not settings["CEP_UPDATE_INNNER_MODE"]:
        raise ValueError("their settings ask for another order of updates than is timed here.")
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "pm25.npy"
        np.save(path, their_table(), allow_pickle=True)
        data = tools.make_data_dict(settings, path, fold=0)
    model = getattr(theirs, f"Continues_Mode_Tensor_{NAMES[kind]}")(settings, data)
    return Published(kind, model, settings)


def their_table() -> Any:
    """PM2.5, fold 0, as their reader wants it: bins, coordinates and the tables between them."""
    data = np.load(DATA / "funbat" / "beijing_PM25.npz")
    x, y, points, values = pm25()
    bins, test_bins = (data[f"{part}_ind_0"].astype(np.int64) for part in ("tr", "te"))
    of_bin: list[dict[int, float]] = []
    for k in range(bins.shape[1]):
        pairs = zip(np.r_[bins[:, k], test_bins[:, k]], np.r_[x[:, k], points[:, k]], strict=True)
        of_bin.append(dict(pairs))
    fold = {
        "tr_ind_DISCT": bins,
        "tr_ind_CONTI": x,
        "tr_y": y,
        "te_ind_DISCT": test_bins,
        "te_ind_CONTI": points,
        "te_y": values,
        "never_seen_test_idx": [sorted(set(o) - set(bins[:, k])) for k, o in enumerate(of_bin)],
    }
    return {
        "ndims": data["ndims"].tolist(),
        "data": [fold],
        "CONTI_2_DISCT_dicts": [{c: b for b, c in o.items()} for o in of_bin],
        "DISCT_2_CONTI_dicts": of_bin,
    }


def with_peak(work: Callable[[], Any]) -> tuple[Any, str]:
    """What the work returns, and its peak memory above that of the process before it."""
    ctypes.CDLL(None).malloc_trim(0)  # freed memory, used again, would hide the peak
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = memory_kb("VmRSS")
    found = work()
    return found, f"{(memory_kb('VmHWM') - before) / 1e3:.0f} MB"


def begun(folder: Path, kind: str, rank: int, seed: int) -> Published:
    """Theirs after its first epoch: the largest arrays exist then."""
    peer = published(folder, kind, rank, seed)
    peer.epoch()
    return peer


def compare(folder: Path, kind: str, rank: int, rounds: int, whole: bool, seed: int) -> None:
    """Print time and memory, then the errors."""
    name = f"{kind} R = {rank}"
    x, y, points, values = pm25()
    model_of(kind, rank, max_sweeps=4).fit(x[:500], y[:500])  # compiles
    found, our_memory = with_peak(lambda: prepared(kind, rank, x, y))
    peer, their_memory = with_peak(lambda: begun(folder, kind, rank, seed))
    calls = [
        Contender("theirs", peer.epoch),
        Contender("ours", lambda: [found.sweep() for _ in range(LEARNT_EVERY)]),
    ]
    timing = take_turns(calls, rounds, sample_seconds=0.5)
    ours, theirs = Timing(timing["ours"].seconds / LEARNT_EVERY), timing["theirs"]
    ratio = ours.speedup(theirs)
    asked = ASKED.get((kind, rank))
    verdict = f">= {asked}x: {'reached' if ratio[0] >= asked else 'MISSED'}" if asked else "-"
    print(f"## {name}: an epoch over {len(y):,} rows, {rounds} rounds\n")
    table(
        ["model", "theirs, an epoch", "ours, a sweep", "ratio", "asked", "memory, theirs", "ours"],
        [[name, duration(theirs.median), duration(ours.median), times(ratio), verdict,
          their_memory, our_memory]],
    )  # fmt: skip
    shipped = peer.settings["epoch"]
    while whole and peer.epochs < shipped:
        peer.epoch()
    rmse, mae = peer.errors()
    rows = [["theirs", "as shipped, not learnt", str(peer.epochs), f"{rmse:.4f}", f"{mae:.4f}"]]
    scales = peer.settings["lengthscale_list"], peer.settings["variance_list"]
    fixed = [Matern(0.5, *pair) for pair in zip(*scales, strict=True)]
    for kernels, options in (
        ("learnt", {}),
        ("as theirs, not learnt", {"kernels": fixed, "learn_kernels": False}),
    ):
        model = model_of(kind, rank, **options).fit(x, y)
        scores = model.scores(points, values)
        sweeps = str(len(model.elbo_trace_))
        rows.append(["ours", kernels, sweeps, f"{scores.rmse:.4f}", f"{scores.mae:.4f}"])
    print(f"{name}: test part of fold 0; theirs ships {shipped} epochs\n")
    table(["", "kernels", "epochs or sweeps", "RMSE", "MAE"], rows)


def main() -> None:
    """Compare where their code is at hand."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--published", type=Path, metavar="FOLDER", help=f"checkout of {ADDRESS}")
    parser.add_argument("--models", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument(
        "--ranks", nargs="+", type=int, default=[3],
        help="their Tucker model at R = 5 takes 20 to 65 s an epoch and 10.5 GB",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--whole", action="store_true",
        help="theirs runs all epochs that it ships before its errors are taken (10 minutes)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=321, help="of theirs; 321 is its default")
    arguments = parser.parse_args()
    folder = arguments.published
    if folder is None or not (folder / "model_continues_mode_tensor.py").is_file():
        print(f"skipped: clone {ADDRESS} (MIT) and name it by --published FOLDER.")
        return
    if not (DATA / "funbat").is_dir():
        print("skipped: the PM2.5 table is not at hand (RANKLOOM_DATA).")
        return
    if not all(peer_version(name) for name in NEEDS):
        return
    header("Functional models against their published code", ["numpy", "numba", "scipy", *NEEDS])
    for kind in arguments.models:
        for rank in arguments.ranks:
            compare(folder.resolve(), kind, rank, arguments.rounds, arguments.whole, arguments.seed)


if __name__ == "__main__":
    main()
