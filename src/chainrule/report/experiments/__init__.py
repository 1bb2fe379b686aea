"""The experiments, one module each, named after what they do; `contents` says which answers what.

`run(settings, progress, ...)` gives a `Finding`; further arguments are what other work has made.
"""
