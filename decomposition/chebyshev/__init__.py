"""Functions on boxes as Chebyshev-Tucker tensors.

This room holds nothing yet. It will hold the Chebyshev basis, the function object with its
calculus, and builders from functions, grids and sums of Gaussians (arXiv:2503.01696).
"""
