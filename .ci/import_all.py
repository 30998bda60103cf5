"""Import every module of the installed rankloom; none of them may come from a checkout."""

import pkgutil
from importlib import import_module

import rankloom

names = [module.name for module in pkgutil.walk_packages(rankloom.__path__, "rankloom.")]
for name in names:
    file = import_module(name).__file__
    if file is None or "site-packages" not in file:
        raise SystemExit(f"{name} was imported from {file}, not from the installed wheel.")
print(f"rankloom {rankloom.__version__}: {len(names)} modules imported from the wheel.")
