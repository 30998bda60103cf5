"""Pieces of a report, each of which writes itself as HTML.

Texts are HTML of our own making; what comes from elsewhere goes through `html.escape`. Pictures are
drawn for light and for dark screens, and the browser chooses.
"""

import base64
import math
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from rankloom.experiments.plots import DARK, LIGHT, Theme, figure_of, save_png, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Draw = Callable[[Theme], "Axes"]
Pictures: TypeAlias = Mapping[str, tuple[Draw, str, str]]


class Block(Protocol):
    """A piece of a section."""

    def html(self) -> str:
        """The piece as HTML."""


@dataclass(frozen=True)
class Prose:
    """Paragraphs under an optional heading (HTML)."""

    paragraphs: Sequence[str]
    heading: str = ""

    def html(self) -> str:
        """The piece as HTML."""
        heading = f"<h3>{self.heading}</h3>\n" if self.heading else ""
        return heading + "\n".join(
            p if p.startswith("<p") else f"<p>{p}</p>" for p in self.paragraphs
        )


@dataclass(frozen=True)
class Table:
    """Rows under column heads; columns whose head starts with ``>`` hold numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""

    def html(self) -> str:
        """The piece as HTML."""
        marks = [' class="number"' if c.startswith(">") else "" for c in self.columns]
        heads = "".join(
            f'<th scope="col"{m}>{c.removeprefix(">")}</th>'
            for c, m in zip(self.columns, marks, strict=True)
        )
        body = "\n".join(
            "<tr>"
            + "".join(f"<td{m}>{cell}</td>" for cell, m in zip(row, marks, strict=True))
            + "</tr>"
            for row in self.rows
        )
        caption = f"<caption>{self.caption}</caption>" if self.caption else ""
        return (
            f'<div class="scroll"><table>{caption}<thead><tr>{heads}</tr></thead>\n'
            f"<tbody>{body}</tbody></table></div>"
        )


@dataclass(frozen=True)
class Figure:
    """A picture in both themes.

    Parameters
    ----------
    light, dark : str
        SVG texts.
    alt : str
        What the picture shows, for those who cannot see it.
    caption : str
        HTML.
    tall : bool
        Higher than wide.
    """

    light: str
    dark: str
    alt: str
    caption: str
    tall: bool = False

    def html(self) -> str:
        """The piece as HTML."""
        light, dark = (
            "data:image/svg+xml;base64," + base64.b64encode(text.encode()).decode()
            for text in (self.light, self.dark)
        )
        mark = ' class="tall"' if self.tall else ""
        return (
            f'<figure{mark}><picture><source media="(prefers-color-scheme: dark)" '
            f'srcset="{dark}"><img src="{light}" alt="{escape(self.alt)}"></picture>\n'
            f"<figcaption>{self.caption}</figcaption></figure>"
        )


@dataclass(frozen=True)
class Figures:
    """Pictures side by side where the screen is wide enough."""

    figures: Sequence[Figure]

    def html(self) -> str:
        """The piece as HTML."""
        return '<div class="figures">' + "\n".join(f.html() for f in self.figures) + "</div>"


@dataclass(frozen=True)
class Code:
    """Code or a text drawing, as it is."""

    text: str
    drawing: bool = False

    def html(self) -> str:
        """The piece as HTML."""
        mark = ' class="drawing"' if self.drawing else ""
        return f"<pre{mark}><code>{escape(self.text)}</code></pre>"


@dataclass(frozen=True)
class Details:
    """Blocks behind a line to click on."""

    summary: str
    blocks: Sequence[Block]

    def html(self) -> str:
        """The piece as HTML."""
        body = "\n".join(block.html() for block in self.blocks)
        return f"<details><summary>{self.summary}</summary>\n{body}\n</details>"


def draw(plot: Draw, png: Path, alt: str, caption: str, tall: bool = False) -> Figure:
    """Draw a picture for light and dark screens, and as a PNG file."""
    with LIGHT.context():
        figure = figure_of(plot(LIGHT))
        light = svg(figure)
        save_png(figure, png)
    with DARK.context():
        dark = svg(figure_of(plot(DARK)))
    return Figure(light, dark, alt, caption, tall)


def draw_all(
    pictures: Pictures,
    folder: Path,
    track: Callable[[Iterable[Any]], Iterable[Any]],
    tall: Container[str] = (),
) -> dict[str, Figure]:
    """Draw the pictures of a section, also as PNG files of a new folder.

    Parameters
    ----------
    pictures : dict
        Name, without suffix, to plot, text for those who do not see it, and caption.
    folder : Path
    track : callable
        Progress bar.
    tall : names, default none
        Pictures that may be higher than the window.
    """
    folder.mkdir()
    return {
        name: draw(plot, folder / f"{name}.png", alt, caption, name in tall)
        for name, (plot, alt, caption) in track(pictures.items())
    }


def power(value: float, digits: int = 1) -> str:
    """A small number as a power of ten, in HTML."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    ten = f"10<sup>{int(exponent)}</sup>".replace("-", "&minus;")
    return ten if mantissa == "1" else f"{mantissa}·{ten}"
