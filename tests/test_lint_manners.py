"""What scripts and editors rely on: output formats, selection, severities, exit codes, suppressions, baseline, fixes."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fwc import api
from fwc.cli.main import cli
from fwc.diagnostics import Applicability, Edit, Fix, Severity
from fwc.errors import UsageError
from fwc.lints._registry import load_lints
from fwc.lints._settings import LintSettings
from fwc.project.loader import DiskFiles, standard_policies
from fwc.source import SourceFile, Span

ROOT = Path(__file__).resolve().parents[1]

RULES = """\
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -s 192.0.2.0/24 -j DROP
-A PREROUTING -s 192.0.2.7/32 -j ACCEPT
-A PREROUTING -s 198.51.100.5/24 -j DROP
COMMIT
"""
"""FW101 in line 4 (an error), FW012 in line 5 (a warning)."""

CLEAN = RULES.replace("-A PREROUTING -s 192.0.2.7/32 -j ACCEPT\n", "").replace("100.5/24", "100.0/24")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.v4").write_text(RULES)


def lint(*arguments: str, text: str | None = None, config: str = "") -> Result:
    if config:
        Path("fwc.yaml").write_text(config)
    words = ["lint", *arguments, "--today", "2026-06-01", *([] if config else ["--isolated"])]
    return CliRunner().invoke(cli, words, input=text, catch_exceptions=False, standalone_mode=False)


def codes(result: Result) -> list[str]:
    return [found["code"] for found in json.loads(result.stdout)]


def found_codes(*arguments: str, text: str | None = None, config: str = "") -> list[str]:
    return codes(lint(*arguments, "--output-format", "json", text=text, config=config))


# ----- formats ------------------------------------------------------------------


def test_full_and_concise() -> None:
    full = lint("rules.v4").stdout
    assert " --> rules.v4:4:1\n" in full and "^^^^" in full and "= help: " in full and "= witness: " in full
    lines = lint("rules.v4", "--output-format", "concise").stdout.splitlines()
    assert [re.match(r"rules\.v4:(\d+):(\d+): (error|warning) (FW\d+) ", line)[4] for line in lines] == [
        "FW101",
        "FW012",
    ]  # type: ignore[index]


def test_json_and_json_lines() -> None:
    array = json.loads(lint("rules.v4", "--output-format", "json").stdout)
    lines = [json.loads(line) for line in lint("rules.v4", "--output-format", "json-lines").stdout.splitlines()]
    assert array == lines
    first = array[0]
    assert (first["code"], first["name"], first["severity"]) == ("FW101", "unreachable-rule", "error")
    assert (first["filename"], first["location"], first["affects"]) == ("rules.v4", {"row": 4, "column": 1}, [4])
    assert first["related"][0]["location"]["row"] == 3 and first["witness"]["text"]
    assert first["url"].endswith("/unreachable-rule/")
    assert json.loads(lint("-", "--output-format", "json", text=CLEAN).stdout) == []


SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "properties": {"rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}}},
                            }
                        },
                    },
                    "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "automationDetails": {"type": "object", "required": ["id"]},
                    "invocations": {
                        "type": "array",
                        "items": {"type": "object", "required": ["executionSuccessful"]},
                    },
                },
            },
        },
    },
    "$defs": {
        "text": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}},
        "rule": {
            "type": "object",
            "required": ["id", "shortDescription", "fullDescription", "help", "helpUri", "defaultConfiguration"],
            "properties": {
                "id": {"pattern": "^FW[0-9]{3}$"},
                "shortDescription": {"$ref": "#/$defs/text"},
                "fullDescription": {"$ref": "#/$defs/text"},
                "help": {"$ref": "#/$defs/text"},
                "helpUri": {"type": "string", "format": "uri"},
                "properties": {
                    "type": "object",
                    "properties": {
                        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "maxItems": 20},
                        "precision": {"enum": ["very-high", "high", "medium", "low"]},
                        "problem.severity": {"enum": ["error", "warning", "recommendation"]},
                        "security-severity": {"type": "string", "pattern": r"^[0-9]+\.[0-9]$"},
                    },
                },
            },
        },
        "region": {
            "type": "object",
            "required": ["startLine", "startColumn", "endLine", "endColumn"],
            "additionalProperties": {"type": "integer", "minimum": 1},
        },
        "location": {
            "type": "object",
            "required": ["physicalLocation"],
            "properties": {
                "physicalLocation": {
                    "type": "object",
                    "required": ["artifactLocation", "region"],
                    "properties": {
                        "artifactLocation": {"type": "object", "required": ["uri"]},
                        "region": {"$ref": "#/$defs/region"},
                    },
                }
            },
        },
        "result": {
            "type": "object",
            "required": ["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"],
            "properties": {
                "level": {"enum": ["none", "note", "warning", "error"]},
                "message": {"$ref": "#/$defs/text"},
                "locations": {"type": "array", "maxItems": 1000, "items": {"$ref": "#/$defs/location"}},
                "relatedLocations": {"type": "array", "items": {"$ref": "#/$defs/location"}},
                "partialFingerprints": {
                    "type": "object",
                    "required": ["primaryLocationLineHash"],
                    "additionalProperties": {"type": "string"},
                },
                "suppressions": {"type": "array", "items": {"type": "object", "required": ["kind"]}},
            },
        },
    },
}
"""What GitHub code scanning requires of SARIF 2.1.0 (docs.github.com, "SARIF support for code scanning")."""


def test_sarif() -> None:
    import jsonschema

    text = RULES.replace("-A PREROUTING -s 198", "# fwc: ignore[FW012] -- as it was\n-A PREROUTING -s 198")
    log = json.loads(lint("-", "--stdin-filename", "etc/rules.v4", "--output-format", "sarif", text=text).stdout)
    jsonschema.validate(log, SARIF, format_checker=jsonschema.FormatChecker())
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"]] == [True, True]
    assert [bool(r.get("suppressions")) for r in run["results"]] == [False, True]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "etc/rules.v4", "uriBaseId": "%SRCROOT%"}
    assert all(len(each["fullDescription"]["text"]) <= 1024 for each in rules)


def test_sarif_of_every_code_has_texts() -> None:
    from fwc.diagnostics import error
    from fwc.render.sarif import render_sarif

    every = [error(each.code, "it is so", None, name=each.name) for each in load_lints().values()]
    log = json.loads(render_sarif(every))
    assert all(len(rule["help"]["text"]) > 60 for rule in log["runs"][0]["tool"]["driver"]["rules"])


def test_github() -> None:
    lines = lint("rules.v4", "--output-format", "github").stdout.splitlines()
    assert lines[0].startswith("::error ") and "file=rules.v4" in lines[0] and "line=4" in lines[0]
    assert lines[1].startswith("::warning ") and len(lines) == 2


def test_gitlab() -> None:
    issues = json.loads(lint("rules.v4", "--output-format", "gitlab").stdout)
    assert [i["check_name"] for i in issues] == ["unreachable-rule", "host-bits-set"]
    assert {i["severity"] for i in issues} <= {"info", "minor", "major", "critical", "blocker"}
    assert len({i["fingerprint"] for i in issues}) == 2
    assert issues[0]["location"]["path"] == "rules.v4"


def test_checkstyle_and_junit() -> None:
    tree = ET.fromstring(lint("rules.v4", "--output-format", "checkstyle").stdout)
    errors = tree.findall("./file[@name='rules.v4']/error")
    assert [(e.get("line"), e.get("severity")) for e in errors] == [("4", "error"), ("5", "warning")]
    suites = ET.fromstring(lint("rules.v4", "--output-format", "junit").stdout)
    assert len(suites.findall(".//failure")) == 2
    clean = ET.fromstring(lint("-", "--output-format", "junit", text=CLEAN).stdout)
    assert clean.findall(".//failure") == [] and len(clean.findall(".//testcase")) == 1


def test_grouped() -> None:
    result = lint("--output-format", "grouped", "rules.v4")
    heading, first, second = result.stdout.strip().split("\n")
    assert heading == "rules.v4:"
    assert first.split()[:3] == ["4:1", "error", "FW101"]
    assert second.split()[1:3] == ["warning", "FW012"]


def test_azure() -> None:
    lines = lint("--output-format", "azure", "rules.v4").stdout.splitlines()
    assert lines[0].startswith(
        "##vso[task.logissue type=error;sourcepath=rules.v4;linenumber=4;columnnumber=1;code=FW101;]"
    )
    assert len(lines) == 2


def test_azure_escapes_what_would_end_the_command() -> None:
    from fwc.diagnostics import Diagnostic, Label
    from fwc.render.azure import render_azure

    source = SourceFile("a];b%.v4", "x\n")
    found = Diagnostic("FW101", Severity.ERROR, "50%\nmore", Label(Span(source, 0, 1)))
    text = render_azure([found])
    assert "sourcepath=a%5D%3Bb%AZP25.v4;" in text
    assert text.endswith("]50%AZP25%0Amore\n")


RDJSON = {
    "type": "object",
    "required": ["source", "severity", "diagnostics"],
    "additionalProperties": False,
    "properties": {
        "source": {"type": "object", "properties": {"name": {"type": "string"}, "url": {"type": "string"}}},
        "severity": {"enum": ["ERROR", "WARNING", "INFO"]},
        "diagnostics": {"type": "array", "items": {"$ref": "#/$defs/diagnostic"}},
    },
    "$defs": {
        "position": {
            "type": "object",
            "additionalProperties": False,
            "required": ["line", "column"],
            "properties": {"line": {"type": "integer", "minimum": 1}, "column": {"type": "integer", "minimum": 1}},
        },
        "range": {
            "type": "object",
            "additionalProperties": False,
            "required": ["start", "end"],
            "properties": {"start": {"$ref": "#/$defs/position"}, "end": {"$ref": "#/$defs/position"}},
        },
        "diagnostic": {
            "type": "object",
            "additionalProperties": False,
            "required": ["message", "location", "severity", "code"],
            "properties": {
                "message": {"type": "string"},
                "location": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"path": {"type": "string"}, "range": {"$ref": "#/$defs/range"}},
                },
                "severity": {"enum": ["ERROR", "WARNING", "INFO"]},
                "code": {"type": "object", "properties": {"value": {"type": "string"}, "url": {"type": "string"}}},
                "suggestions": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"range": {"$ref": "#/$defs/range"}, "text": {"type": "string"}},
                    },
                },
            },
        },
    },
}
"""reviewdog's DiagnosticResult (proto/rdf/jsonschema/DiagnosticResult.jsonschema), as far as it is used."""


