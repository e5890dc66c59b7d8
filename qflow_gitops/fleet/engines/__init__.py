"""Where members are worked on: one engine a file, each as `engine` says.

In: whose turn it is, by `fleet.worker`. Out: what came of it, in fleet.lock. An engine may do a
piece of work twice, or lose it: the members' lockfiles and the claims make either harmless.
"""
