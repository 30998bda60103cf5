"""Reports are whole in themselves, well formed, and say what was found."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rankloom.experiments.blocks import Code, Details, Figure, Figures, Prose, Table, power
from rankloom.experiments.circuits import USE
from rankloom.experiments.config import ChainConfig
from rankloom.experiments.demo import run_demo
from rankloom.experiments.formula import hamiltonian
from rankloom.experiments.report import KeyNumber, Section, render
from rankloom.experiments.verify import Check

VOID = {"meta", "img", "source", "br", "link"}


class Page(HTMLParser):
    """Reads a page, checks that its tags are nested, and keeps what it refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.links, self.loaded, self.ids, self.words = [], [], [], [], []
        self.alts = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "a":
            self.links.append(given["href"])
        if tag == "img":
            self.alts.append(given["alt"])
        self.loaded += [
            given[name] for name in ("src", "srcset", "data", "poster") if name in given
        ]
        self.loaded += [given["href"]] if tag == "link" else []
        self.ids += [given["id"]] if "id" in given else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module", params=["demo", "compiled"])
def report(request) -> Path:
    made = request.getfixturevalue(request.param)
    return made.report if request.param == "demo" else made.folder / "report.html"


def test_nothing_outside_is_loaded(report):
    text = report.read_text()
    page = Page(text)
    assert page.loaded
    assert all(item.startswith("data:image/svg+xml;base64,") for item in page.loaded)
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "<script" not in text


def test_links_lead_to_files_and_to_the_paper(report):
    links = Page(report.read_text()).links
    outside = {link for link in links if link.startswith("http")}
    assert outside == {"https://arxiv.org/abs/2301.08609"}
    assert all((report.parent / link).exists() for link in set(links) - outside)


def test_pictures_have_words_for_them_and_png_files(report):
    page = Page(report.read_text())
    assert all(len(alt) > 20 for alt in page.alts)
    folder = next(report.parent.rglob("pictures"))
    assert {f.stem for f in folder.iterdir()} == {
        "circuit",
        "convergence",
        "depth",
        "entanglement",
        "magnetisation",
    }
    assert all(f.read_bytes().startswith(b"\x89PNG") for f in folder.iterdir())


def test_no_placeholder_is_left(report):
    text = re.sub(r"base64,[^\"]+", "", report.read_text())
    assert "$" not in text
    assert "nan" not in " ".join(Page(text).words).lower().split()


def test_the_shown_code_runs(demo, monkeypatch, capsys):
    monkeypatch.chdir(demo.report.parent)
    path = "circuits/n15/circuit.qpy"
    snippet = USE.format(path=path)
    assert snippet.strip().replace('"', "&quot;") in demo.report.read_text()
    exec(snippet, {})
    assert capsys.readouterr().out == "15 15\n"


def test_demo_checks_both_ways_and_says_so(demo):
    means = [check.means for check in demo.checks]
    assert [check.passed for check in demo.checks] == [True, True]
    assert "quimb" in means[0]
    assert "Statevector" in means[1]
    words = " ".join(Page(demo.report.read_text()).words)
    assert "independently checked: 2 of 2 agree" in words
    for check in demo.checks:
        assert f"{check.stated:.10f}" in words


def test_modules_add_sections_and_the_page_links_them(tmp_path):
    def section(key):
        check = Check(key, "by hand", 1.0, 1.0 if key == "a" else 2.0, 0.1)
        number = KeyNumber("label", "42", "note")
        return Section(key, f"Title {key}", "Lead.", [number], [Prose(["x"])], [check], [key])

    made = run_demo(
        tmp_path / "demo", sections=[lambda root, bars, key=key: section(key) for key in "ab"]
    )
    page = Page(made.report.read_text())
    assert page.ids == ["a", "b"]
    assert page.links == ["#a", "#b"]
    assert "1 of 2 independent checks failed" in " ".join(page.words)
    assert made.summary == ["a", "b"]


def test_blocks_escape_what_is_not_theirs():
    assert "&lt;b&gt;" in Code("<b>").html()
    assert "&quot;" in Figure("", "", '"', "").html()
    nested = Details("more", [Table(("", ">n"), [("a", "1")], "Caption"), Figures([])])
    page = Page(nested.html())
    assert page.words[0] == "more"
    assert '<td class="number">1</td>' in nested.html()


@pytest.mark.parametrize(
    "value, digits, text",
    [
        (2.04e-14, 1, "2.0·10<sup>&minus;14</sup>"),
        (1e-6, 0, "10<sup>&minus;6</sup>"),
        (0.0, 1, "0"),
        (float("nan"), 1, "nan"),
    ],
)
def test_powers_of_ten(value, digits, text):
    assert power(value, digits) == text


@pytest.mark.parametrize(
    "chain, words",
    [
        (ChainConfig(), "H = 0.25 Σi (XiXi+1 + YiYi+1 + ZiZi+1)"),
        (ChainConfig(j=(1, 2), delta=-0.5), "H = Ji Σi (XiXi+1 + YiYi+1 + \u22120.5 ZiZi+1)"),
        (ChainConfig("ising", g=(1, 2, 3)), "H = \u2212Σi ZiZi+1 \u2212 gi Σi Xi"),
        (ChainConfig("xyz", jx=0.0, jy=2.0, jz=(1, 1), hz=0.5), "2 YiYi+1 + Jzi ZiZi+1 + 0.5 Zi)"),
    ],
)
def test_hamiltonians_as_formulas(chain, words):
    assert words in "".join(Page(hamiltonian(chain)).words)


def test_a_page_needs_no_check():
    section = Section("a", "A", "Lead.", [], [], [], [])
    assert "independently checked: 0 of 0" in render("brand", [section], "made")