def test_rdjson() -> None:
    import jsonschema

    data = json.loads(lint("--output-format", "rdjson", "rules.v4").stdout)
    jsonschema.validate(data, RDJSON)
    assert data["severity"] == "ERROR"
    assert [d["code"]["value"] for d in data["diagnostics"]] == ["FW101", "FW012"]
    assert data["diagnostics"][0]["location"]["range"]["start"] == {"line": 4, "column": 1}
    assert json.loads(lint("--output-format", "rdjson", "--select", "FW5", "rules.v4").stdout)["diagnostics"] == []


def test_output_file() -> None:
    result = lint("rules.v4", "--output-format", "json", "-o", "found.json")
    assert result.stdout == "" and len(json.loads(Path("found.json").read_text())) == 2


# ----- what is reported ---------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ["FW101", "FW012"]),
        (("--select", "FW1"), ["FW101"]),
        (("--select", "host-bits-set"), ["FW012"]),
        (("--select", "FW1,FW012"), ["FW101", "FW012"]),
        (("--ignore", "FW101"), ["FW012"]),
        (("--select", "ALL", "--ignore", "unreachable-rule,FW0"), None),
    ],
)
def test_selection(words: Sequence[str], expected: list[str] | None) -> None:
    found = found_codes("rules.v4", *words)
    assert found == expected if expected is not None else not {"FW101", "FW012"} & set(found)


