"""The JSON that people and scripts read: one file a document."""
