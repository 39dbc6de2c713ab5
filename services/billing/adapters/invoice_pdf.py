# SPDX-License-Identifier: Apache-2.0
"""Invoices as PDF (A4), in a typeface that writes Latin, Greek and Cyrillic."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from services.billing.model.money import money
from shared.contracts.billing import InvoiceView, Party

FONTS = Path(__file__).with_name("fonts")
REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"
INK, HAIRLINE = colors.HexColor("#1d2b26"), colors.HexColor("#9aa8a1")
PAID_BY = {"card": "by card", "funds": "from the deposit", "free": "free of charge"}


@cache
def _styles() -> dict[str, ParagraphStyle]:
    for name in (REGULAR, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(FONTS / f"{name}.ttf")))
    text = ParagraphStyle("text", fontName=REGULAR, fontSize=9, leading=13, textColor=INK, splitLongWords=True)
    return {
        "text": text,
        "bold": ParagraphStyle("bold", parent=text, fontName=BOLD),
        "small": ParagraphStyle("small", parent=text, fontSize=7.5, leading=10),
        "head": ParagraphStyle("head", parent=text, fontSize=7.5, leading=10, alignment=TA_RIGHT),
        "title": ParagraphStyle("title", parent=text, fontName=BOLD, fontSize=17, leading=22),
        "figure": ParagraphStyle("figure", parent=text, alignment=TA_RIGHT),
        "sum": ParagraphStyle("sum", parent=text, fontName=BOLD, alignment=TA_RIGHT),
    }


def print_invoice(invoice: InvoiceView) -> bytes:
    """The PDF of an invoice; its text can be searched and copied."""
    styles = _styles()
    width = A4[0] - 40 * mm - 12  # the frame keeps 6 points on each side
    story = [
        Paragraph(f"Invoice {escape(invoice.number)}", styles["title"]),
        Spacer(1, 6 * mm),
        _columns(_party("Seller", invoice.seller), _party("Buyer", invoice.buyer), width),
        Spacer(1, 6 * mm),
        _facts(invoice, width),
        Spacer(1, 6 * mm),
        _lines(invoice, width),
    ]
    if invoice.note:
        story += [Spacer(1, 6 * mm), Paragraph("Note", styles["bold"]), _text(invoice.note)]
    file = io.BytesIO()
    document = SimpleDocTemplate(
        file,
        pagesize=A4,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
        topMargin=20 * mm,
        bottomMargin=20 * mm,
        title=f"Invoice {invoice.number}",
        author=invoice.seller.name,
        subject=f"Order {invoice.order_number}",
        lang="en",
        invariant=1,
    )

    def foot(canvas: Canvas, page: SimpleDocTemplate) -> None:
        canvas.setFont(REGULAR, 7.5)
        canvas.setFillColor(INK)
        canvas.drawRightString(A4[0] - 20 * mm, 12 * mm, f"Invoice {invoice.number}, page {page.page}")

    document.build(story, onFirstPage=foot, onLaterPages=foot)
    return file.getvalue()


def _text(text: str, style: str = "text") -> Paragraph:
    return Paragraph(escape(text).replace("\n", "<br/>"), _styles()[style])


def _party(title: str, party: Party) -> list[Paragraph]:
    lines = [*party.address, party.country, party.email]
    if party.vat_number:
        lines.append(f"VAT number {party.vat_number}")
    return [_text(title, "small"), _text(party.name, "bold"), *(_text(line) for line in lines if line)]


def _columns(left: list[Paragraph], right: list[Paragraph], width: float) -> Table:
    table = Table([[left, right]], colWidths=[width / 2, width / 2])
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]))
    return table


def _facts(invoice: InvoiceView, width: float) -> Table:
    facts = [
        ("Invoice date", invoice.issued_at[:10]),
        ("Order", str(invoice.order_number)),
        ("Paid", f"{invoice.paid_at[:10]}, {PAID_BY.get(invoice.paid_by, invoice.paid_by)}"),
    ]
    rows = [[_text(term, "small") for term, _ in facts], [_text(value) for _, value in facts]]
    table = Table(rows, colWidths=[width / 3] * 3)
    table.setStyle(TableStyle([("LEFTPADDING", (0, 0), (-1, -1), 0), ("BOTTOMPADDING", (0, 0), (-1, 0), 0)]))
    return table


def _lines(invoice: InvoiceView, width: float) -> Table:
    def figure(amount: int, style: str = "figure") -> Paragraph:
        return _text(money(amount, invoice.currency), style)

    head = [_text("Item", "small"), *(_text(word, "head") for word in ("Quantity", "Price", "Amount"))]
    rows = [head]
    rows += [
        [_text(line.text), _text(str(line.quantity), "figure"), figure(line.unit_price), figure(line.amount)]
        for line in invoice.lines
    ]
    blank = _text("")
    rows.append([_text("Of which tax"), blank, blank, figure(invoice.tax)])
    rows.append([_text(f"Total in {invoice.currency}", "bold"), blank, blank, figure(invoice.total, "sum")])
    table = Table(rows, colWidths=[width - 90 * mm, 24 * mm, 33 * mm, 33 * mm], repeatRows=1)
    ruled = [("LINEBELOW", (0, 0), (-1, -2), 0.4, HAIRLINE), ("LINEABOVE", (0, -1), (-1, -1), 0.9, INK)]
    table.setStyle(TableStyle([*ruled, ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (0, -1), 0)]))
    return table