def test_extend_select_adds_to_the_default() -> None:
    assert found_codes("rules.v4", "--select", "FW1", "--extend-select", "FW012") == ["FW101", "FW012"]
    text = "flush ruleset\ntable inet t {\n\tchain c {\n\t\tip saddr 192.0.2.0/24 drop\n\t}\n}\n"
    assert found_codes("-", text=text) == []
    assert found_codes("-", "--persona", "pedantic", text=text) == ["FW903"]


def test_configuration_file() -> None:
    assert found_codes("rules.v4", config="ignore: [FW101]\n") == ["FW012"]
    assert found_codes("rules.v4", config='per-file-ignores: {"*.v4": [FW0]}\n') == ["FW101"]
    assert found_codes("rules.v4", config='per-file-ignores: {"*.v6": [FW0]}\n') == ["FW101", "FW012"]
    result = lint("rules.v4", "--output-format", "json", config="severity: {FW101: info, host-bits-set: error}\n")
    assert [d["severity"] for d in json.loads(result.stdout)] == ["info", "error"]
    assert found_codes("rules.v4", config="severity: {FW101: off}\n") == ["FW012"]


def test_exit_codes() -> None:
    assert lint("rules.v4").return_value == 1
    assert lint("rules.v4", "--exit-zero").return_value == 0
    assert lint("-", text=CLEAN).return_value == 0
    assert lint("rules.v4", "--select", "FW012").return_value == 1
    assert lint("rules.v4", "--select", "FW012", "--fail-level", "error").return_value == 0
    assert lint("rules.v4", "--fail-level", "error").return_value == 1
    info = lint("rules.v4", config="severity: {FW101: info, FW012: info}\n")
    assert info.return_value == 0 and "FW101" in info.stdout


