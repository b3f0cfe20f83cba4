from domain.touchpoints.interaction import InteractionRecorded
from projections.customer.parts.interaction import PART
from tests.folding import fact, shown


def test_conversations_are_counted_by_channel_direction_and_counterpart() -> None:
    document = shown(
        PART,
        [
            fact(InteractionRecorded(direction="inbound", channel="phone", duration_seconds=60)),
            fact(InteractionRecorded(direction="outbound", channel="phone", duration_seconds=5)),
            fact(InteractionRecorded(direction="inbound", channel="chat", counterpart="bot")),
            fact(InteractionRecorded(direction="inbound", channel="phone")),
            fact(InteractionRecorded(direction="outbound")),
        ],
    )

    assert [
        {"channel": "chat", "inbound": 1, "outbound": 0},
        {"channel": "phone", "inbound": 2, "outbound": 1},
        {"channel": "unknown", "inbound": 0, "outbound": 1},
    ] == document["channels"]
    assert (4, 1, 65) == (document["human"], document["bot"], document["duration_seconds"])


def test_the_last_conversation_says_when_where_with_whom_and_what_about() -> None:
    last = fact(
        InteractionRecorded(direction="outbound", channel="phone", agent="a7", topic="delivery"),
        "2024-03-02",
    )
    earlier = fact(InteractionRecorded(direction="inbound", channel="chat"), "2024-03-01")

    expected = {
        "at": "2024-03-02T12:00:00Z",
        "direction": "outbound",
        "channel": "phone",
        "agent": "a7",
        "topic": "delivery",
    }
    assert expected == shown(PART, [earlier, last])["last_conversation"]
    assert expected == shown(PART, [last, earlier])["last_conversation"]


def test_without_a_conversation_there_is_no_last_one() -> None:
    assert shown(PART, [])["last_conversation"] is None
