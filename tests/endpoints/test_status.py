import pytest


@pytest.mark.parametrize("code", [200, 201, 202, 299, 301, 400, 404, 418, 429, 500, 503, 599])
def test_answers_with_that_status(arm, code):
    answer = arm.get(f"/status/{code}")
    assert (answer.status, answer.type, answer.text) == (code, "text/plain; charset=utf-8", f"status {code}")


@pytest.mark.parametrize("code", [204, 205, 304])
def test_statuses_without_content_have_none(arm, code):
    answer = arm.get(f"/status/{code}")
    assert (answer.status, answer.type, answer.body) == (code, None, b"")
    assert answer.get("transfer-encoding") is None
    assert answer.get("content-length") in {204: [None], 205: ["0"], 304: [None, "0"]}[code]


@pytest.mark.parametrize("code", ["199", "600", "100", "0", "ok", "-200"])
def test_other_codes_are_refused(arm, code):
    problem = arm.get(f"/status/{code}").problem(400, "endpoint.bad_argument")
    assert problem["detail"] == "code must be a whole number from 200 to 599"
