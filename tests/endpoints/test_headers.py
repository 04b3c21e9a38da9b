def lines_without_pin(answer):
    return [line for line in answer.body.decode("latin-1").split("\n") if not line.startswith("Tandem-Arm:")]


def test_lists_fields_as_received_in_order(arm):
    answer = arm.get("/headers", [("X-One", "1"), ("x-TWO", "a  b"), ("X-One", "again"), ("Empty", "")])
    assert (answer.status, answer.type) == (200, "text/plain; charset=utf-8")
    assert lines_without_pin(answer) == ["Host: tandem.test", "X-One: 1", "x-TWO: a  b", "X-One: again", "Empty: ", ""]


def test_white_space_around_values_is_dropped_and_bytes_are_kept(arm):
    answer = arm.get("/headers", [("X-Space", " \t padded \t "), ("X-Latin", "caf\xe9"), ("under_score", "kept")])
    assert lines_without_pin(answer) == ["Host: tandem.test", "X-Space: padded", "X-Latin: caf\xe9", "under_score: kept", ""]
