"""Tensorial free cumulants.

This room holds nothing yet. It will hold Weingarten tables, trace invariants, the transforms
between moments and free cumulants, laws and their estimation (arXiv:2605.01887).
"""
