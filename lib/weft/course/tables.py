"""What verifying found, as tables for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from weft.course.verify import Proof, Report
from weft.judge.verdicts import format_points


def report_table(report: Report) -> RenderableType:
    """Variants with what they earned and lost, what must hold besides, and all faults in sentences."""
    parts: list[RenderableType] = [_proofs(report), _invariants(report)]
    parts.append(
        Text(
            f"The reference's visible checks took {report.visible_seconds:.1f} s, "
            f"all checks with the judge {report.all_seconds:.1f} s."
        )
    )
    parts += [Text(sentence, style="yellow") for sentence in report.slow]
    if report.unproved and not report.strict:
        parts.append(Text(f"No mutant fails {', '.join(report.unproved)}.", style="yellow"))
    parts += [Text(f"✗ {fault}", style="red") for fault in report.faults]
    if not report.faults:
        parts.append(Text(f"✓ {report.challenge} is proved.", style="green"))
    return Group(*parts)


def proof_line(proof: Proof) -> Text:
    """One proof in a line, for progress."""
    return Text.assemble(_mark(not proof.fault), f" {proof.variant.kind} {proof.variant.name}: {_points(proof)}")


def _proofs(report: Report) -> Table:
    table = Table(title=f"{report.challenge}: answers with a known outcome", title_justify="left")
    for heading in ("", "answer", "points", "lost in"):
        table.add_column(heading, justify="right" if heading == "points" else "left", overflow="fold")
    for proof in report.proofs:
        table.add_row(
            _mark(not proof.fault), f"{proof.variant.kind} {proof.variant.name}", _points(proof), _lost(proof)
        )
    return table


def _invariants(report: Report) -> Table:
    table = Table(title="What must hold besides", title_justify="left")
    table.add_column("")
    table.add_column("")
    for name, faults in report.invariants.items():
        table.add_row(_mark(not faults), name)
    return table


def _lost(proof: Proof) -> Text:
    """Criteria and checks; the one that a mutant is to lose in stands out. A stub loses all, which is not listed."""
    text = Text()
    if proof.variant.kind == "stub":
        return text
    for criterion, checks in proof.lost.items():
        text.append("; " if text.plain else "")
        text.append(criterion, style="bold" if criterion == proof.variant.loses else "dim")
        text.append(f" {', '.join(checks)}", style="" if criterion == proof.variant.loses else "dim")
    return text


def _points(proof: Proof) -> str:
    """What was earned; of how many, where it was judged by one criterion."""
    earned, possible = (
        format_points(round(points, 2)) for points in (proof.judgement.earned, proof.judgement.possible)
    )
    return f"{earned} of {possible}" if proof.variant.kind == "mutant" else earned


def _mark(good: bool) -> Text:
    return Text("✓", style="green") if good else Text("✗", style="red")
