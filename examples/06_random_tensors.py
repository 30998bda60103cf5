"""Estimate free cumulants of a random tensor from samples, and test a guess about its law.

Samples are an array (S, N_1, .., N_D, N_1, .., N_D) of S Hermitian matrices on D parties; load
yours with `numpy.load` in place of those drawn here, of a sum of three matrices on one or both of
two parties. All cumulants of order 2 are printed with their errors, beside those of a matrix that
treats all parties as one (GUE).
"""

import numpy as np

from rankloom.physics import enumerate_invariants, estimate_invariants, laws


def main() -> None:
    samples = laws.gaussian(2, {(0,): 1, (1,): 1, (0, 1): 0.5}, dims=(6, 6)).sample(2000, rng=0)
    dims = samples.shape[1 : 1 + (samples.ndim - 1) // 2]
    classes = enumerate_invariants(D=len(dims), n=2, kind="mixed", connected=False)
    moments = estimate_invariants(samples, classes)
    guess = laws.gue(dims)
    scale = np.sqrt(float(np.mean(abs(samples) ** 2)) * np.prod(dims))
    estimate = estimate_invariants(samples / scale, classes).cumulants()
    print(f"{moments.n_samples} samples, dims {dims}; scaled to E Tr X^2 = the number of rows\n")
    print(f"{'permutations':<24}{'cumulant':>12}{'error':>12}{'GUE':>12}{'errors off':>12}")
    for t in classes:
        value, error = estimate[t]
        wanted = float(guess.cumulant(t))
        off = abs(value - wanted) / error
        print(f"{[*t.perms]!s:<24}{value.real:12.5f}{error:12.5f}{wanted:12.5f}{off:12.1f}")


if __name__ == "__main__":
    main()
