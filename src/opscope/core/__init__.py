"""The nouns of opscope as frozen records. No file, process or runtime is touched from here."""
