"""The history: who had which activity when, kept in an SQLite file."""
