"""docs/errors.md has a paragraph for each code a client may see, and for no other."""

import re
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
FAMILIES = "http|client|route|method|python|overload|server|native|pool|admin|static|pin|experiment"
CODE = rf"(?:{FAMILIES})\.[a-z]+(?:_[a-z]+)*"

# Codes of errors that end the start or a command and reach a person, never a client.
NOT_FOR_CLIENTS = {
    "admin.bad_answer",
    "admin.bad_document",
    "admin.bad_url",
    "admin.no_server",
    "admin.refused",
    "native.not_found",
    "pool.not_found",
    "python.home",
    "python.interpreter",
    "python.not_found",
    "python.start_failed",
    "route.conflict",
}

# Types of ASGI messages, and keys of the config, which look like codes.
OTHERS = {"http.request", "http.disconnect", "admin.listen"}


def codes_in_sources():
    files = [*TREE.glob("src/**/*.?pp"), *TREE.glob("handlers/*.cpp"), *TREE.glob("python/tandem/*.py")]
    text = "\n".join(path.read_text() for path in files)
    return set(re.findall(rf'"({CODE})"', text)) - NOT_FOR_CLIENTS - OTHERS


def codes_in_document():
    return set(re.findall(rf"^### ({CODE})$", (TREE / "docs" / "errors.md").read_text(), re.MULTILINE))


def test_every_code_has_its_paragraph():
    assert codes_in_sources() - codes_in_document() == set()


def test_every_paragraph_has_its_code():
    assert codes_in_document() - codes_in_sources() == set()
