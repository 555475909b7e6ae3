"""``recon``: from the words on the command line to one verb, and from what happens to an exit code.

A traceback is shown only on request (``--debug``, or ``RECON_DEBUG=1``).
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from reconciler.system import first_process

if "run" in sys.argv:  # before all else is imported: it becomes the controller, and keeps the mask
    first_process.hold()

from reconciler.api.errors import ClientError
from reconciler.cli.framework import output
from reconciler.cli.framework.errors import ERROR, INTERRUPTED, OK, CliError, UsageError
from reconciler.cli.framework.helping.synonyms import resolved
from reconciler.cli.framework.words import call_of

_RARELY = 1_000_000
"""New objects between two collections; Python's own number is 700 (3.11)."""
COMPLETE = "__complete"
"""What the scripts of `recon completion` call; cobra's programs have it under the same name."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run ``recon`` and exit."""
    # What a verb reads it keeps until its end: the collector would go through it again and again
    # without success, for a sixth of the time that a look at 10,000 manifests takes.
    gc.set_threshold(_RARELY)
    output.prepare()
    words = sys.argv[1:] if arguments is None else [*arguments]
    output.leave(_complete(words[1:]) if words[:1] == [COMPLETE] else run(words))


def _complete(words: list[str]) -> int:
    from reconciler.cli.completion.answer import answer  # noqa: PLC0415  at the Tab key only

    return answer(words)


def run(arguments: Sequence[str]) -> int:
    """Run ``recon`` with these words; the exit code."""
    words = [word for word in arguments if word != "--debug"]
    debug = len(words) < len(arguments) or os.environ.get("RECON_DEBUG") == "1"
    try:
        return _call(resolved(words or ["--help"]))
    except (KeyboardInterrupt, EOFError):
        print(file=sys.stderr)  # below the terminal's ^C
        return INTERRUPTED
    except BrokenPipeError:
        output.discard()
        return ERROR
    except output.OutputError as error:
        output.discard()
        _report(str(error))
        return ERROR
    except Exception as error:
        if debug:
            raise
        _report(_sentence(error))
        return ERROR


def _report(sentence: str) -> None:
    from reconciler.render.terminal import folded  # noqa: PLC0415  only where something is wrong

    print(folded(f"recon: {sentence}", sys.stderr), file=sys.stderr)


def _call(words: list[str]) -> int:
    """Run what the words mean: by what the verb declares, else, and for errors, by way of typer."""
    call = call_of(words)
    if call is None:
        from reconciler.cli import by_typer  # noqa: PLC0415  heavy

        return by_typer.call(words)
    try:
        code = call()
    except UsageError as error:
        from reconciler.cli import by_typer  # noqa: PLC0415  heavy

        return by_typer.refuse(words, str(error))
    sys.stdout.flush()
    return code if isinstance(code, int) else OK


def _sentence(error: Exception) -> str:
    """The message of an error: its sentence if it was foreseen, else its type and place."""
    if isinstance(error, CliError | ClientError):
        return str(error)
    from reconciler.system.work.door import UnansweredError  # noqa: PLC0415  only where all fails

    if isinstance(error, UnansweredError):
        return str(error.strerror)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    at = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "unknown place"
    message = f"unexpected {type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"{message} ({at}); --debug shows more. This is a fault in recon, please report it"
