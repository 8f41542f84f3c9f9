"""A Kafka with the topics and the rights that docs/streaming.md lists, and no others."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from financial_pipeline.local_cluster.runtime import RuntimePlan
from financial_pipeline.local_cluster.security import PIPELINE, STRANGER
from financial_pipeline.local_cluster.topics import create_topics
from financial_pipeline.schemas.stream import ALERTS_TOPIC, BARS_TOPIC, RAW_TOPIC
from financial_pipeline.streaming.job_script import JOB
from financial_pipeline.streaming.local_stream import stream_topics
from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.flink.conftest import eventually
from financial_pipeline_tests.flink.foreign import Foreign, foreign_cluster
from financial_pipeline_tests.flink.minute_bars import write_bars

LINES = (PROJECT_ROOT / "docs" / "streaming.md").read_text("utf-8").splitlines()
PREFIX = "names that start with "
USER = f"User:{STRANGER}"
ALLOW = AclPermissionType.ALLOW


def table(heading: str) -> list[list[str]]:
    """The rows of the table of the page that begins with this column."""
    first = next(n for n, line in enumerate(LINES) if line.startswith(f"| {heading} |")) + 2
    last = next(n for n in range(first, len(LINES)) if not LINES[n])
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES[first:last]]


def listed_rights() -> list[AclBinding]:
    """The rights that the page lists, as Kafka takes them."""
    found = []
    for resource, place, operations, _ in table("resource"):
        kind = ResourceType[resource.replace(" ", "_").upper()]
        is_prefix = place.startswith(PREFIX)
        pattern = ResourcePatternType.PREFIXED if is_prefix else ResourcePatternType.LITERAL
        names = [*stream_topics()] if kind is ResourceType.TOPIC else [place.split("`")[1]]
        for name in names:
            for operation in operations.split(", "):
                right = AclOperation[operation.upper()]
                found.append(AclBinding(kind, name, pattern, USER, "*", right, ALLOW))
    return found


def test_the_page_lists_every_topic_with_its_partitions() -> None:
    assert {name.strip("`"): int(n) for name, n in table("topic")} == stream_topics()


@pytest.fixture(scope="module")
def foreign(
    tmp_path_factory: pytest.TempPathFactory, runtime_plan: RuntimePlan
) -> Iterator[Foreign]:
    with foreign_cluster(runtime_plan, tmp_path_factory.mktemp("rights"), STRANGER) as found:
        yield found


@pytest.fixture(scope="module")
def admin(foreign: Foreign) -> AdminClient:
    """The rights of the one who operates Kafka."""
    return AdminClient(foreign.runtime.client)


@pytest.fixture(scope="module")
def permitted(foreign: Foreign, admin: AdminClient) -> Foreign:
    """All rights of the page, and all topics but one."""
    for answer in admin.create_acls(listed_rights()).values():
        answer.result()
    topics = {name: n for name, n in stream_topics().items() if name != ALERTS_TOPIC}
    create_topics(foreign.runtime.client, topics, 1)
    return foreign


@pytest.fixture(scope="module")
def complete(permitted: Foreign) -> Foreign:
    create_topics(permitted.runtime.client, stream_topics(), 1)
    return permitted


@pytest.mark.nightly
def test_without_any_right_every_topic_is_named(foreign: Foreign) -> None:
    done = foreign.run("submit")
    assert done.exit_code == 1
    [sentence] = done.errors.splitlines()
    assert sentence.startswith(f"Error: Kafka shows user {STRANGER} no topics ")
    for topic, partitions in stream_topics().items():
        assert f"{topic} ({partitions} partitions)" in sentence


@pytest.mark.nightly
def test_a_topic_that_is_absent_is_named(permitted: Foreign) -> None:
    done = permitted.run("submit")
    assert done.exit_code == 1
    [sentence] = done.errors.splitlines()
    assert f" no topics {ALERTS_TOPIC} (3 partitions), and the user may not create" in sentence
    assert BARS_TOPIC not in sentence
    write_bars(permitted.root / "JPM_1min.csv", 9, range(30, 33))
    absent = permitted.run("produce", str(permitted.root / "JPM_1min.csv"), "--topic", "absent")
    assert absent.exit_code == 1
    assert "The broker has no topic absent, or does not show it" in absent.errors


def committed(admin: AdminClient) -> set[str]:
    """The topics of which the job has committed offsets to its group."""
    asked = [ConsumerGroupTopicPartitions(JOB)]
    offsets = admin.list_consumer_group_offsets(asked)[JOB].result()
    return {place.topic for place in offsets.topic_partitions}


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("delivery", "client", "first"),
    [("at-least-once", "confluent-kafka", 30), ("exactly-once", "kafka-python", 40)],
)
def test_the_stream_runs_with_the_listed_rights(
    complete: Foreign, admin: AdminClient, delivery: str, client: str, first: int
) -> None:
    done = complete.run("submit", "--fresh", FINANCIAL_PIPELINE_STREAM_DELIVERY=delivery)
    assert done.exit_code == 0, done.errors
    complete.produce(f"JPM_{first}min.csv", first, first + 10, "--client", client)
    assert eventually(lambda: complete.bars() == list(range(30, first + 10))), complete.bars()
    assert eventually(lambda: committed(admin) == {RAW_TOPIC})
    stopped = complete.run("submit", "--stop")
    assert stopped.exit_code == 0, stopped.errors


def take(admin: AdminClient, topic: str, *operations: AclOperation) -> None:
    """Take rights on a topic from the user."""
    literal = ResourcePatternType.LITERAL
    gone = [
        AclBindingFilter(ResourceType.TOPIC, topic, literal, USER, "*", right, ALLOW)
        for right in operations
    ]
    for answer in admin.delete_acls(gone).values():
        assert len(answer.result()) == 1


@pytest.mark.nightly
def test_a_topic_that_may_not_be_read_is_one_sentence(
    complete: Foreign, admin: AdminClient
) -> None:
    known = complete.runtime.connection
    assert known.user == PIPELINE
    as_pipeline = {
        "FINANCIAL_PIPELINE_KAFKA_USER": PIPELINE,
        "FINANCIAL_PIPELINE_KAFKA_PASSWORD": known.password,
    }
    other = replace(complete, variables=complete.variables | as_pipeline)
    other.produce("JPM_50min.csv", 50, 55)
    take(admin, RAW_TOPIC, AclOperation.READ)
    for command in ("land", "consume"):
        done = complete.run(command)
        assert done.exit_code == 1
        assert done.errors.count("\n") == 1, done.errors
        assert f"{RAW_TOPIC} cannot be read: " in done.errors
        assert "authorization failed" in done.errors


@pytest.mark.nightly
def test_a_topic_that_the_user_may_not_see_is_not_taken_for_an_absent_one(
    complete: Foreign, admin: AdminClient
) -> None:
    # Either right shows the topic.
    take(admin, ALERTS_TOPIC, AclOperation.READ, AclOperation.WRITE)
    done = complete.run("land")
    assert done.exit_code == 1
    assert done.errors.count("\n") == 1, done.errors
    assert f"Kafka does not show {ALERTS_TOPIC} to this user." in done.errors
