"""What a CI system's environment says about who runs what: one file a system, see `detect`."""
