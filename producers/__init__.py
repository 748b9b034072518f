"""Source systems, one module for each, found by its name: `use = "jira"` in a pipeline file is `producers/jira.py`."""
