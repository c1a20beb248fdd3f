"""Files and folders that are whole or absent, and paths: what every room that writes uses."""
