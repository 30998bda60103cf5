"""HDF5 files of fitted functional models (format "rankloom.functional", version 1).

Attributes ``model``, ``settings`` and ``fit`` hold the class, the constructor's arguments and the
scalars of the fit as JSON; groups ``modes/0``, ``modes/1``, .. hold nodes (J,), lam (J, R, R) and
eta (J, R); ``core`` and ``core_cov`` the posterior of the core.
"""

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from rankloom.decomposition.functional import bridge, priors, seasons
from rankloom.decomposition.functional.fitted import Posterior
from rankloom.decomposition.functional.matern import Matern
from rankloom.decomposition.functional.processes import Kernel, with_parts
from rankloom.decomposition.functional.scores import Scores
from rankloom.tn.hdf5 import reading, writing
from rankloom.tn.outcome import Outcome

if TYPE_CHECKING:
    from rankloom.decomposition.functional.estimator import FunctionalModel

_NAME, _VERSION = "rankloom.functional", 1
_PROCESSES: dict[str, Any] = {
    "Matern": Matern,
    "QuasiPeriodic": seasons.QuasiPeriodic,
    "Trend": seasons.Trend,
}
_PRIORS: dict[str, Any] = {"LogNormal": priors.LogNormal, "Gamma": priors.Gamma}
_LEFT_OUT = ("rng", "progress")  # a generator or a callable is of one session


def save(model: "FunctionalModel", post: Posterior, path: str | os.PathLike[str]) -> None:
    """Write a fitted model, whole or not at all."""
    settings = {k: v for k, v in model.get_params().items() if k not in _LEFT_OUT}
    if settings["kernels"] is not None:
        kernels = [bridge.as_kernel("kernels", kernel) for kernel in settings["kernels"]]
        settings["kernels"] = [_written(kernel) for kernel in kernels]
    fit = {
        "kernels": [_written(kernel) for kernel in post.kernels],
        "core_fixed": post.core_fixed,
        "noise": post.noise,
        "noise_fixed": post.noise_fixed,
        "center": post.center,
        "scale": post.scale,
        "dof": post.dof,
        "elbo": model.elbo_,
        "elbo_trace": model.elbo_trace_,
        "lengthscale_trace": model.lengthscale_trace_,
        "starts": model.starts_,
        "outcome": model.outcome_.name,
        "variance_factor": model.variance_factor_,
        "validation": model.validation_ and vars(model.validation_),
    }
    with writing(path, _NAME, _VERSION) as file:
        file.attrs["model"] = type(model).__name__
        file.attrs["settings"] = json.dumps(settings, default=_plain)
        file.create_dataset("fit", data=json.dumps(fit, default=_plain))
        for k, nodes in enumerate(post.nodes):
            for name, data in (("nodes", nodes), ("lam", post.lam[k]), ("eta", post.eta[k])):
                file.create_dataset(f"modes/{k}/{name}", data=data)
        file.create_dataset("core", data=post.core)
        file.create_dataset("core_cov", data=post.core_cov)


def load(cls: type["FunctionalModel"], path: str | os.PathLike[str]) -> Any:
    """Read a model of class `cls`."""
    what = "Functional models"
    with reading(path, _NAME, _VERSION, what, f"`{cls.__name__}.save`") as file:
        kind = file.attrs["model"]
        if kind != cls.__name__:
            raise ValueError(f"{str(path)!r} holds a {kind}: use `{kind}.load`.")
        settings = json.loads(file.attrs["settings"])
        fit = json.loads(file["fit"][()])
        count = len(file["modes"])
        arrays = {
            name: [np.asarray(file[f"modes/{k}/{name}"]) for k in range(count)]
            for name in ("nodes", "lam", "eta")
        }
        core, cov = np.asarray(file["core"]), np.asarray(file["core_cov"])
    if settings["kernels"] is not None:
        settings["kernels"] = [_read(kernel) for kernel in settings["kernels"]]
    make: Any = cls  # the base class has no arguments of its own
    model = make(**settings)
    model.n_features_in_ = count
    model._posterior = Posterior(
        model._algebra(count),
        arrays["nodes"],
        [_read(kernel) for kernel in fit["kernels"]],
        arrays["lam"],
        arrays["eta"],
        core,
        cov,
        fit["core_fixed"],
        tuple(fit["noise"]),
        fit["noise_fixed"],
        fit["center"],
        fit["scale"],
        fit.get("dof"),  # files of the first versions know normal noise only
    )
    model.elbo_, model.elbo_trace_ = fit["elbo"], fit["elbo_trace"]
    model.lengthscale_trace_, model.starts_ = fit["lengthscale_trace"], fit["starts"]
    model.outcome_, model.variance_factor_ = Outcome[fit["outcome"]], fit["variance_factor"]
    scores = fit.get("validation")
    model.validation_ = scores and Scores(**scores)
    return model


def _written(kernel: Kernel) -> list[dict[str, Any]]:
    out = []
    for part in kernel.parts:
        entry = {"process": type(part).__name__, **vars(part)}
        for name in ("lengthscale_prior", "variance_prior"):
            prior = entry[name]
            entry[name] = prior and {"kind": type(prior).__name__, **vars(prior)}
        out.append(entry)
    return out


def _read(parts: list[dict[str, Any]]) -> Kernel:
    found = []
    for entry in parts:
        for name in ("lengthscale_prior", "variance_prior"):
            if entry[name] is not None:
                kind = _PRIORS[entry[name].pop("kind")]
                entry[name] = kind(**entry[name])
        entry["bounds"] = tuple(entry["bounds"])
        found.append(_PROCESSES[entry.pop("process", "Matern")](**entry))
    return with_parts(found)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{value!r} cannot be written to a file; leave it out before saving.")
