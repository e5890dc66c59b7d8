"""The clouds that a connector can lead to: one file a cloud, listed in `registry`."""
