"""The Hamiltonian of a configured chain as a formula in HTML."""

from rankloom.experiments.config import ChainConfig, Values

_SUM = "Σ<sub><i>i</i></sub>"


def _at(letter: str) -> str:
    return f"{letter}<sub><i>i</i></sub>"


def _pair(letter: str) -> str:
    return f"{_at(letter)}{letter}<sub><i>i</i>+1</sub>"


def hamiltonian(chain: ChainConfig) -> str:
    """``H = ..`` with numbers, or with indexed symbols where every bond or site has its own."""
    if chain.kind == "heisenberg":
        anisotropy = _factor(chain.delta, 1.0, "Δ")
        terms = f"{_pair('X')} + {_pair('Y')} + {anisotropy}{_pair('Z')}"
        return f"<i>H</i> = {_value(chain.j, 0.25, 'J')} {_SUM} ({terms})"
    if chain.kind == "ising":
        bonds = f"{_factor(chain.j, 1.0, 'J')}{_SUM} {_pair('Z')}"
        return f"<i>H</i> = &minus;{bonds} &minus; {_factor(chain.g, 1.0, 'g')}{_SUM} {_at('X')}"
    couplings = (("X", chain.jx), ("Y", chain.jy), ("Z", chain.jz))
    fields = (("X", chain.hx), ("Y", chain.hy), ("Z", chain.hz))
    parts = [f"{_value(v, 0.0, f'J{_SUP[a]}')} {_pair(a)}" for a, v in couplings if v != 0]
    parts += [f"{_value(v, 0.0, f'h{_SUP[a]}')} {_at(a)}" for a, v in fields if v]
    return f"<i>H</i> = {_SUM} ({' + '.join(parts)})"


_SUP = {"X": "<sup>x</sup>", "Y": "<sup>y</sup>", "Z": "<sup>z</sup>"}


def _value(value: Values | None, default: float, symbol: str) -> str:
    """A number, or the symbol with an index where every bond or site has its own."""
    if isinstance(value, tuple):
        return _at(f"<i>{symbol}</i>")
    return f"{default if value is None else value:g}".replace("-", "&minus;")


def _factor(value: Values | None, default: float, symbol: str) -> str:
    text = _value(value, default, symbol)
    return "" if text == "1" else f"{text} "
