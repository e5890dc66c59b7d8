"""Where the bearer token comes from: one way a file, all behind `login.Login`.

What a way needs comes from the environment (`registry`); nothing in a repository chooses one.
"""
