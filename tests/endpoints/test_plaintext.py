def test_says_hello(arm):
    answer = arm.get("/plaintext")
    assert (answer.status, answer.type, answer.body) == (200, "text/plain; charset=utf-8", b"Hello, World!")


def test_head_has_the_length_and_no_body(arm):
    answer = arm.head("/plaintext")
    assert (answer.status, answer.get("content-length"), answer.body) == (200, "13", b"")
