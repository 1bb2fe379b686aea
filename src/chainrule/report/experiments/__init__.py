"""The experiments, one module each, named after what they do; `work` says which is run for what.

`run(settings, progress, ...)` gives a `Finding`; further arguments are what other work has made.
"""
