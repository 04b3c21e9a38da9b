def test_is_compact_json(arm):
    answer = arm.get("/json")
    assert (answer.status, answer.type, answer.body) == (200, "application/json", b'{"message":"Hello, World!"}')
