"""The report's section on compiled circuits: what was asked, what came out, proof, use."""

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from rankloom.experiments.bars import Bars
from rankloom.experiments.blocks import Block, Code, Details, Figure, Figures, Prose, Table, power
from rankloom.experiments.formula import hamiltonian
from rankloom.experiments.pictures import figures
from rankloom.experiments.report import KeyNumber, Section, check_table, file_table
from rankloom.experiments.study import Study
from rankloom.quantum import Ansatz, to_qiskit

USE = """from qiskit import qpy

with open("{path}", "rb") as file:
    circuit = qpy.load(file)[0]
print(circuit.num_qubits, circuit.depth(lambda gate: len(gate.qubits) == 2))
"""
"""How to use a QPY file; the report shows it, a test runs it."""

FILES = {
    "circuit.qpy": "the circuit for Qiskit, exact to the bit",
    "circuit.qasm": "the circuit in OpenQASM 2, for every other program",
    "circuit.qasm3": "the circuit in OpenQASM 3",
    "target.h5": "the target as matrix product state (HDF5)",
    "history.csv": "fidelity after every step of the search",
    "depth.csv": "the circuits of the comparison",
    "result.json": "all figures of the run",
    "config.toml": "the settings; <code>rankloom compile config.toml</code> does it again",
    "pictures": "the pictures as PNG files",
}
"""Files of a study, and what each is."""


def circuits_section(studies: Sequence[Study], root: Path, bars: Bars) -> Section:
    """Draw the pictures and tell the story of one or more studies, the first in front.

    Parameters
    ----------
    studies : sequence of Study
        Written below `root`.
    root : Path
        Folder of the report; pictures go into the folder of each study.
    bars : Bars
    """
    drawn = [figures(study, root, bars) for study in studies]
    checks = [study.check for study in studies]
    blocks = [
        *_asked(studies, drawn),
        *_came_out(studies, drawn),
        *_proof(studies),
        *_use(studies, root),
        *_details(studies),
    ]
    return Section(
        key="circuits",
        title=f"{_title_case(studies[0])} in a circuit of depth {studies[0].chosen.depth}",
        lead=_lead(studies[0]),
        numbers=_numbers(studies[0]),
        blocks=blocks,
        checks=checks,
        summary=[
            *(_summary(study) for study in studies),
            *(f"Note: {note}" for study in studies for note in study.run.notes),
        ],
    )


def _lead(study: Study) -> str:
    run, problem = study.run, study.run.problem
    if run.quench is None:
        made = (
            f"The target is a matrix product state of {run.n} qubits, read from "
            f"<code>{escape(str(problem.config.target.file))}</code>."
        )
        state = "It"
    else:
        made = (
            f"{run.n} spins start in {_initial(study)} and evolve for "
            f"t&nbsp;=&nbsp;{problem.config.quench.time:g}. rankloom follows them as a matrix "
            "product state."
        )
        state = "The state at the end"
    text = (
        f"{made} {state} is compiled into a circuit of {study.chosen.gates} CX gates, "
        f"{study.chosen.depth} deep, that prepares it with fidelity {_fidelity(study)}."
    )
    if study.partner and study.partner.depth > study.chosen.depth:
        text += (
            f" The Trotter circuit of that depth reaches {run.start_fidelity:.4f}; one as good is "
            f"{study.partner.depth} deep."
        )
    return text


def _numbers(study: Study) -> list[KeyNumber]:
    run, chosen, partner = study.run, study.chosen, study.partner
    against = f"the search began at {run.start_fidelity:.4f}"
    depth = "two-qubit layers"
    if partner and partner.depth > chosen.depth:
        depth = f"Trotter needs {partner.depth} for this fidelity"
    return [
        KeyNumber("Fidelity", _fidelity(study), against),
        KeyNumber("CX depth", str(chosen.depth), depth),
        KeyNumber("CX gates", str(chosen.gates), f"on {run.n} qubits, neighbours only"),
        KeyNumber(
            "Search",
            f"{run.seconds['compile']:.1f} s",
            f"{run.result.ansatz.n_parameters} angles, exact gradients",
        ),
    ]


def _asked(studies: Sequence[Study], drawn: Sequence[dict[str, Figure]]) -> list[Block]:
    first = studies[0]
    config = first.run.problem.config
    text = []
    if first.run.quench:
        text = [
            f'<p class="formula">{hamiltonian(config.chain)}</p>',
            f"The chain has open ends. The target is {config.target.steps} Trotter steps of order "
            f"{config.target.order}, with at most {config.target.max_bond} Schmidt values kept at "
            "every cut. As the spins evolve, entanglement grows, and with it the depth that a "
            "circuit must have.",
        ]
    if len(studies) > 1:
        others = ", ".join(f"{study.run.n}" for study in studies[1:])
        text.append(
            f"A chain of {others} spins goes the same way beside it: there every number can also "
            "be found with dense vectors."
        )
    wanted = [pictures["entanglement"] for pictures in drawn if "entanglement" in pictures]
    return [Prose(text, "What was asked"), Figures(wanted)] if text else []


