"""What may be done to an app, and the questions before it is done."""
