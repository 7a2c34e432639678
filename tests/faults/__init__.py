"""Every fault that har-stream states an outcome for, brought about on real parts: catalogue.py lists them."""
