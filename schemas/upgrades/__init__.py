"""How a record of a superseded major becomes one of the next: `<entity>_<Event>_v<n>_v<n+1>.py` has one function.

    def upgrade(old: dict[str, Any]) -> dict[str, Any]:

Given are all fields as Avro decodes them (a decimal is a `Decimal`, a date a `date`, an instant an aware `datetime`, an
enum its symbol); returned are all fields of the next major in the same form. The head stays as it is. The function is
pure: it rests on nothing but the record. `enrichment_<entity>_<Event>_v<n>_v<n+1>.py` does the same for the enrichment
of an enriched event, which else stays as it is. Beside it lie examples, `<rule>.<case>.json`: `{"old": …, "new": …}`.

There is no rule today: every event has one major.
"""
