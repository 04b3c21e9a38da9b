"""The rooms of src/ keep to what they declare, and each thing is named only where it belongs."""

from pathlib import Path

import layers
import pytest

TREE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def rooms():
    return layers.read_rooms(TREE)


def test_every_folder_is_a_room(rooms):
    folders = {path.name for path in (TREE / "src").iterdir() if path.is_dir() and layers.files_of(path)}
    assert folders - set(rooms) == set()


def test_rooms_depend_downwards_only(rooms):
    assert layers.find_wrong_dependencies(rooms) == []


def test_rooms_include_only_what_they_declare(rooms):
    assert layers.find_wrong_includes(TREE, rooms) == []


def test_every_source_is_listed(rooms):
    assert layers.find_unlisted_sources(rooms) == []


@pytest.mark.parametrize("rule", layers.RULES, ids=lambda rule: rule.name)
def test_each_thing_is_named_only_where_it_belongs(rule):
    assert layers.find_broken_rules(TREE, (rule,)) == []
