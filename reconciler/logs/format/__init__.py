"""The forms that the writer and the reader share."""
