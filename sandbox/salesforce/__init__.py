"""A simulated Salesforce org: REST, OAuth, and change events over the Pub/Sub API."""
