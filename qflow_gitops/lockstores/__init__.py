"""Where the lockfile can live: one store a file, all of them behind `interfaces.LockStore`."""
