"""The lab's rooms: a module of routes for each, and what its worker does."""
