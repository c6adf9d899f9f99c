"""One style sheet a theme for Qt's stock widgets. What is painted needs none."""

from __future__ import annotations

from PyQt6.QtWidgets import QApplication, QToolTip

from app.theme import CARD_RADIUS, Theme, font

_RULES = """
QWidget {{ color: {text1}; }}
QMainWindow, QMainWindow > QWidget, QDialog {{ background: {bg0}; }}
QFrame#card {{ background: {bg1}; border: {card_border}; border-radius: {radius}px; }}
QDialog {{ background: {bg1}; }}
QLabel {{ background: transparent; }}
QLabel[kind="title"] {{ }}
QLabel[kind="detail"] {{ color: {text2}; }}
QLabel[kind="error"] {{ color: {error}; }}

QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox {{
    background: {field}; color: {text1}; border: 1px solid {field_line}; border-radius: 6px;
    padding: 6px 11px; selection-background-color: {off}; selection-color: #FFFFFF; font-size: 15px;
}}
QAbstractSpinBox {{ padding: 4px 8px; font-size: 13px; }}
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QAbstractSpinBox:focus {{
    border: 2px solid {focus}; padding: 5px 10px;
}}
QAbstractSpinBox:focus {{ padding: 3px 7px; }}
QLineEdit:disabled, QPlainTextEdit:disabled, QAbstractSpinBox:disabled {{ color: {text3}; }}
QLineEdit[invalid="true"] {{ border: 2px solid {error}; padding: 5px 10px; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: none; }}

QPushButton, QToolButton {{
    background: {bg2}; color: {text1}; border: 2px solid transparent; border-radius: 8px;
    padding: 6px 14px;
}}
QToolButton {{ padding: 5px; }}
QPushButton:hover, QToolButton:hover {{ background: {bg3}; }}
QPushButton:pressed, QToolButton:pressed, QToolButton:checked {{ background: {bg3}; }}
QPushButton:focus, QToolButton:focus {{ border-color: {focus}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {text3}; }}
QPushButton[primary="true"] {{ background: {inverse}; color: {on_inverse}; }}
QPushButton[primary="true"]:focus {{ border-color: {off}; }}
QPushButton[primary="true"]:disabled {{ background: {bg3}; color: {text3}; }}
QToolButton::menu-indicator {{ image: none; }}

QMenu {{
    background: {bg1}; color: {text1}; border: 1px solid {line}; border-radius: 10px; padding: 6px;
}}
QMenu::item {{ background: transparent; padding: 9px 14px; border-radius: 6px; }}
QMenu::item:selected {{ background: {bg3}; }}
QMenu::item:disabled {{ color: {text3}; }}
QMenu::separator {{ height: 1px; background: {line}; margin: 5px 6px; }}
QMenu::icon {{ padding-left: 8px; }}

QToolTip {{
    background: {tip}; color: {text1}; border: 1px solid {line}; border-radius: 6px;
    padding: 6px 8px;
}}

QSplitter::handle {{ background: transparent; }}
QSplitter::handle:hover {{ background: {line}; border-radius: 2px; }}
QSplitter::handle:horizontal:hover {{ margin: 40px 3px; }}
QSplitter::handle:vertical:hover {{ margin: 3px 40px; }}

QAbstractScrollArea {{ background: transparent; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 4px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 4px; margin: 0; }}
QScrollBar::handle {{ background: {scroll}; border-radius: 2px; }}
QScrollBar::handle:vertical {{ min-height: 28px; }}
QScrollBar::handle:horizontal {{ min-width: 28px; }}
QScrollBar::handle:hover {{ background: {text3}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; border: none; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
"""

_TOKENS = ("bg0", "bg1", "bg2", "bg3", "line", "text1", "text2", "text3", "inverse", "focus", "error", "off")


def style_sheet(theme: Theme) -> str:
    """Style sheet of the stock widgets for this theme.

    ``QFrame#card`` is a card; a QLabel's property ``kind`` may be title, detail or error; a QPushButton's
    property ``primary`` makes it the main one; a QLineEdit's property ``invalid`` marks it.
    """
    return _RULES.format(
        radius=CARD_RADIUS,
        card_border="none" if theme.dark else f"1px solid {theme.line}",
        field=theme.bg0 if theme.dark else theme.bg1,
        field_line="#5C6470" if theme.dark else "#8A93A0",
        on_inverse=theme.bg0 if theme.dark else theme.bg1,
        tip=theme.bg3 if theme.dark else theme.bg1,
        scroll="#59616E" if theme.dark else "#9AA2AE",
        **{token: getattr(theme, token) for token in _TOKENS},
    )


def set_fonts(application: QApplication) -> None:
    """Give the stock widgets the interface font; call once.

    A bold stock widget needs its own ``setFont(font(13, 600))``: with this font a style sheet's weight stays regular.
    """
    application.setFont(font(13))
    QToolTip.setFont(font(12))
