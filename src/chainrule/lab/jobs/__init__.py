"""What the lab runs: worker processes, and the store of runs."""
