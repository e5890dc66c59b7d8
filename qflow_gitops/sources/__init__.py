"""A commit or the work tree -> the settings, specs and policies that count there.

Reads git by `ports.GitTree`, and says what is missing, damaged or moved. Imports `cache`, `plan`
and below.
"""
