"""Whether a program is ready, and who answers on its port."""
