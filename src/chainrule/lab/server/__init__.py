"""The lab's web server: who may ask (`guard`), what is sent, and the stream of events."""