def test_statistics_and_summary() -> None:
    result = lint("rules.v4", "--statistics")
    assert re.search(r"^ +1  FW012  host-bits-set$", result.stderr, re.M)
    assert "Found 1 error, 1 warning." in result.stderr


def test_directory_is_searched() -> None:
    Path("sub").mkdir()
    Path("sub/more.v4").write_text(RULES)
    Path("sub/note.txt").write_text("not a ruleset")
    found = json.loads(lint(".", "--output-format", "json").stdout)
    assert {d["filename"] for d in found} == {"rules.v4", "sub/more.v4"}


# ----- suppressions and baseline ------------------------------------------------

SILENT = RULES.replace("-A PREROUTING -s 192.0.2.7", "# fwc: ignore[FW101]{} \n-A PREROUTING -s 192.0.2.7")


def test_suppression_with_reason() -> None:
    text = SILENT.format(" -- kept until the move")
    assert found_codes("-", text=text) == ["FW012"]
    assert found_codes("-", "--no-ignores", text=text) == ["FW101", "FW012"]
    assert "1 suppressed" in lint("-", text=text).stderr


def test_suppression_in_a_rule_comment() -> None:
    rule = '-A PREROUTING -s 192.0.2.7/32 -m comment --comment "fwc:ignore[FW101] kept" -j ACCEPT\n'
    text = RULES.replace("-A PREROUTING -s 192.0.2.7/32 -j ACCEPT\n", rule)
    assert found_codes("-", text=text) == ["FW012"]


def test_suppression_of_a_range_and_a_file() -> None:
    text = RULES.replace("*raw", "# fwc: ignore-file[FW0, FW1] -- an example\n*raw")
    assert found_codes("-", text=text) == []
    text = RULES.replace("-A PREROUTING -s 192.0.2.0", "# fwc: off[FW1] -- an example\n-A PREROUTING -s 192.0.2.0")
    text = text.replace("COMMIT", "# fwc: on[FW1]\nCOMMIT")
    assert found_codes("-", text=text) == ["FW012"]


def test_expired_reasonless_and_unused_suppressions() -> None:
    assert found_codes("-", text=SILENT.format(" until=2026-05-31 -- until May")) == ["FW097", "FW101", "FW012"]
    assert found_codes("-", text=SILENT.format(" until=2026-06-30 -- until June")) == ["FW012"]
    assert found_codes("-", text=SILENT.format("")) == ["FW098", "FW012"]
    Path("suppressed.v4").write_text(SILENT.format(""))
    strict = lint("suppressed.v4", "--output-format", "json", config="require-reason: true\n")
    assert json.loads(strict.stdout)[0]["severity"] == "error"
    unused = CLEAN.replace("-A", "# fwc: ignore[FW503] -- nothing here\n-A", 1)
    assert found_codes("-", text=unused) == ["FW099"]


