"""What every judgement starts from: revisions, instances, backoff, dependencies."""
