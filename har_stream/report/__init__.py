"""The faces of a report (har_stream.day_report): on the terminal, as a page, as a picture."""
