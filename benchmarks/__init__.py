"""Benchmarks: each measures one goal against a reference in the same run, and prints one line.

``python -m benchmarks.NAME`` (``make bench-NAME``) starts servers of its own in a temporary folder,
says on the standard error what it does, prints one JSON object on the standard output and exits
with 0, whether or not the goal is met. ``--control NAME`` switches a defect on: ``met`` must then
be false, or the measurement proves nothing.
"""
