"""How the fabric runs: the local stack, and the files that describe a deployment."""
