"""Approximate quantum compiling: a matrix product state becomes a short circuit (arXiv:2301.08609)."""
