import pytest


@pytest.mark.parametrize("size", [1, 2, 33, 100])
def test_both_languages_draw_the_same_picture(both, size):
    cpp, py = (arm.get(f"/mandelbrot/{size}") for arm in both)
    assert (cpp.status, cpp.type) == (py.status, py.type) == (200, "image/x-portable-graymap")
    assert cpp.body == py.body
    head = b"P5\n%d %d\n255\n" % (size, size)
    assert cpp.body.startswith(head)
    assert len(cpp.body) == len(head) + size * size


def test_the_middle_is_in_the_set_and_the_corner_is_not(arm):
    picture = arm.get("/mandelbrot/64").body
    pixels = picture[-64 * 64 :]
    assert pixels[32 * 64 + 40] == 0
    assert pixels[0] > 200


@pytest.mark.parametrize("size", ["0", "1025", "-1", "big"])
def test_other_sizes_are_refused(arm, size):
    problem = arm.get(f"/mandelbrot/{size}").problem(400, "endpoint.bad_argument")
    assert problem["detail"] == "size must be a whole number from 1 to 1024"
