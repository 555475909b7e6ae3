"""The templates, and how text of others gets into them: escaped, and on one line.

Every value is escaped (Jinja's autoescape, for all files) and passes ``_shown``: a control
character, or one that turns the direction of reading (Unicode: Bidi_Control), becomes a blank.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reconciler.render.formats import clock, count, duration, local, place, size
from reconciler.ui.dashboard.views.text.harmless import harmless
from reconciler.ui.dashboard.views.text.marks import mark
from reconciler.ui.dashboard.views.text.words import age, clock_short, moment, share_of_core

TEMPLATES = Path(__file__).parent.parent / "templates"


@cache
def environment() -> Environment:
    """The one environment: its templates are compiled once."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
        auto_reload=False,
    )
    made.filters.update(
        age=age,
        clock=clock,
        clock_short=clock_short,
        cpu=share_of_core,
        duration=duration,
        here=local,
        moment=moment,
        place=place,
        size=size,
    )
    made.globals.update(count=count, mark=mark)
    return made


def render(template: str, **values: Any) -> str:
    """One template as text."""
    return environment().get_template(template).render(**values)


def _shown(value: Any) -> Any:
    if isinstance(value, Markup):
        return value
    return harmless(value) if isinstance(value, str) else value
