"""The bench's own tests, and beside it the naive way: python -m tests.bench."""
