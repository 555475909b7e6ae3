"""The vocabulary: plain data that passes between the packages. Imports no other package of recon.

Times inside recon are *boot seconds*: seconds since boot including suspend
(``CLOCK_BOOTTIME``), the clock of ``/proc/PID/stat``. They survive a restart of the controller
and are blind to a step of the wall clock; only events and what people read are in wall time.
"""
