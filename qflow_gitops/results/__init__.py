"""What a command has to tell, as values, which `render` shows; decides the exit code.

Imports `plan` and below.
"""
