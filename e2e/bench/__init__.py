"""What recon promises about speed, measured: `make bench`.

Figures are honest when they are taken on this machine, in this run, beside the programs that do
the same, and when what disturbs them (load, an interpreter in place of a compiled program) is told
with them. Nothing here is a test: a slow machine fails nothing.
"""
