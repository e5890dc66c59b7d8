"""A fleet: many projects, each in a repository of its own, worked on wave by wave.

Each member is worked on by the ordinary program in a process of its own, and its own lockfile
makes every repeat harmless; `fleet.lock` (`lockfile.fleet`, behind `ports.fleet`) only
coordinates. `environ` is what such a process knows, `clones` where it works, `work` its run and
its limits. Imports `sources`, `stores`, `git` and below.
"""
