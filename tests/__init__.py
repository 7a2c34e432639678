"""The tests of har-stream: a file a module, and end-to-end runs of the real process."""
