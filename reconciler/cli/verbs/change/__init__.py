"""Verbs that change what is declared, or have the controller do something."""
