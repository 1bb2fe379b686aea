"""From the network's scores to a text: best path, prefix search, lexicon, rescoring."""
