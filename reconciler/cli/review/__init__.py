"""The plan as one comment of a pull request or merge request, which is kept up to date."""
