"""Which divergence comes first: by step, then by time in it, people before the lab."""

from gp_helpers.history import History, Kind, Recorder, Redactor, first_divergence


def told(*said: tuple[str, str, float, int | None], begin: float = 0.0) -> History:
    """Steps' names, actors, times and statuses; None leaves the answer out."""
    now = begin
    recorder = Recorder(None, Redactor(), clock=lambda: now)
    recorder.start(case="auth.timing")
    step = ""
    for name, actor, at, status in said:
        now = begin + at
        if name != step:
            step = recorder.step = name
            recorder.add(Kind.STEP_STARTED, "lab", name)
        if status is not None:
            recorder.add(Kind.WS_REFUSED, actor, f"{actor}-ws-1", status=status)
    return recorder.history


def test_what_happened_earlier_in_its_step_comes_first_whatever_the_trials_pace() -> None:
    ours = told(("a", "ben", 5.0, 401), ("a", "ada", 5.4, 401))
    theirs = told(("a", "ben", 0.1, 503), ("a", "ada", 0.2, 503))
    divergence = first_divergence(ours, theirs)
    assert divergence is not None
    assert divergence.actor == "ben ben-ws-1"


def test_what_only_the_contrast_shows_counts_by_its_own_time() -> None:
    ours = told(("a", "ada", 1.0, 401), ("b", "ada", 2.0, 401), ("b", "ben", 2.5, None))
    theirs = told(("a", "ada", 1.0, 401), ("b", "ada", 2.0, 503), ("b", "ben", 2.5, 401))
    divergence = first_divergence(ours, theirs)
    assert divergence is not None
    assert divergence.actor == "ada ada-ws-1"


def test_people_come_before_the_lab() -> None:
    ours = told(("a", "lab", 0.1, 401), ("a", "ada", 0.9, 401))
    theirs = told(("a", "lab", 0.1, 503), ("a", "ada", 0.9, 503))
    divergence = first_divergence(ours, theirs)
    assert divergence is not None
    assert divergence.actor == "ada ada-ws-1"


def on_sockets(*received: tuple[str, str], closed: str | None = None) -> History:
    """What ada gets on her sockets after one question: the socket, and the event.

    ``closed`` says when the end of the first one is noticed: before or after the second opens.
    """
    recorder = Recorder(None, Redactor())
    recorder.start(case="routing.load_balancing")
    recorder.add(Kind.WS_OPENED, "ada", "ada-ws-1")
    if closed == "before":
        recorder.add(Kind.WS_CLOSED, "ada", "ada-ws-1", code=1006, by="platform")
    recorder.add(Kind.WS_OPENED, "ada", "ada-ws-2")
    if closed == "after":
        recorder.add(Kind.WS_CLOSED, "ada", "ada-ws-1", code=1006, by="platform")
    recorder.add(Kind.WS_SENT, "ada", "ada-ws-1", request_id="q", message={"type": "ask"})
    for socket, event in received:
        message = {"type": event}
        recorder.add(
            Kind.WS_RECEIVED, "ada", socket, message=message, events=[event], request_id="q"
        )
    return recorder.history


def test_two_devices_get_the_same_answer_at_their_own_pace() -> None:
    one = on_sockets(("ada-ws-1", "a"), ("ada-ws-1", "b"), ("ada-ws-2", "a"), ("ada-ws-2", "b"))
    other = on_sockets(("ada-ws-2", "a"), ("ada-ws-1", "a"), ("ada-ws-2", "b"), ("ada-ws-1", "b"))
    assert first_divergence(one, other) is None
    lost = on_sockets(("ada-ws-2", "a"), ("ada-ws-1", "a"), ("ada-ws-1", "b"))
    divergence = first_divergence(one, lost)
    assert divergence is not None
    assert divergence.actor == "ada answers to question 1 on device 2"


def test_an_answer_that_goes_on_after_a_reconnect_is_one_answer() -> None:
    one = on_sockets(("ada-ws-2", "a"), ("ada-ws-2", "b"), closed="before")
    other = on_sockets(("ada-ws-2", "a"), ("ada-ws-2", "b"), closed="after")
    assert first_divergence(one, other) is None
    lost = on_sockets(("ada-ws-2", "a"), closed="before")
    divergence = first_divergence(one, lost)
    assert divergence is not None
    assert divergence.actor == "ada answers to question 1"
