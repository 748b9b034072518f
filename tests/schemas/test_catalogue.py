"""topics.toml and codes.toml: nothing unowned, nothing unreferenced, and mistakes that name their repair."""

from __future__ import annotations

from pathlib import Path

import pytest

import schemas
from schemas import catalogue, codebook, toml

TOPICS = catalogue.FILE.read_text(encoding="utf-8")
CODES = codebook.FILE.read_text(encoding="utf-8")
SOURCES = {"jira-acme": True, "ledger": False}


def concrete() -> dict[str, schemas.Topic]:
    return {topic.name: topic for topic in schemas.topics().concrete(SOURCES, ["price-time"], ["tryton-uk"])}


# --- topics -----------------------------------------------------------------------------------------------------------


def test_every_topic_has_an_owner_and_every_owner_a_topic() -> None:
    topics = schemas.topics()
    assert {rule.owner for rule in topics.topic} == set(topics.owners)


def test_every_event_has_its_topic() -> None:
    for event in schemas.events():
        topic = schemas.model(event).TOPIC or "deliver.<target>"
        assert event in schemas.topics().rule(topic).types, f"add {event} to {topic}"


def test_every_type_of_a_topic_is_an_event() -> None:
    listed = {event for rule in schemas.topics().topic for event in rule.types}
    assert listed - set(schemas.events()) <= {"any", "internal"}


def test_no_topic_is_without_a_type_and_none_is_listed_twice() -> None:
    rules = schemas.topics().topic
    assert [rule.name for rule in rules if not rule.types] == []
    assert len({rule.name for rule in rules}) == len(rules)


def test_the_topics_of_an_installation() -> None:
    names = set(concrete())
    components = {"jira-acme", "jira-acme.hydrate", "ledger", "price-time", "tryton-uk"}
    assert {f"{kind}.{name}" for kind in ("hold", "redo", "dlq") for name in components} <= names
    assert {"raw.jira-acme", "full.jira-acme", "raw.ledger", "deliver.tryton-uk", "applied.tryton-uk"} <= names
    assert {"psf.time", "ref.project", "ref.xref", "fabric.operations"} <= names
    assert not [name for name in names if "<" in name]


def test_a_fat_source_has_no_full_topic_and_no_hydrate_component() -> None:
    assert not {"full.ledger", "dlq.ledger.hydrate", "hold.ledger.hydrate"} & set(concrete())


def test_every_topic_of_a_component_has_as_many_partitions_as_its_input() -> None:
    topics = schemas.topics().concrete(SOURCES, ["price-time"], ["tryton-uk"], partitions=7)
    assert {topic.partitions for topic in topics if not topic.name.startswith("fabric.")} == {7}


def test_operations_have_one_order() -> None:
    assert concrete()["fabric.operations"].partitions == 1


def test_a_dead_letter_and_the_receipt_that_closes_it_are_dated_by_the_broker() -> None:
    dated = {
        name for name, topic in concrete().items() if topic.config.get("message.timestamp.type") == "LogAppendTime"
    }
    assert dated == {"psf.delivery", *(name for name in concrete() if name.startswith("dlq."))}


def test_what_buries_or_holds_has_room_for_reasons() -> None:
    topics = concrete()
    inputs = [t for name, t in topics.items() if name.split(".")[0] in ("raw", "full", "psf", "deliver")]
    largest = max(int(topic.config["max.message.bytes"]) for topic in inputs)
    room = {int(t.config["max.message.bytes"]) for n, t in topics.items() if n.split(".")[0] in ("hold", "redo", "dlq")}
    assert room == {largest + 65536}


def test_a_receipt_has_room_for_the_event_that_caused_it() -> None:
    topics = concrete()
    delivered = int(topics["deliver.tryton-uk"].config["max.message.bytes"])
    assert int(topics["psf.delivery"].config["max.message.bytes"]) == delivered + 65536


def test_retention_is_in_milliseconds_and_kept_for_ever_is_minus_one() -> None:
    topics = concrete()
    assert topics["raw.jira-acme"].config["retention.ms"] == str(100 * 24 * 3600 * 1000)
    assert topics["fabric.operations"].config["retention.ms"] == "-1"
    assert topics["psf.delivery"].config["cleanup.policy"] == "compact,delete"


def test_null_values_are_legal_only_where_something_is_compacted_or_kept_as_it_came() -> None:
    for rule in schemas.topics().topic:
        if rule.tombstones:
            assert rule.cleanup == "compact" or rule.name.split(".")[0] in ("redo", "dlq"), rule.name


