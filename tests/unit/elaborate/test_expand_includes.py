"""`include`: position, once each, cycles, unreadable files."""

from __future__ import annotations

import pytest
from tests.unit.elaborate.expansion_support import at, error_of, expand_text, program_of, rules


def test_files_stand_where_they_are_included_and_once() -> None:
    files = {"a.fw": "allow ssh from any to self\n", "b.fw": 'include "a.fw"\nallow dns from any to self\n'}
    program = program_of(
        'deny ping from any to self\ninclude "b.fw"\ninclude "a.fw"\nallow ntp from any to self\n', files
    )
    assert [r.split()[1] for r in rules(program.statements)] == ["ping", "ssh", "dns", "ntp"]


def test_globs_are_read_in_order() -> None:
    files = {"d/2.fw": "allow dns from any to self\n", "d/1.fw": "allow ssh from any to self\n"}
    program = program_of('include "d/*.fw"\n', files)
    assert [r.split()[1] for r in rules(program.statements)] == ["ssh", "dns"]


def test_one_file_by_two_paths_is_read_once() -> None:
    files = {"a.fw": "allow ssh from any to self\n", "./a.fw": "allow ssh from any to self\n"}
    assert len(program_of('include "a.fw"\ninclude "./a.fw"\n', files).statements) == 1


def test_a_cycle_is_shown_whole_at_the_include() -> None:
    files = {"a.fw": 'include "b.fw"\n', "b.fw": 'include "a.fw"\n'}
    found = error_of('include "a.fw"\n', files)
    assert found.code == "FW061"
    assert "a.fw -> b.fw -> a.fw" in found.message
    assert at(found) == 'include "a.fw"' and found.primary is not None and found.primary.span.file.path == "b.fw"


def test_a_file_that_includes_itself() -> None:
    assert "policy.fw -> policy.fw" in error_of('include "policy.fw"\n', {"policy.fw": ""}).message


def test_a_missing_file_is_an_error_at_its_path() -> None:
    program, problems = expand_text('include "nowhere.fw"\n')
    assert program is None
    assert [at(p) for p in problems] == ['"nowhere.fw"']


def test_mistakes_of_an_included_file_are_at_its_lines() -> None:
    found = error_of('include "a.fw"\n', {"a.fw": "\ngroup g = nobody\n"})
    assert str(found.primary and found.primary.span) == "a.fw:2:11"


def test_declarations_of_included_files_are_seen_everywhere() -> None:
    program = program_of('group g = h\ninclude "a.fw"\n', {"a.fw": "host h = 10.0.0.1\n"})
    assert set(program.groups) == {"g", "h"}


def test_an_include_in_a_branch_not_taken_does_not_use_it_up() -> None:
    files = {"a.fw": "allow ssh from any to self\n"}
    text = 'when target pf { include "a.fw" }\ninclude "a.fw"\n'
    assert len(program_of(text, files).statements) == 1
    assert len(program_of(text, files, target="pf").statements) == 1


def test_a_deep_chain_of_files_is_refused() -> None:
    files = {f"{n}.fw": f'include "{n + 1}.fw"\n' for n in range(5000)}
    assert error_of('include "0.fw"\n', files).code == "FW064"


def test_growing_paths_end() -> None:
    """A directory that contains itself names a new path at every step."""

    files = {"/".join(["a"] * n) + "/x.fw": 'include "' + "/".join(["a"] * (n + 1)) + '/x.fw"\n' for n in range(1, 200)}
    assert error_of('include "a/x.fw"\n', files).code == "FW064"


@pytest.mark.parametrize("block", ["from any { %s }", "early { %s }", "host a { %s }"])
def test_includes_inside_blocks(block: str) -> None:
    text = block % ' include "a.fw" ' + "\n"
    program = program_of(text, {"a.fw": "deny ping from any to self\n"}, host="a" if "host" in block else "")
    assert len(program.statements) == 1
