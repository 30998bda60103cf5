"""Shadow spectroscopy: energy gaps from randomised measurements.

This room holds nothing yet. It will hold the snapshots, the Gram kernel over all k-local
observables, the enumerated signals, and the spectrum with its error bars (arXiv:2212.11036).
"""
