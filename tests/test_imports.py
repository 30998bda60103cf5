"""The ground floor is quick to import and leaves heavy libraries alone."""

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "gpytorch", "quimb", "qiskit", "tensorly", "matplotlib", "cupy"}

CHILD = """
import json, sys, time
start = time.process_time()
import {package}
print(json.dumps([time.process_time() - start, sorted(sys.modules)]))
"""


def import_in_a_fresh_interpreter(package: str) -> tuple[float, set[str]]:
    """CPU seconds of the import, and the top-level modules loaded by it."""
    command = [sys.executable, "-c", CHILD.format(package=package)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, modules = json.loads(answer)
    return seconds, {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("package", ["rankloom.tn", "rankloom.decomposition"])
def test_ground_floor_imports_quickly_and_lightly(package):
    # The best of three: the first may write bytecode, and other work on the machine only adds.
    runs = [import_in_a_fresh_interpreter(package) for _ in range(3)]
    assert not runs[0][1] & HEAVY
    assert min(seconds for seconds, _ in runs) <= 0.8


def test_front_door_opens_no_room():
    _, modules = import_in_a_fresh_interpreter("rankloom")
    assert "numpy" not in modules
