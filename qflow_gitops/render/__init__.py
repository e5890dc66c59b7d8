"""Turns a report into text: one format a file, listed in `formats`. Pure.

`escape` makes what files and servers say safe to show. What is written where is the console's
business.
"""
