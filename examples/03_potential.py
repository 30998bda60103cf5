"""The potential of a peptide as a small function: values, field, energy, forces, files.

Run: ``python examples/03_potential.py``. It writes ``peptide.dx`` (VMD, PyMOL) and ``peptide.h5``.
"""

from pathlib import Path

import numpy as np

from rankloom.decomposition import ChebyshevTucker
from rankloom.physics import Particles, long_range_potential
from rankloom.physics.potentials.direct import direct_potential


def main():
    peptide = Particles.read(Path(__file__).parent / "peptide.pqr")
    phi = long_range_potential(peptide, tol=1e-6)
    print(peptide)
    print(f"ranks {phi.function.ranks}, {phi.function.nbytes / 1e3:.0f} kB")
    print(f"relative error {phi.error_estimate:.0e} against the sum over all charges")

    print(f"energy {phi.energy('kcal/mol'):.4f} kcal/mol")
    strongest = np.linalg.norm(phi.forces(), axis=1).argmax()
    print(f"largest force on atom {strongest + 1}")

    point = np.array([[0.0, 0.0, 30.0]])  # above the helix, along its dipole, outside the domain
    print(f"potential there {phi.potential(point)[0]:.6f} e/A, field {phi.field(point)[0]}")
    assert np.allclose(phi.potential(point), direct_potential(peptide, point))

    phi.on_grid(33).write_opendx("peptide.dx")
    phi.function.save("peptide.h5")
    again = ChebyshevTucker.load("peptide.h5")
    print(f"mean smooth potential {again.integrate() / np.prod(np.ptp(again.domain, axis=1)):.6f}")


if __name__ == "__main__":
    main()
