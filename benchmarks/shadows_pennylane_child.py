"""Times PennyLane's ClassicalShadow on saved snapshots, in an environment of its own.

PennyLane 0.45 pins an autoray that quimb cannot use, so `shadows_gram.py` starts this file with
another interpreter: ``python shadows_pennylane_child.py FILE.npz ROUNDS``. It prints one JSON line.
"""

import json
import sys
import time

import numpy as np
import pennylane as qml


def main() -> None:
    data = np.load(sys.argv[1])
    shadow = qml.ClassicalShadow((data["outcomes"] < 0).astype(int), data["bases"].astype(int))
    letters = (qml.PauliX, qml.PauliY, qml.PauliZ)
    start = time.perf_counter()
    observables = [
        qml.prod(*(letters[b](int(q)) for b, q in zip(word, sites, strict=True)))
        for word, sites in zip(data["words"], data["sites"], strict=True)
    ]
    building = time.perf_counter() - start
    shadow.expval(observables[:2], k=1)
    seconds = []
    for _ in range(int(sys.argv[2])):
        start = time.perf_counter()
        values = shadow.expval(observables, k=1)
        seconds.append(time.perf_counter() - start)
    found = {
        "version": qml.__version__,
        "building": building,
        "seconds": seconds,
        "values": np.asarray(values, dtype=float).tolist(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
