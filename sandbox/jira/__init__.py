"""A simulated Jira Cloud: issues and worklogs over REST v2 and v3, and signed admin webhooks."""
