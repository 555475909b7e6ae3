"""supervisord's configuration files, read as supervisord reads them, with places.

Sections of included files count as if they stood in the first; of an option that is given twice
the later one holds. ``%(…)s`` is expanded where an option is read (``expand``).
"""

from __future__ import annotations

import configparser
import glob
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.convert.errors import ImportFault, fault
from reconciler.convert.read_text import text_of

_FORMAT = re.compile(r"%(?:%|\((\w+)\)(0?[0-9]{0,3})([sd]))")
_MOST_FILES = 1000


@dataclass(frozen=True, slots=True)
class Section:
    """``[kind:name]`` and its options, unexpanded."""

    kind: str
    name: str
    options: Mapping[str, str] = field(repr=False)
    file: str
    here: str
    """What ``%(here)s`` stands for: the folder of its file."""

    def fault(self, option: str, message: str) -> ImportFault:
        return fault(self.file, f"{option}: {message}", _line(self.file, self, option))


@dataclass(slots=True)
class Ini:
    """One file with what it includes."""

    sections: list[Section] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Patterns of ``[include]`` that no file matches."""


def read(file: str, variables: Mapping[str, str]) -> Ini:
    """Read ``file`` (absolute). ``variables`` are for ``[include] files``. Raises ImportFault."""
    ini = Ini()
    sources = [file]
    merged: dict[str, tuple[str, dict[str, str]]] = {}
    top = _parse(file)
    if "include" in top:
        here = os.path.dirname(file)
        pattern = top["include"].get("files")
        if pattern is None:
            raise fault(file, "[include] has no files")
        section = Section("include", "", top["include"], file, here)
        for one in expand(pattern, {**variables, "here": here}, section, "files").split():
            found = sorted(glob.glob(os.path.join(here, one)))
            sources += found
            if not found:
                ini.missing.append(one)
    if len(sources) > _MOST_FILES:
        raise fault(file, f"includes more than {_MOST_FILES} files")
    for source in sources:
        for name, options in (top if source == file else _parse(source)).items():
            first, there = merged.setdefault(name, (source, {}))
            there.update(options)
            merged[name] = (first, there)
    for name, (source, options) in merged.items():
        kind, _, title = name.partition(":")
        ini.sections.append(
            Section(kind.strip(), title.strip(), options, source, os.path.dirname(source))
        )
    return ini


def expand(text: str, variables: Mapping[str, str | int], section: Section, option: str) -> str:
    """``%(name)s`` and ``%(process_num)02d``, as Python formats them; no other conversion."""

    def one(match: re.Match[str]) -> str:
        name, pad, kind = match[1], match[2], match[3]
        if name is None:
            return "%"
        if name not in variables:
            what = name.removeprefix("ENV_")
            message = (
                f"{what} is not in the environment" if what != name else f"%({name}) is unknown"
            )
            raise section.fault(option, f"{message}; set it, or write the value")
        value = variables[name]
        if kind == "d" and not isinstance(value, int):
            raise section.fault(option, f"%({name})d is not a number; write %({name})s")
        return f"%{pad}{kind}" % value

    rest = _FORMAT.sub("", text)
    if "%" in rest:
        raise section.fault(option, "contains a single %; write %%")
    return _FORMAT.sub(one, text)


def _parse(file: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    text = text_of(file)
    try:
        parser.read_string(text, file)
    except configparser.MissingSectionHeaderError as error:
        raise fault(file, "a line before the first [section]", error.lineno) from None
    except configparser.ParsingError as error:
        line = error.errors[0][0] if error.errors else 0
        raise fault(file, "neither option=value nor a [section]", line) from None
    except (configparser.Error, AttributeError) as error:  # of lists that go on where none began
        raise fault(file, str(error).splitlines()[0]) from None
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _line(file: str, section: Section, option: str) -> int:
    """The line of an option, by a plain look for it; 0 where that finds none."""
    inside, found = False, 0
    header = re.compile(rf"\[\s*{re.escape(section.kind)}\s*:?\s*{re.escape(section.name)}\s*\]")
    with open(file, encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            if line.startswith("["):
                inside = header.match(line) is not None
            elif inside and re.match(rf"{re.escape(option)}\s*[=:]", line, re.IGNORECASE):
                found = number
    return found
