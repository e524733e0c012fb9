"""The tree of turns."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sidestream.session.conversation import Conversation
from sidestream.session.turn import TurnStatus, Waiting
from tests.session.turns import answered, conversation, ids, message, stored


def test_running_and_find() -> None:
    chat = conversation()
    assert chat.running is None
    first = answered(chat, "1", message("a"))
    second = chat.add("2", "b", 0)
    assert chat.running is None
    assert chat.queued == [second]
    second.start()
    assert chat.running is second
    assert chat.queued == []
    assert chat.find("1") is first
    assert chat.find("9") is None
    assert [turn["id"] for turn in chat.view()["turns"]] == ["1", "2"]


# --- the tree ----------------------------------------------------------------------------------

COMMANDS = st.lists(
    st.tuples(
        st.sampled_from(["send", "finish", "branch", "show", "insert", "first", "cancel"]),
        st.integers(0, 30),
    ),
    max_size=40,
)


@given(COMMANDS)
def test_any_commands_leave_a_whole_tree_that_is_restored_as_it_was(
    commands: list[tuple[str, int]],
) -> None:
    conversation = Conversation(id="c")
    made: list[str] = []
    cancelled: set[str] = set()
    for number, (command, which) in enumerate(commands):
        path, queued, name = conversation.path, conversation.queued, str(number)
        chosen = path[which % len(path)] if path else None
        waiting = queued[which % len(queued)] if queued else None
        match command:
            case "send":
                conversation.add(name, name, 0).wait(Waiting(reason="turn"))
                made.append(name)
            case "finish" if queued:
                queued[0].start()
                queued[0].finish(TurnStatus.COMPLETED)
            case "branch" if chosen and chosen not in queued:
                conversation.branch(chosen, name, name, 0).finish(TurnStatus.COMPLETED)
                made.append(name)
                assert ids(conversation.queued) == ids(queued)
                assert name in ids(conversation.path)
            case "show" if conversation.turns and not queued:
                turn = conversation.turns[which % len(conversation.turns)]
                conversation.show(turn)
                assert turn in conversation.path
            case "insert" if waiting and waiting is queued[0]:
                conversation.insert(name, 0, waiting).finish(TurnStatus.COMPLETED)
                made.append(name)
                assert ids(conversation.queued) == ids(queued)
            case "first" if waiting:
                conversation.put_first(waiting)
                assert conversation.queued[0] is waiting
                assert sorted(ids(conversation.queued)) == sorted(ids(queued))
            case "cancel" if waiting:
                conversation.remove(waiting)
                cancelled.add(waiting.id)
                assert waiting not in conversation.path
        assert ids(conversation.turns) == [turn for turn in made if turn not in cancelled]
        assert conversation.path[-1:] == [
            t for t in conversation.turns if t.id == conversation.leaf
        ]
        for turn, after in pairwise(conversation.path):
            assert conversation.before(after) is turn
            assert after.status is TurnStatus.QUEUED or turn.status is not TurnStatus.QUEUED
        if conversation.path:
            assert conversation.path[0].parent is None
    for turn in conversation.queued:
        turn.sent = False
    again, ended = Conversation.restore(stored(conversation))
    assert ended == []
    assert ids(again.path) == ids(conversation.path)
    assert [again.view_of(turn) for turn in again.turns] == [
        conversation.view_of(turn) for turn in conversation.turns
    ]
