"""Low-rank structure for scientists.

===========================  ==========================================================
room                         what it holds
===========================  ==========================================================
``rankloom.tn``              matrix product states and operators, time evolution
``rankloom.decomposition``   Tucker and CP tensors and the solvers that find them
``rankloom.quantum``         circuits compiled from matrix product states, shadows
``rankloom.physics``         many-particle potentials, tensorial free cumulants
``rankloom.experiments``     configurations, runs, reports, the ``rankloom`` command
===========================  ==========================================================

A room is imported at its first use, so ``import rankloom`` alone is quick.

>>> import rankloom
>>> rankloom.tn.__name__
'rankloom.tn'
"""

from importlib import import_module
from importlib.metadata import version
from types import ModuleType

__version__ = version("rankloom")

_ROOMS = ("decomposition", "experiments", "physics", "quantum", "tn")


def __getattr__(name: str) -> ModuleType:
    if name in _ROOMS:
        return import_module(f"rankloom.{name}")
    raise AttributeError(f"module 'rankloom' has no attribute {name!r}; its rooms are {_ROOMS}.")


def __dir__() -> list[str]:
    return sorted([*globals(), *_ROOMS])
