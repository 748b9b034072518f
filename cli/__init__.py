"""The command line: the composition root. One file per group of verbs; heavy imports stay inside the commands."""
