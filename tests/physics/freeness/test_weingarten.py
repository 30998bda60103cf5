"""Weingarten tables: closed forms, sum rules, inverses, Haar moments, the disk cache."""

from fractions import Fraction
from itertools import permutations
from math import factorial, prod

import numpy as np
import pytest
import sympy

from rankloom.physics import TruncatedWeingartenWarning, weingarten
from rankloom.physics.freeness import disk
from rankloom.physics.freeness import weingarten_table as module
from rankloom.physics.freeness.permutations import (
    class_size,
    compose,
    cycle_type,
    inverse,
    moebius,
    partitions,
)

N = sympy.Symbol("N")
Q2 = N**2 - 1
Q3 = Q2 * (N**2 - 4)
Q4 = Q3 * (N**2 - 9)
CLOSED = {
    (1,): 1 / N,
    (1, 1): 1 / Q2,
    (2,): -1 / (N * Q2),
    (1, 1, 1): (N**2 - 2) / (N * Q3),
    (2, 1): -1 / Q3,
    (3,): 2 / (N * Q3),
    (1, 1, 1, 1): (N**4 - 8 * N**2 + 6) / (N**2 * Q4),
    (2, 1, 1): -1 / (N * Q2 * (N**2 - 9)),
    (2, 2): (N**2 + 6) / (N**2 * Q4),
    (3, 1): (2 * N**2 - 3) / (N**2 * Q4),
    (4,): -5 / (N * Q4),
}


@pytest.mark.parametrize("parts", CLOSED)
def test_closed_forms(parts):
    assert sympy.cancel(weingarten(sum(parts)).sympy("N")[parts] - CLOSED[parts]) == 0


def test_calls_of_the_front_page():
    table = weingarten(4)
    assert table.at(7)[(2, 2)] == Fraction(11, 846720)
    assert table.sympy("N")[(4,)] == -5 / (N * sympy.prod([N - k for k in range(-3, 4) if k]))
    assert table.float(30.0)[(4,)] == float(table.at(30)[(4,)])
    assert weingarten(3).sympy(5)[(3,)] == sympy.Rational(weingarten(3).at(5)[(3,)])


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 13])
def test_sum_rules(n):
    size = n + 2
    values = weingarten(n).at(size)
    total = sum(class_size(mu) * v for mu, v in values.items())
    assert total == Fraction(1, prod(range(size, size + n)))
    signed = sum((-1) ** (n - len(mu)) * class_size(mu) * v for mu, v in values.items())
    assert signed == Fraction(1, prod(range(size - n + 1, size + 1)))


@pytest.mark.parametrize("n, size", [(2, 2), (3, 3), (4, 5), (3, 2), (4, 2), (4, 1)])
def test_table_inverts_the_gram_matrix(n, size):
    """Exact inverse for n <= N, the Moore-Penrose inverse below."""
    group = list(permutations(range(n)))
    values = module.exact_values(n, size)
    types = [[cycle_type(compose(s, inverse(t))) for t in group] for s in group]
    gram = np.array([[Fraction(size) ** len(mu) for mu in row] for row in types])
    table = np.array([[values[mu] for mu in row] for row in types])
    product = gram @ table
    assert np.array_equal(product @ gram, gram)
    assert np.array_equal(table @ product, table)
    assert np.array_equal(product, product.T)
    if n <= size:
        assert np.array_equal(product, np.eye(len(group), dtype=int))


def test_below_n_the_sum_over_representations_is_truncated():
    with pytest.warns(TruncatedWeingartenWarning, match="pseudo-inverse"):
        values = weingarten(3).at(2)
    assert values == {
        (3,): Fraction(-7, 144),
        (2, 1): Fraction(1, 144),
        (1, 1, 1): Fraction(17, 144),
    }
    with pytest.warns(TruncatedWeingartenWarning):
        assert weingarten(3).float(2.0)[(3,)] == -7 / 144
    with pytest.raises(ValueError, match="poles up to N = 2"):
        weingarten(3).sympy(2)


