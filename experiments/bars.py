"""Progress bars of the command, on stderr; silent where that is no terminal."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from rankloom.quantum.aqc import Step

_WIDTH = 32
_COUNTED = "{desc} {percentage:3.0f}%|{bar:24}| {n_fmt}/{total_fmt} [{elapsed}]"
_PLAIN = "{desc} [{elapsed}]{postfix}"
_OPEN = "{desc} {n_fmt} iterations [{elapsed}]{postfix}"


@dataclass(frozen=True)
class Bars:
    """Where a command shows what it is doing.

    Parameters
    ----------
    show : bool
        False is silent.
    """

    show: bool = True

    def track(self, label: str) -> Callable[[Iterable[Any]], Iterable[Any]]:
        """A wrapper of iterables, as the library's ``progress=`` takes it."""
        return lambda items: tqdm(items, **self._settings(label, _COUNTED))

    @contextmanager
    def iterations(self, label: str) -> Iterator[Callable[[Step], None]]:
        """A callback for `compile_state`: counts iterations and shows the infidelity."""
        with tqdm(**self._settings(label, _OPEN)) as bar:

            def show(step: Step) -> None:
                bar.set_postfix_str(f"1 - F = {1 - step.fidelity:.2e}", refresh=False)
                bar.update()

            yield show

    @contextmanager
    def waiting(self, label: str, hint: str = "") -> Iterator[None]:
        """Say what goes on while nothing can be counted; `hint` is shown until it ends."""
        with tqdm(**self._settings(label, _PLAIN)) as bar:
            bar.set_postfix_str(hint)
            yield
            bar.set_postfix_str("")

    def _settings(self, label: str, form: str) -> dict[str, Any]:
        # disable=None: silent unless stderr is a terminal.
        disable = None if self.show else True
        return {"desc": f"{label:<{_WIDTH}}", "bar_format": form, "disable": disable}
