"""What every room may use: times, paths, files, differences.

In: plain values. Out: plain values. Imports nothing of the project but `errors`.
"""
