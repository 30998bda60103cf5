"""Run every benchmark one after another, each in a process of its own (the best part of an hour).

Run: ``python benchmarks/run.py``; for single rows see README.md.
"""

import subprocess
import sys
from pathlib import Path

SCRIPTS = (
    "tn_overlap.py",
    "tn_operators.py",
    "tn_tebd.py",
    "tn_tdvp.py",
    "tn_dmrg.py",
    "tn_compress.py",
    "tn_sample.py",
    "tn_cross.py",
    "decomposition_tucker.py",
    "decomposition_cp.py",
    "decomposition_outofcore.py",
    "chebyshev_functions.py",
    "functional_pm25.py",
    "functional_published.py",
    "potentials_build.py",
    "potentials_evaluate.py",
    "shadows_gram.py",
    "shadows_end_to_end.py",
    "freeness_exact.py",
    "freeness_estimate.py",
    "aqc_gradient.py",
)


def main() -> None:
    """Stop at the first script that fails."""
    folder = Path(__file__).parent
    for script in SCRIPTS:
        subprocess.run([sys.executable, str(folder / script)], check=True)


if __name__ == "__main__":
    main()
