"""A program that crashes a few seconds after each start, for the sake of the example."""

import random
import sys
import time

lifetime = random.uniform(4, 12)
print("started, and well for the time being", flush=True)
time.sleep(lifetime)
sys.exit(f"crashed after {lifetime:.1f} s, as it does")