def test_a_topic_name_leads_to_its_entry() -> None:
    topics = schemas.topics()
    assert topics.rule("psf.time").name == "psf.time"
    assert topics.rule("dlq.jira-acme.hydrate").name == "dlq.<component>"
    with pytest.raises(LookupError, match=r"psf\.tyme.*topics\.toml"):
        topics.rule("psf.tyme")


def test_a_component_name_means_one_component() -> None:
    with pytest.raises(ValueError, match="twice: same"):
        schemas.topics().concrete({"same": False}, ["same"])
    with pytest.raises(ValueError, match=r"twice: jira-acme\.hydrate"):
        schemas.topics().concrete({"jira-acme": True}, ["jira-acme.hydrate"])


@pytest.mark.parametrize("name", ["", "Tryton", "a b", "a/b", "a.b", "<source>", "é", "a\n", "-a", "a" * 101])
def test_a_component_name_is_one_that_a_topic_can_carry(name: str) -> None:
    with pytest.raises(ValueError, match="not a component name"):
        schemas.topics().concrete({}, [name])


def test_a_topic_has_a_partition() -> None:
    with pytest.raises(ValueError, match="at least one partition"):
        schemas.topics().concrete({}, partitions=0)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (
            "retention_days = 100",
            "retension_days = 100",
            r"topic\[0\] \(raw\.<source>\)\.retension_days: .*'retention_days'",
        ),
        ("partitions = 4", "partition = 4", "partition: unknown key; did you mean 'partitions'"),
        ("escalation =", "escalate =", r"owners\.integration\.escalate: unknown key; did you mean 'escalation'"),
        ('owner = "integration"', 'owner = "nobody"', r"raw\.<source>: owner 'nobody' is not in \[owners\]"),
        ('cleanup = "delete"', 'cleanup = "shred"', r"\(raw\.<source>\)\.cleanup: input should be 'delete'"),
        ("tombstones = false", 'tombstones = "no"', r"tombstones: input should be a valid boolean"),
        ('name = "raw.<source>"', 'name = "raw <source>"', r"topic\[0\] .*name: string should match"),
        ("partitions = 4", "partitions = ", "topics.toml: not TOML: .*line 10"),
    ],
)
def test_a_mistake_in_the_catalogue_names_place_and_repair(right: str, wrong: str, message: str) -> None:
    assert right in TOPICS
    with pytest.raises(toml.FileError, match=message):
        catalogue.parse(TOPICS.replace(right, wrong, 1))


def test_all_mistakes_are_named_at_once() -> None:
    text = TOPICS.replace("retention_days = 100", "keep = 100").replace("partitions = 4", "partitions = 0")
    with pytest.raises(toml.FileError) as wrong:
        catalogue.parse(text)
    assert len(str(wrong.value).splitlines()) > 3


# --- codes ------------------------------------------------------------------------------------------------------------


def test_the_first_codes_are_there_and_each_says_what_to_do() -> None:
    codes = schemas.codes()
    assert {"malformed-json", "schema-unknown", "resource-unknown", "erp-refused", "bug"} <= set(codes)
    assert codes["resource-unknown"].kind == "reference"
    assert all(code.do.endswith(".") and code.meaning.endswith(".") for code in codes.values())


def test_every_sort_of_fault_is_used() -> None:
    kinds = {code.kind for code in schemas.codes().values()}
    assert kinds == set(codebook.CodeClass.__args__)  # type: ignore[attr-defined]


def test_a_code_is_listed_once() -> None:
    with pytest.raises(toml.FileError, match="listed twice: bug"):
        codebook.parse(CODES + CODES[CODES.rindex("[[code]]") :])


@pytest.mark.parametrize(("right", "wrong"), [('code = "bug"', 'code = "Bug!"'), ('class = "bug"', 'class = "bugs"')])
def test_a_wrong_code_is_refused(right: str, wrong: str) -> None:
    with pytest.raises(toml.FileError, match=r"codes\.toml: code\[\d+\]"):
        codebook.parse(CODES.replace(right, wrong))


def test_a_misspelt_class_key_names_class_and_not_the_python_name() -> None:
    with pytest.raises(toml.FileError, match=r"klass: unknown key; did you mean 'class'"):
        codebook.parse(CODES.replace('class = "bug"', 'class = "bug"\nklass = "bug"'))


def test_the_rejection_examples_use_listed_codes() -> None:
    for path in (Path(schemas.__file__).parent / "examples").glob("*Rejected.*.pass.json"):
        model = schemas.model(path.name.rsplit(".", 3)[0]).model_validate_json(path.read_bytes())
        assert getattr(model, "code") in schemas.codes(), path.name  # noqa: B009
