"""``python -m reconciler.api``: the controller as a program."""

import gc
import sys

# What is imported stays: to go through it again and again is a tenth of the start.
gc.disable()

from reconciler.system import first_process, left_out  # noqa: E402  the collector is off by then

first_process.hold()
left_out.without_openssl()
left_out.without_plugins()

from reconciler.api.daemon.controller import main  # noqa: E402

if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    sys.exit(main())
