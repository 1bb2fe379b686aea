"""The lab: a page on your own machine in which a network is taken apart while it runs.

    server/    the web server: who may ask, what is sent, the stream of events
    jobs/      what runs: worker processes, and the store of runs
    rooms/     one module a room: its routes, its work, its links
    page/      what the browser runs, as it is in git

The server's process loads neither Numba nor PyTorch: all work is done by worker processes.
"""
