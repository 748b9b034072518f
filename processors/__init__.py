"""One file per step of the business path; each takes canonical events and is pure but for what it may look up."""
