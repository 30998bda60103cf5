"""A report as one HTML file that needs nothing else: style and pictures are inside it.

A `Section` is a title, a lead, key numbers and blocks; any module can make one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import NamedTuple

from rankloom.experiments.blocks import Block, Table, power
from rankloom.experiments.folders import environment
from rankloom.experiments.verify import Check


class KeyNumber(NamedTuple):
    """A figure shown large."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class Section:
    """One module's part of a report.

    Parameters
    ----------
    key : str
        Short name: anchor in the page, folder of the files.
    title, lead : str
        What came out, in a line and in a few sentences (HTML).
    numbers : sequence of KeyNumber
    blocks : sequence of Block
    checks : sequence of Check
        All of them count in the verdict of the report.
    summary : sequence of str
        Lines for the end of the command's output.
    """

    key: str
    title: str
    lead: str
    numbers: Sequence[KeyNumber]
    blocks: Sequence[Block]
    checks: Sequence[Check]
    summary: Sequence[str]

    def html(self) -> str:
        """The section as HTML."""
        numbers = "".join(
            f'<div><dt>{n.label}</dt><dd class="value">{n.value}</dd>'
            f'<dd class="note">{n.note}</dd></div>'
            for n in self.numbers
        )
        body = "\n".join(block.html() for block in self.blocks)
        return (
            f'<section id="{self.key}">\n<h2>{self.title}</h2>\n<p class="lead">{self.lead}</p>\n'
            f'<dl class="numbers">{numbers}</dl>\n{body}\n</section>'
        )


def check_table(checks: Sequence[Check]) -> Table:
    """The independent checks, one a row."""
    rows = [
        (
            c.name,
            c.means,
            f"{c.stated:.10f}",
            f"{c.found:.10f}",
            power(c.difference),
            power(c.tolerance, digits=0),
            '<span class="yes">✓ agrees</span>'
            if c.passed
            else '<span class="no">✗ differs</span>',
        )
        for c in checks
    ]
    columns = ("", "found again by", ">stated", ">found", ">difference", ">allowed", "")
    return Table(columns, rows)


def file_table(root: Path, folders: dict[str, str], described: dict[str, str]) -> Table:
    """Files below a report with links and sizes; missing ones are left out.

    Parameters
    ----------
    root : Path
        Folder of the report.
    folders : dict
        Head of a column: folder of its files as seen from `root`, "" for `root` itself.
    described : dict
        File name: what it is.
    """
    rows = []
    for name, what in described.items():
        places = [Path(folder, name) for folder in folders.values()]
        if any((root / place).exists() for place in places):
            rows.append((f"<code>{escape(name)}</code>", what, *(_link(root, p) for p in places)))
    return Table(("file", "what it is", *(f">{head}" for head in folders)), rows)


def _link(root: Path, place: Path) -> str:
    if not (root / place).exists():
        return "&ndash;"
    if (root / place).is_dir():
        text = f"{len(list((root / place).iterdir()))} files"
    else:
        size = (root / place).stat().st_size
        text = f"{size / 1e6:.1f} MB" if size > 1e5 else f"{size / 1e3:.1f} kB"
    return f'<a href="{escape(place.as_posix())}">{text}</a>'


def render(brand: str, sections: Sequence[Section], made: str) -> str:
    """The whole page.

    Parameters
    ----------
    brand : str
        Line at the top left.
    sections : sequence of Section
        With more than one, a table of contents follows the top line.
    made : str
        Last line: when, with what.
    """
    checks = [check for section in sections for check in section.checks]
    failed = sum(not check.passed for check in checks)
    if failed:
        verdict = f"{failed} of {len(checks)} independent checks failed"
    else:
        verdict = f"independently checked: {len(checks)} of {len(checks)} agree"
    links = "".join(
        f'<li><a href="#{s.key}"><span>{s.key}</span>{s.title}</a></li>' for s in sections
    )
    templates = files("rankloom.experiments") / "templates"
    return Template((templates / "report.html").read_text(encoding="utf-8")).substitute(
        title=f"{brand}: {sections[0].title}",
        style=(templates / "report.css").read_text(encoding="utf-8"),
        brand=brand,
        state="bad" if failed else "good",
        mark="✗" if failed else "✓",
        verdict=verdict,
        contents=f"<nav><ul>{links}</ul></nav>" if len(sections) > 1 else "",
        sections="\n".join(section.html() for section in sections),
        made=made,
    )


@dataclass(frozen=True)
class Written:
    """What a command leaves behind.

    Parameters
    ----------
    report : Path
        What to look at: a report, or a folder of results.
    checks : sequence of Check
    summary : sequence of str
        Lines for the user.
    label : str
        What `report` is.
    complaints : sequence of str
        Why the result must not be relied on; the command then exits with 1.
    """

    report: Path
    checks: Sequence[Check]
    summary: Sequence[str]
    label: str = "Report"
    complaints: Sequence[str] = ()


def write_report(brand: str, sections: Sequence[Section], draft: Path, final: Path) -> Written:
    """Write `report.html` into the folder `draft`, which will be moved to `final`."""
    where = environment()
    versions = ", ".join(f"{name} {number}" for name, number in where["versions"].items())
    made = f"Made {where['finished'][:10]} with {versions}, Python {where['python']}."
    (draft / "report.html").write_text(render(brand, sections, made), encoding="utf-8")
    return Written(
        report=final / "report.html",
        checks=[check for section in sections for check in section.checks],
        summary=[line for section in sections for line in section.summary],
    )
