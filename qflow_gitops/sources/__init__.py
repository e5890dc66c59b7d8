"""Reads the settings, specs and policies that count at a commit or in the work tree.

Reads git by `ports.git`, and says what is missing, damaged or moved. Imports
`plan` and below.
"""
