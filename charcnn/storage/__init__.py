"""Files and folders that appear whole or not at all, locks, and paths: what every package that writes uses."""
