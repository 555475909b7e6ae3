"""The command line: one file per group of verbs; what people read is kept apart from the verbs."""
