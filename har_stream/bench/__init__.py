"""har-stream bench: how many people this machine serves, how fast, and in how much memory."""
