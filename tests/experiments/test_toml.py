"""TOML files from and to dataclasses."""

import dataclasses
import tomllib
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankloom.experiments.config import (
    AnsatzConfig,
    ChainConfig,
    CompileConfig,
    OptimiseConfig,
    QuenchConfig,
    TargetConfig,
)
from rankloom.experiments.toml import ConfigError, dump_toml, load_toml

numbers = st.floats(allow_nan=False, allow_infinity=False)
parameters = st.none() | numbers | st.lists(numbers, max_size=4).map(tuple)
texts = st.text(st.characters(codec="utf-8"), min_size=1)
configs = st.builds(
    CompileConfig,
    output=texts.map(Path),
    chain=st.builds(
        ChainConfig,
        kind=st.sampled_from(["heisenberg", "xyz", "ising"]),
        n=st.none() | st.integers(2, 99),
        j=parameters,
        delta=parameters,
        hz=parameters,
    ),
    quench=st.builds(QuenchConfig, initial=texts, time=numbers),
    target=st.builds(TargetConfig, cutoff=numbers, file=st.none() | texts.map(Path)),
    ansatz=st.builds(AnsatzConfig, steps=st.integers(1, 9), order=st.sampled_from([1, 2, 4])),
    optimise=st.builds(OptimiseConfig, target_fidelity=st.none() | numbers),
)


@given(configs)
def test_what_was_written_is_read_back(tmp_path_factory, config):
    file = tmp_path_factory.mktemp("toml") / "config.toml"
    file.write_text(dump_toml(config), encoding="utf-8")
    assert load_toml(file, CompileConfig) == config


def read(tmp_path, text: str):
    file = tmp_path / "config.toml"
    file.write_text(text)
    return load_toml(file, CompileConfig)


def test_keys_left_out_keep_their_defaults(tmp_path):
    assert read(tmp_path, "") == CompileConfig()
    config = read(tmp_path, "[chain]\nn = 7\nj = 1\ndelta = [1, 2.5]")
    assert config.chain == ChainConfig(n=7, j=1.0, delta=(1.0, 2.5))
    assert config.target == TargetConfig()


@pytest.mark.parametrize(
    "text, message",
    [
        ("[chain]\nm = 3\nn = 4", r"unknown key `chain\.m`"),
        ("[chain]\nkinds = 'xyz'", r"`chain\.kinds`; did you mean `chain\.kind`\?"),
        ("[ansats]\nsteps = 3", r"`ansats`; did you mean `ansatz`\?"),
        ("zzz = 1", r"`zzz`; known are output, chain, quench, target, ansatz, optimise"),
        ("chain = 3", r"`chain` is a section, \[chain\], got 3"),
        ("[chain]\nn = '10'", r"`chain\.n` must be an integer, got '10'"),
        ("[chain]\nn = 10.0", r"`chain\.n` must be an integer, got 10\.0"),
        ("[chain]\nn = true", r"`chain\.n` must be an integer, got True"),
        ("[chain]\nkind = 'xxz'", r"must be \"heisenberg\" or \"xyz\" or \"ising\", got 'xxz'"),
        ("[chain]\nj = 'a'", r"`chain\.j` must be a number or a list .*, got 'a'"),
        ("[chain]\nj = [1, 'a']", r"`chain\.j` must be a number or a list"),
        ("[target]\norder = 3", r"`target\.order` must be 1 or 2 or 4, got 3"),
        ("[target]\norder = true", r"`target\.order` must be 1 or 2 or 4, got True"),
        ("[target]\nfile = 3", r"`target\.file` must be a path \(a string\), got 3"),
        ("[quench]\ntime = '2'", r"`quench\.time` must be a number, got '2'"),
        ("[quench]\ninitial = 101", r"`quench\.initial` must be a string, got 101"),
        ("a = ", r"config\.toml' is not a TOML file"),
    ],
)
def test_message_names_the_file_and_the_key(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        read(tmp_path, text)
    assert "config.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_bytes(tmp_path):
    with pytest.raises(ConfigError, match=r"no configuration file .*nowhere\.toml"):
        load_toml(tmp_path / "nowhere.toml", CompileConfig)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not a TOML file"):
        load_toml(tmp_path / "bytes.toml", CompileConfig)


def test_what_a_dataclass_refuses_names_its_section(tmp_path):
    @dataclasses.dataclass(frozen=True)
    class Inner:
        size: int = 1
        on: bool = False
        mode: Literal["a", 1] = "a"

        def __post_init__(self):
            if self.size < 1:
                raise ValueError("`size` must be at least 1.")

    globals()["Inner"] = Inner  # annotations of a nested class are looked up in the module
    outer = dataclasses.make_dataclass("Outer", [("inner", Inner, Inner())], frozen=True)
    file = tmp_path / "x.toml"
    file.write_text("[inner]\nsize = 0")
    with pytest.raises(ConfigError, match=r"x\.toml: \[inner\] `size` must be at least 1"):
        load_toml(file, outer)
    written = dump_toml(outer(Inner(2, True, 1)))
    assert tomllib.loads(written) == {"inner": {"size": 2, "on": True, "mode": 1}}