def test_suppression_clauses_of_a_policy() -> None:
    text = "syntax 1\nzone wan { iface eth0 }\nhost old = 192.0.2.1\nallow ssh from wan to self\n"
    assert found_codes("-", "--select", "FW840,FW099", text=text) == ["FW840"]
    clause = 'lint ignore unused-object because "the next change needs it"\n'
    assert found_codes("-", "--select", "FW840,FW099", text=text + clause) == []
    clause = 'allow http from wan to self ignore unused-object because "nothing here"\n'
    assert found_codes("-", "--select", "FW840,FW099", text=text + clause) == ["FW840", "FW099"]
    assert found_codes("-", "--select", "FW840", text=text + "lint off unused-object\n") == []
    raised = lint("-", "--select", "FW840", "--output-format", "json", text=text + "lint error unused-object\n")
    assert [d["severity"] for d in json.loads(raised.stdout)] == ["error"]


def test_baseline() -> None:
    assert lint("rules.v4", "--generate-baseline", "known.json").return_value == 0
    result = lint("rules.v4", "--baseline", "known.json")
    assert result.return_value == 0 and "2 in the baseline" in result.stderr
    moved = RULES.replace("*raw\n", "# moved down\n\n*raw\n") + ""
    moved = moved.replace("COMMIT", "-A PREROUTING -s 203.0.113.9/24 -j DROP\nCOMMIT")
    Path("rules.v4").write_text(moved)
    assert found_codes("rules.v4", "--baseline", "known.json") == ["FW012"]
    Path("rules.v4").write_text(CLEAN)
    assert "2 baseline entries no longer occur" in lint("rules.v4", "--baseline", "known.json").stderr


# ----- fixes --------------------------------------------------------------------

TWICE = CLEAN.replace("COMMIT", "-A PREROUTING -s 192.0.2.0/24 -j DROP\nCOMMIT")


def test_fix_writes_only_what_is_proved() -> None:
    Path("twice.v4").write_text(TWICE)
    result = lint("twice.v4", "--fix")
    assert Path("twice.v4").read_text() == CLEAN and "1 fixed" in result.stderr
    assert found_codes("twice.v4") == []


def test_diff_writes_nothing() -> None:
    Path("twice.v4").write_text(TWICE)
    shown = lint("twice.v4", "--fix", "--diff").stdout
    assert "\n--A PREROUTING -s 192.0.2.0/24 -j DROP\n" in shown and Path("twice.v4").read_text() == TWICE


def test_unsafe_fixes_are_asked_for() -> None:
    lint("rules.v4", "--fix")
    assert "192.0.2.7" in Path("rules.v4").read_text()
    lint("rules.v4", "--unsafe-fixes")
    assert "192.0.2.7" not in Path("rules.v4").read_text()


