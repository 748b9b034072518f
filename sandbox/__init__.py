"""Simulated vendors for demos and tests: a Jira Cloud and a Salesforce org, behaving as their documentation says.

Product code never imports this package. It holds everything in memory, binds to 127.0.0.1 only, and can be steered
through the endpoints under `/_sandbox/` (see `sandbox.control`), which the real systems do not have.
"""
