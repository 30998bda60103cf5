"""One half of the contraction, with its tape of stored boundaries.

The tape holds either every boundary of the half or, where memory is short, those of one segment
at a time: the boundaries between segments are kept as checkpoints and a segment is run a second
time when its turn comes.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rankloom.quantum.aqc import slanted_kernels as kernels
from rankloom.quantum.aqc.schedule import Schedule

ONE = np.array([1.0, 0.0])
"""The boundary before the first step, and the adjoint after the last."""

_BYTES = 16  # a complex entry


@dataclass(frozen=True, eq=False)
class Workspace:
    """Arrays that both halves share; see `slanted_kernels` for their layout."""

    fronts: NDArray[np.complex128]
    gates: NDArray[np.complex128]
    front_bars: NDArray[np.complex128]
    densities: NDArray[np.complex128]
    starts: NDArray[np.int64]
    pairs: NDArray[np.float64]
    dressed: NDArray[np.float64]


class Half:
    """Ops ``begin..end`` of a schedule, run in either direction.

    Parameters
    ----------
    schedule : Schedule
    work : Workspace
    begin, end : int
        The range of ops.
    memory : float
        Bytes that tape and checkpoints may take.

    Raises
    ------
    ValueError
        If no number of checkpoints brings the need below `memory`.
    """

    def __init__(
        self, schedule: Schedule, work: Workspace, begin: int, end: int, memory: float
    ) -> None:
        self.ops = schedule.ops[begin:end]
        self._sizes = schedule.sizes[begin : end + 1]
        self._starts = work.starts[begin:end]
        self._work = work
        self.segments, need = _cut_into_segments(self._sizes, memory)
        self._offsets = [
            2 * np.concatenate(([0], np.cumsum(self._sizes[a : b + 1]))) for a, b in self.segments
        ]
        self._check_points = [np.empty(0)] * len(self.segments)
        self._tape = np.empty(max(int(offsets[-1]) for offsets in self._offsets))
        width = int(self._sizes.max())
        self._carry = np.empty((2, 2 * width))
        self._scratch = np.empty(4 * width)
        self.nbytes = need + self._carry.nbytes + self._scratch.nbytes

    def advance(self, first: NDArray[np.float64]) -> NDArray[np.float64]:
        """Run forward from `first`, all boundaries to the tape; returns the last."""
        boundary = first
        for segment in range(len(self.segments)):
            self._check_points[segment] = boundary
            boundary = self._forward(segment)
        return boundary

    def retreat(self, last: NDArray[np.float64]) -> NDArray[np.float64]:
        """Run the adjoint backward from `last`, all adjoints to the tape; returns the first."""
        boundary = last
        for segment in range(len(self.segments) - 1, -1, -1):
            self._check_points[segment] = boundary
            boundary = self._backward(segment)
        return boundary

    def gather_back(self, last: NDArray[np.float64]) -> None:
        """After `advance`: adjoint from `last` to the start, derivatives gathered on the way."""
        self._carry[0, : last.size] = last
        final = len(self.segments) - 1
        for segment in range(final, -1, -1):
            if segment != final:  # the last one is still on the tape
                self._forward(segment)
            self._run(segment, adjoint=True, gathering=True)

    def gather_forth(self, first: NDArray[np.float64]) -> None:
        """After `retreat`: boundary from `first` to the end, derivatives gathered on the way."""
        self._carry[0, : first.size] = first
        for segment in range(len(self.segments)):
            if segment != 0:
                self._backward(segment)
            self._run(segment, adjoint=False, gathering=True)

    def boundaries(self, segment: int, adjoint: bool) -> list[NDArray[np.float64]]:
        """Stored boundaries (or adjoints) of one segment, brought back if need be."""
        if len(self.segments) > 1:
            (self._backward if adjoint else self._forward)(segment)
        a, b = self.segments[segment]
        offsets = self._offsets[segment]
        return [self._tape[offsets[i] : offsets[i + 1]] for i in range(b - a + 1)]

    def _forward(self, segment: int) -> NDArray[np.float64]:
        first = self._check_points[segment]
        self._tape[: first.size] = first
        self._run(segment, adjoint=False, gathering=False)
        start, stop = self._offsets[segment][-2:]
        return self._tape[start:stop].copy()

    def _backward(self, segment: int) -> NDArray[np.float64]:
        start, stop = self._offsets[segment][-2:]
        self._tape[start:stop] = self._check_points[segment]
        self._run(segment, adjoint=True, gathering=False)
        return self._tape[: self._offsets[segment][1]].copy()

    def _run(self, segment: int, adjoint: bool, gathering: bool) -> None:
        a, b = self.segments[segment]
        work = self._work
        kernels.run(
            self.ops[a:b], self._starts[a:b], self._sizes[a : b + 1], self._offsets[segment],
            adjoint, gathering, work.fronts, work.gates, work.dressed, self._tape, self._carry,
            work.front_bars, work.densities, self._scratch,
        )  # fmt: skip


def _cut_into_segments(
    sizes: NDArray[np.int64], memory: float
) -> tuple[list[tuple[int, int]], int]:
    """The fewest segments whose checkpoints and largest tape fit; and the bytes they take."""
    n_ops = sizes.size - 1
    total = np.cumsum(sizes)
    least = 0
    for count in range(1, max(2, n_ops)):
        targets = total[-1] * np.arange(1, count) / count
        inner = np.searchsorted(total, targets)
        edges = np.unique(np.concatenate(([0], inner, [n_ops])))
        segments = [(int(a), int(b)) for a, b in itertools.pairwise(edges)]
        segments = segments or [(0, 0)]
        tape = max(int(sizes[a : b + 1].sum()) for a, b in segments)
        kept = int(sizes[edges].sum())
        need = _BYTES * (tape + kept)
        if need <= memory:
            return segments, need
        if least and need > 2 * least:
            break
        least = min(least, need) if least else need
    raise ValueError(
        f"the circuit is too deep for an exact contraction in `memory` = {2 * memory:.3g} bytes: "
        f"its boundary reaches {int(sizes.max()):,} entries and needs {2 * least:.3g} bytes with "
        "checkpoints. Use fewer layers, compress the target, or raise `memory`."
    )
