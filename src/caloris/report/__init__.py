"""The report: one self-contained HTML file."""

from caloris.report.page import Page, Section, Table, picture, shown

__all__ = ["Page", "Section", "Table", "picture", "shown"]
