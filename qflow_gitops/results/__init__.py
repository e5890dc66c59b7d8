"""What a command has to tell, as values, which `render` shows; decides the exit code.

A file for each kind of answer, each with the function that decides its exit code; that of an error
which is raised stands in `errors`. Imports `plan` and below.
"""
