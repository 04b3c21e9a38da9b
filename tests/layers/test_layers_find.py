"""The layer checks find what they are there to find: each is shown a small tree with one thing wrong in it."""

import layers
import pytest


@pytest.fixture
def tree(tmp_path):
    """Three rooms and the handlers, nothing wrong yet."""
    write(tmp_path, "src/base/CMakeLists.txt", "tandem_room(base SOURCES log.cpp)\n")
    write(tmp_path, "src/base/log.cpp", '#include "base/log.hpp"\n')
    write(tmp_path, "src/base/log.hpp", "#pragma once\n#include <string>\n")
    write(tmp_path, "src/net/CMakeLists.txt", "tandem_room(net\n  DEPENDS base  # the lowest\n  SOURCES a.cpp\n  LIBRARIES Boost::headers)\n")
    write(tmp_path, "src/net/a.cpp", '#include "base/log.hpp"\n#include "net/a.hpp"\n#include <boost/beast/http.hpp>\n')
    write(tmp_path, "src/net/a.hpp", "#pragma once\n")
    write(tmp_path, "src/native/CMakeLists.txt", "tandem_room(native DEPENDS base SOURCES native_backend.cpp)\n")
    write(tmp_path, "src/native/native_backend.cpp", "")
    write(tmp_path, "handlers/CMakeLists.txt", "target_link_libraries(tandem_handlers PUBLIC Tandem::native)\n")
    write(tmp_path, "handlers/greet.cpp", '#include "native/catalog.hpp"\n#include "base/log.hpp"\n')
    return tmp_path


def write(tree, path, text):
    file = tree / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def find_all(tree):
    rooms = layers.read_rooms(tree)
    return (
        layers.find_wrong_dependencies(rooms)
        + layers.find_wrong_includes(tree, rooms)
        + layers.find_unlisted_sources(rooms)
        + layers.find_broken_rules(tree)
    )


def test_a_clean_tree_has_nothing_to_find(tree):
    assert find_all(tree) == []


def test_reads_the_declaration(tree):
    room = layers.read_rooms(tree)["net"]
    assert (room.depends, room.sources) == ({"base"}, {"a.cpp"})


def test_reads_sources_in_folders(tree):
    write(tree, "src/python/CMakeLists.txt", "tandem_room(python DEPENDS base http SOURCES main.cpp asgi/serve.cpp LIBRARIES a::b)")
    room = layers.read_rooms(tree)["python"]
    assert (room.depends, room.sources) == ({"base", "http"}, {"main.cpp", "asgi/serve.cpp"})


@pytest.mark.parametrize(
    "path, text, expected",
    [
        ("src/base/log.cpp", '#include "net/a.hpp"\n', "src/base/log.cpp:1: base includes net/a.hpp"),
        ("src/net/a.hpp", '#pragma once\n  #  include "http/request.hpp"\n', "src/net/a.hpp:2: net includes http/request.hpp"),
        ("src/native/native_backend.cpp", "#include <net/a.hpp>\n", "native includes net/a.hpp"),
        ("handlers/greet.cpp", '#include "net/a.hpp"\n', "handlers/greet.cpp:1: handlers includes net/a.hpp"),
        ("src/net/b.cpp", "", "net: b.cpp is in the folder and not in SOURCES"),
        ("src/base/CMakeLists.txt", "tandem_room(base SOURCES log.cpp lost.cpp)", "base: lost.cpp is in SOURCES and not in"),
        ("src/base/CMakeLists.txt", "tandem_room(base DEPENDS net SOURCES log.cpp)", "base depends on net, which does not stand below"),
        ("src/native/CMakeLists.txt", "tandem_room(native DEPENDS net SOURCES native_backend.cpp)", "native depends on net"),
        ("src/native/CMakeLists.txt", "tandem_room(native DEPENDS nat SOURCES native_backend.cpp)", "nat, which is no room"),
        ("src/cellar/CMakeLists.txt", "tandem_room(cellar DEPENDS base)", "cellar: tests/layers/layers.py does not know"),
    ],
)
def test_finds_a_wrong_dependency(tree, path, text, expected):
    write(tree, path, text)
    assert [line for line in find_all(tree) if expected in line], find_all(tree)


@pytest.mark.parametrize(
    "path, line",
    [
        ("src/net/a.cpp", "#include <pybind11/embed.h>"),
        ("src/native/native_backend.cpp", "PyObject* object = nullptr;"),
        ("handlers/greet.cpp", "auto gil = PyGILState_Ensure();"),
        ("src/net/a.cpp", "co_spawn(executor, run(), asio::detached);"),
        ("src/native/native_backend.cpp", "asio::co_spawn(executor, run(), token);"),
        ("src/native/native_backend.cpp", "#include <boost/beast/core.hpp>"),
        ("src/net/a.cpp", "#include <nlohmann/json.hpp>"),
        ("src/net/a.cpp", "std::exit(1);"),
        ("src/net/a.cpp", "::_exit(1);"),
        ("src/net/a.cpp", 'auto home = std::getenv("HOME");'),
        ("src/net/a.cpp", "auto now = std::chrono::system_clock::now();"),
    ],
)
def test_finds_a_thing_out_of_its_place(tree, path, line):
    write(tree, path, "\n" + line + "\n")
    assert any(found.startswith(f"{path}:2: ") for found in layers.find_broken_rules(tree))


@pytest.mark.parametrize(
    "path, text",
    [
        ("src/net/a.cpp", "// not through pybind11, and nothing is detached\n"),
        ("src/net/a.cpp", '/* nlohmann\n   co_spawn */ const char* text = "PyObject";\n'),
        ("src/net/listener.cpp", "co_spawn(executor, run(), token);\n"),
        ("src/config/reader.cpp", "#include <nlohmann/json.hpp>\n"),
        ("src/python/gil.hpp", "#include <pybind11/pybind11.h>\n"),
        ("handlers/greet.cpp", "#include <nlohmann/json.hpp>\n"),
    ],
)
def test_leaves_comments_strings_and_the_right_places_alone(tree, path, text):
    write(tree, path, text)
    assert layers.find_broken_rules(tree) == []
