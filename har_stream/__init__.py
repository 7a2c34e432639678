"""har-stream: live motion samples in, activity labels out."""

__version__ = "0.1.0"
