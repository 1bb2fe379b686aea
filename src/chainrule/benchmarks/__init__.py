"""The same work given to us and to the peers, in one run. Never a timed test."""