def _came_out(studies: Sequence[Study], drawn: Sequence[dict[str, Figure]]) -> list[Block]:
    config = studies[0].run.problem.config
    text = (
        "The circuit is a brickwork of two-qubit blocks. It starts as a Trotter circuit of "
        f"{config.ansatz.steps} step{'s' if config.ansatz.steps > 1 else ''}, and then all its "
        "angles are optimised together: first polar sweeps, which set one block after the other "
        "to its best, then L-BFGS-B on the exact gradient "
        '(<a href="https://arxiv.org/abs/2301.08609">arXiv:2301.08609</a>).'
    )
    rows = []
    for study in studies:
        chosen = study.chosen
        rows.append(
            (
                str(study.run.n),
                str(chosen.depth),
                str(chosen.gates),
                _fidelity(study),
                f"{study.run.start_fidelity:.4f}",
                _trotter_depth(study),
            )
        )
    columns = (
        ">qubits",
        ">CX depth",
        ">CX gates",
        ">fidelity",
        ">Trotter, same depth",
        ">Trotter, same fidelity",
    )
    pictures = [
        *(d["depth"] for d in drawn if "depth" in d),
        drawn[0]["convergence"],
        drawn[-1]["circuit"],
        *(d["magnetisation"] for d in drawn),
    ]
    return [Prose([text], "What came out"), Table(columns, rows), Figures(pictures)]


def _proof(studies: Sequence[Study]) -> list[Block]:
    blocks: list[Block] = [
        Prose(
            [
                "Each fidelity above comes from rankloom's own contraction. To be sure, another "
                "program reads the files written here and finds it again: Qiskit multiplies out "
                "the dense vector where it fits into memory, and quimb simulates the OpenQASM "
                "file as a matrix product state where it does not."
            ],
            "Proof",
        ),
        check_table([study.check for study in studies]),
    ]
    rows = []
    for study in studies:
        quench, steps = study.run.quench, study.run.problem.config.target.steps
        if quench is None or study.finer is None:
            continue
        rows.append(
            (
                str(study.run.n),
                str(max(study.run.target.bond_dimensions)),
                power(quench.evolution.truncation_error),
                power(max(1 - study.finer, 0.0)),
            )
        )
        columns = (
            ">qubits",
            ">bond dimension",
            ">discarded weight, all cuts",
            f">infidelity with {2 * steps} steps",
        )
    if rows:
        text = (
            "The target is an approximation too. Its own errors are far below those of the circuit:"
            if all(1 - s.finer < 0.1 * (1 - s.run.result.fidelity) for s in studies if s.finer)
            else "The target is an approximation too, with these errors of its own:"
        )
        blocks += [Prose([text]), Table(columns, rows)]
    return blocks


def _use(studies: Sequence[Study], root: Path) -> list[Block]:
    first = studies[0]
    snippet = USE.format(path=first.path("circuit.qpy"))
    text = "From the folder of this report, in Python, with nothing but Qiskit installed:"
    after = (
        "Qubit i is site i of the chain. The circuit starts from |0…0⟩ and holds the initial state "
        "too; its gates are rx, ry, rz, s, sdg and cx between neighbours. The target is read by "
        f"<code>rankloom.tn.MPS.load(&quot;{first.path('target.h5')}&quot;)</code>."
    )
    folders = {f"{study.run.n} qubits": study.folder for study in studies}
    return [
        Prose([text], "Use it"),
        Code(snippet),
        Prose([after]),
        file_table(root, folders, FILES),
    ]


def _details(studies: Sequence[Study]) -> list[Block]:
    names = list(dict.fromkeys(name for study in studies for name in study.run.seconds))
    rows = [
        (str(s.run.n), *(f"{s.run.seconds.get(name, 0):.2f}" for name in names)) for s in studies
    ]
    notes = [escape(note) for study in studies for note in study.run.notes]
    outcomes = [
        f"{study.run.n} qubits: {study.run.result.outcome.name}, {study.run.result.outcome.value}"
        for study in studies
    ]
    block = to_qiskit(Ansatz(2, np.zeros(1, int), np.zeros(13)), parameters=True).draw(
        "text", fold=-1
    )
    return [
        Details("How the searches ended", [Prose([*outcomes, *notes])]),
        Details(
            "Where the time went (seconds)", [Table((">qubits", *(f">{n}" for n in names)), rows)]
        ),
        Details("One block of the circuit, gate by gate", [Code(str(block), drawing=True)]),
    ]


def _trotter_depth(study: Study) -> str:
    """Depth of the Trotter circuit of equal fidelity, or what is known of it."""
    if not study.trotter:
        return "&ndash;"
    if study.partner is None:
        return f"more than {study.trotter[-1].depth}"
    return f"{study.partner.depth} ({study.partner.steps} steps)"


def _summary(study: Study) -> str:
    chosen, partner = study.chosen, study.partner
    line = f"{study.run.n} qubits: F = {chosen.fidelity:.8f}, CX depth {chosen.depth}"
    if partner is None or partner.depth <= chosen.depth:
        return line
    return f"{line} (Trotter needs {partner.depth} for that)"


def _title_case(study: Study) -> str:
    return f"{study.run.n} {'spins' if study.run.quench else 'qubits'}"


def _fidelity(study: Study) -> str:
    """With two digits of the infidelity, at least four."""
    fidelity = study.run.result.fidelity
    infidelity = max(1 - fidelity, 1e-9)
    return f"{fidelity:.{max(4, math.ceil(-math.log10(infidelity)) + 1)}f}"


def _initial(study: Study) -> str:
    names = {"neel": "an alternating pattern, 0101…", "zeros": "the state 000…"}
    bits = study.run.problem.bits
    short = bits if len(bits) <= 16 else f"{bits[:12]}…"
    return names.get(study.run.problem.config.quench.initial, f"the state {short}")
