"""Long-range potentials of many particles in low-rank form.

This room holds nothing yet. It will hold the quadrature of the Newton kernel, particles and
lattices, their energies and forces, and the reading of PQR and PDB files (arXiv:2503.01696).
"""
