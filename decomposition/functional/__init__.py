"""Functional Bayesian Tucker decomposition of tables with continuous indices.

This room holds nothing yet. It will hold state-space Gaussian processes of the Matern family and
the message-passing fit of their Tucker model (arXiv:2311.04829).
"""