def test_a_safe_fix_that_changes_a_packet_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lint that calls its fix safe is not believed: the engine compares the two rulesets."""
    import dataclasses

    from fwc.api import linting

    real = linting.run_lints

    def lying(context: Any, earlier: Any = ()) -> Any:
        result = real(context, earlier)
        span = Span(context.source, context.source.text.find("-A"), context.source.text.find("-A") + 38)
        fix = Fix(Applicability.SAFE, "delete", (Edit(span, ""),))
        return dataclasses.replace(
            result, findings=tuple(dataclasses.replace(d, fixes=(fix,)) for d in result.findings)
        )

    monkeypatch.setattr(linting, "run_lints", lying)
    source = SourceFile("rules.v4", RULES)
    files = DiskFiles("rules.v4", standard_policies())
    outcome, text, fixed = api.fix(source, files, api.LintRequest("iptables-save", LintSettings()), unsafe=False)
    assert (text, fixed) == (RULES, 0)
    assert any("could not be proved" in note for note in outcome.notes)


# ----- inputs -------------------------------------------------------------------


def test_stdin_filename() -> None:
    found = json.loads(lint("-", "--stdin-filename", "x.v4", "--output-format", "json", text=RULES).stdout)
    assert {d["filename"] for d in found} == {"x.v4"}


def test_family_of_a_file_that_does_not_show_it() -> None:
    text = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p ipv6-icmp -j DROP\nCOMMIT\n"
    Path("bare").write_text(text.replace("ipv6-icmp", "58"))
    assert "FW008" in found_codes("bare", "--family", "v4")
    assert "FW008" not in found_codes("bare", "--family", "v6")


def test_companion_is_linted_together() -> None:
    Path("other.v6").write_text(RULES.replace("192.0.2.0/24", "2001:db8::/32").replace("192.0.2.7/32", "2001:db8::7/128")
                                .replace("198.51.100.5/24", "3fff::/20"))  # fmt: skip
    found = json.loads(lint("rules.v4", "--with", "other.v6", "--output-format", "json").stdout)
    assert [(d["filename"], d["code"]) for d in found] == [
        ("other.v6", "FW101"),
        ("rules.v4", "FW101"),
        ("rules.v4", "FW012"),
    ]


def test_unreadable_input_is_usage() -> None:
    from fwc.errors import UsageError

    with pytest.raises(UsageError):
        lint("not-there.v4")
    Path("odd").write_text("nothing that anybody knows\n")
    with pytest.raises(UsageError):
        lint("odd")


# ----- explain and rules --------------------------------------------------------


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words), catch_exceptions=False, standalone_mode=False)


@pytest.mark.parametrize("word", ["FW012", "host-bits-set", "fw101", "FW040", "FW531", "FW099"])
def test_explain(word: str) -> None:
    text = run("explain", word).stdout
    assert text.startswith("# FW") and "## Why is this bad?" in text


def test_rules_table() -> None:
    rows = json.loads(run("rules", "--output-format", "json").stdout)
    assert [row["code"] for row in rows] == sorted(load_lints())
    assert {row["severity"] for row in rows} <= {str(s) for s in Severity}
    assert len(run("rules").stdout.splitlines()) == len(rows)


# ----- the other options --------------------------------------------------------


def test_per_file_ignores() -> None:
    assert found_codes("rules.v4", "--per-file-ignores", "*.v4:FW101,FW5") == ["FW012"]
    assert found_codes("rules.v4", "--per-file-ignores", "*.nft:FW101") == ["FW101", "FW012"]
    with pytest.raises(UsageError, match="GLOB:CODES"):
        lint("rules.v4", "--per-file-ignores", "FW101")


def test_least_severity_and_confidence() -> None:
    assert found_codes("rules.v4", "--min-severity", "error") == ["FW101"]
    unsure = RULES + "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n"
    unsure += "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\nCOMMIT\n"
    Path("rules.v4").write_text(unsure)
    assert "FW510" not in found_codes("rules.v4")
    assert "FW510" in found_codes("rules.v4", "--min-confidence", "medium")
    assert "FW510" not in found_codes("rules.v4", "--persona", "auditor", "--min-confidence", "high")


def test_most_diagnostics() -> None:
    result = lint("rules.v4", "--output-format", "concise", "--max-diagnostics", "1")
    assert len(result.stdout.splitlines()) == 1
    assert "1 more findings are not shown" in result.stderr
    assert (
        lint("rules.v4", "--select", "FW012,FW101", "--max-diagnostics", "1", "--fail-level", "error").return_value == 1
    )


def test_show_files_and_settings() -> None:
    Path("notes.conf").write_text("nothing that is a ruleset\n")
    Path("sub").mkdir()
    Path("sub/more.v4").write_text(CLEAN)
    assert lint("--show-files").stdout.split() == ["rules.v4", "sub/more.v4"]
    settings = json.loads(lint("--show-settings", "--persona", "auditor").stdout)
    assert settings["persona"] == "auditor"
    assert settings["linear-run"] == 100


def test_a_configuration_key_on_the_command_line() -> None:
    assert found_codes("rules.v4", "--config", "ignore=[FW101]") == ["FW012"]
    settings = json.loads(lint("--show-settings", "--config", "thresholds.linear-run=16").stdout)
    assert settings["linear-run"] == 16
    with pytest.raises(UsageError, match="did you mean `thresholds`"):
        lint("rules.v4", "--config", "threshold.linear-run=16")
    Path("other.yaml").write_text("ignore: [FW101]\nselect: [FW1]\n")
    over = lint(
        "rules.v4", "--config", "other.yaml", "--config", "select=[FW0]", "--show-settings", config="persona: regular\n"
    )
    assert json.loads(over.stdout)["select"] == ["FW0"]
    assert json.loads(over.stdout)["ignore"] == ["FW101"]


def test_chains_of_other_programs() -> None:
    text = RULES.replace(
        "PREROUTING ACCEPT [0:0]\n", "PREROUTING ACCEPT [0:0]\n:f2b-ssh - [0:0]\n-A PREROUTING -j f2b-ssh\n"
    )
    text = text.replace("-A PREROUTING -s", "-A f2b-ssh -s")
    Path("rules.v4").write_text(text)
    assert found_codes("rules.v4", "--select", "FW1") == []
    assert found_codes("rules.v4", "--select", "FW1", "--foreign", "lint") == ["FW101"]


def test_fix_only_and_what_was_fixed() -> None:
    Path("rules.v4").write_text(RULES.replace("-s 192.0.2.7/32 -j ACCEPT", "-s 192.0.2.7/32 -j DROP"))
    result = lint("rules.v4", "--fix-only", "--show-fixes", "--exit-non-zero-on-fix")
    assert result.stdout == ""
    assert "fixed rules.v4: 1 x FW102 redundant-rule" in result.stderr
    assert result.return_value == 1
    again = lint("rules.v4", "--fix-only", "--exit-non-zero-on-fix")
    assert again.return_value == 0, "nothing was left to fix"


def test_add_ignore() -> None:
    with pytest.raises(UsageError, match="reason"):
        lint("rules.v4", "--add-ignore", " ")
    assert lint("rules.v4", "--add-ignore", "reviewed in May").return_value == 0
    assert "# fwc: ignore[FW101] -- reviewed in May\n-A PREROUTING -s 192.0.2.7/32" in Path("rules.v4").read_text()
    assert found_codes("rules.v4", "--persona", "pedantic", "--select", "FW0,FW1") == []
    assert found_codes("rules.v4", "--no-ignores") == ["FW101", "FW012"]


def test_management_from_networks() -> None:
    text = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n"
    text += "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
    text += "-A INPUT -s 10.1.0.0/16 -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"
    Path("rules.v4").write_text(text)
    assert "FW510" not in found_codes("rules.v4", config="management: {from: [10.1.2.0/24]}\n")
    assert "FW510" in found_codes("rules.v4", config="management: {from: [192.168.0.0/24]}\n")
    with pytest.raises(UsageError, match="management"):
        lint("rules.v4", config="management: {from: [office]}\n")


def test_every_name_of_the_language_is_a_lint() -> None:
    """`ignore NAME because` of docs/language.md 5.8: a lint's own name, or one that stands for codes."""
    from fwc.lints._aliases import ALIASES
    from fwc.lints._registry import find_lint

    text = (ROOT / "docs/language.md").read_text()
    listed = text[text.index("### 5.8") :].split("\n---", 1)[0].split("\n\n", 1)[1]
    names = re.findall(r"`([a-z-]+)`", re.sub(r"\([^)]*\)", "", listed))
    assert len(names) >= 25
    assert [name for name in names if find_lint(name) is None] == []
    lints = load_lints()
    assert {code for codes_ in ALIASES.values() for code in codes_} <= lints.keys()
    assert not ALIASES.keys() & {each.name for each in lints.values()}, "an alias hides a lint's own name"


def test_a_name_of_the_language_silences_its_codes() -> None:
    text = "zone wan { iface eth0 }\nallow ssh from any to self\nallow mysql from any to self {word}\n"
    Path("p.fw").write_text(text.replace("{word}", ""))
    assert found_codes("p.fw") == ["FW503"]
    Path("p.fw").write_text(text.replace("{word}", 'ignore wide-source because "the database of the club"'))
    assert found_codes("p.fw") == []
    Path("p.fw").write_text(text.replace("{word}", 'ignore wide-sources because "a slip"'))
    result = lint("p.fw")
    assert "did you mean wide-source?" in result.stdout
