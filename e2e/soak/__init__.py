"""Hours of work for one controller: is what it holds level at the end? (`make soak HOURS=2`)"""
