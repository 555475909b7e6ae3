"""Where a port is named, and where a number is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.convert.command.folder import Folder
from reconciler.convert.command.port import port_in


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("const port = process.env.PORT ?? 3001\napp.listen(port)", 3001),
        ("const PORT = 3002;", 3002),
        ("server.listen({ port: 3003 })", 3003),
        ("app.listen(port); setTimeout(f, 5000)", None),
        ("app.listen(70000)", None),
    ],
)
def test_the_text_of_a_script_names_it(tmp_path: Path, text: str, port: int | None) -> None:
    (tmp_path / "main.js").write_text(text)
    assert port_in(["node", "--enable-source-maps", "main"], {}, Folder(str(tmp_path))) == port


def test_the_command_counts_more_than_the_variables_and_these_more_than_the_text(
    tmp_path: Path,
) -> None:
    (tmp_path / "main.js").write_text("app.listen(1111)")
    (tmp_path / ".env").write_text("PORT=2222\n")
    folder = Folder(str(tmp_path))
    assert port_in(["node", "main.js", "--port", "4444"], {"PORT": "3333"}, folder) == 4444
    assert port_in(["node", "main.js"], {"PORT": "3333"}, folder) == 3333
    assert port_in(["node", "main.js"], {}, folder) == 2222