@pytest.mark.parametrize("n", [1, 4, 7, 11, 16])
def test_both_ways_to_a_value_agree(n):
    """Polynomials over factors, against the characters at one N in rational arithmetic."""
    size = n + 3
    assert weingarten(n).at(size) == {mu: v.at(size) for mu, v in weingarten(n).values.items()}


@pytest.mark.parametrize("n", [2, 5, 8])
def test_leading_order_is_the_moebius_function(n):
    for mu, value in weingarten(n).values.items():
        size = 10**9
        leading = value.at(size) * size ** (2 * n - len(mu))
        # corrections are of relative order n^4 / N^2
        assert abs(leading - moebius(mu)) < 1e-12


def test_fractions_are_reduced():
    for value in weingarten(7).values.values():
        for k in value.exponents:
            assert sum(c * (-k) ** p for p, c in enumerate(value.numerator)) != 0
        assert np.gcd.reduce([*map(int, value.numerator), value.scale]) == 1


def test_real_sizes_are_rounded_once():
    exact = weingarten(5).sympy("N")
    for mu, value in weingarten(5).float(5.5).items():
        assert value == float(exact[mu].subs(N, sympy.Rational(11, 2)))


def test_moments_of_haar_unitaries():
    """E |U_00|^(2n) = n! (N-1)! / (N+n-1)!, by summing the table over S_n x S_n."""
    n, size = 4, 6
    values = weingarten(n).at(size)
    total = factorial(n) * sum(class_size(mu) * v for mu, v in values.items())
    assert total == Fraction(factorial(n) * factorial(size - 1), factorial(size + n - 1))


def test_haarpy_agrees():
    haarpy = pytest.importorskip("haarpy")
    for mu, value in weingarten(5).at(9).items():
        assert sympy.Rational(value) == haarpy.weingarten_unitary(mu, 9)


def test_tables_are_kept_and_checked(tmp_path, monkeypatch):
    monkeypatch.setenv("RANKLOOM_CACHE", str(tmp_path / "new"))
    module._table.cache_clear()
    fresh = weingarten(12)
    (kept,) = (tmp_path / "new").iterdir()
    calls = []
    monkeypatch.setattr(module, "_compute", lambda n: calls.append(n) or fresh.values)
    module._table.cache_clear()
    assert weingarten(12).values == fresh.values
    assert not calls  # read, not computed
    content = kept.read_bytes()
    for spoilt in (content[:100], b"", content.replace(b"1", b"2", 1), b"[]"):
        kept.write_bytes(spoilt)
        module._table.cache_clear()
        assert weingarten(12).values == fresh.values
        assert calls.pop() == 12
        assert kept.read_bytes() == content  # mended


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    for place in (str(blocked), str(blocked / "below"), ""):
        monkeypatch.setenv("RANKLOOM_CACHE", place)
        module._table.cache_clear()
        assert len(weingarten(12)) == 77
    assert disk.folder() is None


@pytest.mark.parametrize("bad", [0, -1])
def test_bad_orders_and_sizes(bad):
    with pytest.raises(ValueError, match="`n` must be at least 1"):
        weingarten(bad)
    with pytest.raises(ValueError, match="`N` must be at least 1"):
        weingarten(2).at(bad)
    with pytest.raises(ValueError, match="`N` must be positive"):
        weingarten(2).float(bad)


def test_bad_kinds():
    with pytest.raises(TypeError, match="`n` must be an integer"):
        weingarten(2.5)
    with pytest.raises(ValueError, match="n = 24"):
        weingarten(25)
    for bad in (float("nan"), float("inf"), "seven"):
        with pytest.raises(ValueError, match="finite real number"):
            weingarten(2).float(bad)
    with pytest.raises(KeyError, match="no cycle type of 3"):
        weingarten(3)[(2, 2)]
    assert weingarten(3)[(1, 2)] is weingarten(3)[(2, 1)]
    assert list(weingarten(3)) == list(partitions(3))
