"""`recon rollout`: progress, history, undo."""
