"""nftables text both ways: what is written is read back as the same tree, and lifted without loss."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dialects.nft.rulesets import MATCHES, everything, iif, input_rules, ports, source

from fwc.diagnostics import Severity
from fwc.dialects.base import LowerOptions
from fwc.dialects.nft import dialect
from fwc.dialects.nft import tree as t
from fwc.ir.match import (
    AddressTypeIs,
    CtState,
    Field,
    FieldIn,
    MaskedIn,
    Match,
    Not,
    Opaque,
    ReversePathFails,
    SetRef,
    TimeWindow,
    WithinRate,
    all_of,
    any_of,
    state_in,
)
from fwc.ir.model import Rule, Ruleset
from fwc.ir.verdict import ACCEPT, DROP, Goto, Jump, Log, OpaqueAction, OpaqueVerdict
from fwc.ir.walk import match_nodes, rules
from fwc.net.address_types import MULTICAST
from fwc.net.intervals import IntervalSet
from fwc.source import SourceFile

EVERYTHING = everything()


def text_of(ruleset: Ruleset) -> str:
    tree, diagnostics = dialect.lower(ruleset, LowerOptions())
    assert tree is not None, diagnostics
    return dialect.print(tree)[0].text


def read(text: str) -> Ruleset:
    tree, diagnostics = dialect.parse(SourceFile("x.nft", text))
    assert not diagnostics, diagnostics[0]
    lifted, more = dialect.lift(tree)
    assert not more, more[0]
    return lifted


def lines_of(match: Match) -> list[str]:
    text = text_of(input_rules(Rule(match, (), ACCEPT)))
    return [line.strip() for line in text.split("\n") if line.startswith("\t\t") and line.endswith(" accept")]


@pytest.mark.parametrize("name", [n for n in EVERYTHING if n != "native"])
def test_printed_text_is_read_back_as_the_same_text(name: str) -> None:
    text = text_of(EVERYTHING[name])
    tree, diagnostics = dialect.parse(SourceFile("x.nft", text))
    assert not diagnostics
    assert dialect.print(tree)[0].text == text.replace("#!/usr/sbin/nft -f\n", "")


@pytest.mark.parametrize("name", [n for n in EVERYTHING if "native" not in n])
def test_own_output_is_lifted_without_anything_unknown(name: str) -> None:
    for _, _, _, rule in rules(read(text_of(EVERYTHING[name]))):
        assert not any(isinstance(m, Opaque) and m.dialect for m in match_nodes(rule.match)), rule
        assert not isinstance(rule.verdict, OpaqueVerdict), rule
        assert not any(isinstance(a, OpaqueAction) for a in rule.actions), rule


@pytest.mark.parametrize("name", [n for n in EVERYTHING if n.startswith("match ")])
def test_lowering_what_was_lifted_gives_the_same_rules(name: str) -> None:
    """A fixed point after one turn: nothing is lost or widened on the way from text to IR and back."""
    first = read(text_of(read(text_of(EVERYTHING[name]))))
    second = read(text_of(first))
    one = [(c.name, r.match, r.verdict) for _, c, _, r in rules(first)]
    two = [(c.name, r.match, r.verdict) for _, c, _, r in rules(second)]
    assert one == two


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("interfaces", ['iifname { "eth0", "wg*" } accept']),
        ("source both", ["ip saddr 10.0.0.1 accept", "ip6 saddr 2001:db8::/32 accept"]),
        ("mixed", ["meta l4proto . th dport { tcp . 80, tcp . 443, udp . 443 } accept"]),
        ("both protocols", ["meta l4proto { tcp, udp } th dport 53 accept"]),
        ("not source", ["ip saddr != 10.0.0.0/8 accept", "meta nfproto ipv6 accept"]),
        ("echo", ["icmp type echo-request accept", "icmpv6 type echo-request accept"]),
        ("original port", ["meta l4proto tcp ct original proto-dst { 80, 443 } accept"]),
        ("syn", ["tcp flags syn / syn,rst accept"]),
        ("state", ["ct state established,related accept"]),
        ("not set", ["ip saddr != @banned4 accept", "ip6 saddr != @banned6 accept"]),
    ],
)
def test_readable_form(name: str, expected: list[str]) -> None:
    assert lines_of(MATCHES[name]) == expected


@pytest.mark.parametrize(
    "rule",
    [
        "ip saddr != 10.0.0.0/8 accept",
        "ip6 daddr != { 2001:db8::1, 2001:db8::3 } accept",
        "tcp dport != 22 accept",
        "meta mark != 0x00000005 accept",
        "meta l4proto != udp accept",
        "icmp type != echo-request accept",
        "ip ttl != 5 accept",
    ],
)
def test_what_is_left_out_is_written_as_it_was_read(rule: str) -> None:
    text = text_of(read(f"table inet f {{\n chain c {{\n  type filter hook input priority 0\n  {rule}\n }}\n}}\n"))
    assert f"\t\t{rule}\n" in text


def test_a_shared_rate_is_one_bucket() -> None:
    text = text_of(EVERYTHING["match rate over both"])
    assert text.count("rate 5/minute") == 1
    assert text.count("limit name") == 2


def test_large_groups_are_named_sets_without_needless_interval_flag() -> None:
    text = text_of(EVERYTHING["match group"])
    assert "set web_farm4 {" in text and "ip saddr @web_farm4" in text
    assert "interval" not in text


def test_empty_match_prints_no_rule() -> None:
    never = FieldIn(Field.SADDR, source().values)
    assert lines_of(never) == []


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=150, deadline=None)
def test_names_and_comments_never_break_out(label: str, chain: str) -> None:
    ruleset = input_rules(Rule(iif("eth0"), (), ACCEPT, label, label))
    lines = text_of(ruleset).split("\n")
    rule = next(line for line in lines if 'iifname "eth0"' in line)
    assert rule.count('"') in (2, 4)
    assert len(lines) == len(text_of(input_rules(Rule(iif("eth0"), (), ACCEPT))).split("\n"))


@pytest.mark.parametrize("prefix", ['a" drop', "a\nb", "x" * 128, "\x07"])
def test_hostile_log_prefix_is_refused(prefix: str) -> None:
    tree, diagnostics = dialect.lower(input_rules(Rule(iif("e"), (Log(prefix),), DROP)), LowerOptions())
    assert tree is None
    assert diagnostics[0].code == "FW031"


@pytest.mark.parametrize("name", ['eth0" accept', "a b", "x" * 16, "a\nb", "", "a*b"])
def test_hostile_interface_is_refused(name: str) -> None:
    tree, diagnostics = dialect.lower(input_rules(Rule(iif(name), (), DROP)), LowerOptions())
    assert tree is None or name == ""
    assert name == "" or diagnostics[0].code == "FW020"


def test_header_cannot_add_a_line() -> None:
    tree, _ = dialect.lower(input_rules(), LowerOptions(header=("a\nflush ruleset", "b \\")))
    assert tree is not None
    text = dialect.print(tree)[0].text
    assert "\nflush" not in text and "\\" not in text


# ----- import ----------------------------------------------------------------


def one_rule(statements: str) -> Rule:
    lifted = read(f"table inet f {{\n\tchain c {{\n\t\ttype filter hook input priority 0\n\t\t{statements}\n\t}}\n}}\n")
    (found,) = lifted.tables[0].chains[0].rules
    return found


def test_variables_sets_and_commands() -> None:
    lifted = read(
        "define lan = { eth1, eth2 }\nadd table ip f\nadd chain ip f in { type filter hook input priority -5; policy drop; }\n"
        "add rule ip f in iifname $lan tcp dport { 22, 80-90 } accept\ninsert rule ip f in ct state invalid drop\n"
    )
    (table,) = lifted.tables
    first, second = table.chains[0].rules
    assert first.match == state_in(CtState.INVALID)
    assert second.match == all_of(iif("eth1", "eth2"), ports(6, 22, (80, 90)))
    assert table.chains[0].base is not None and table.chains[0].base.priority == -5


def test_flag_words_without_operator_mean_any_of_the_bits() -> None:
    rule = one_rule("tcp flags syn drop")
    assert "FIN" not in repr(rule)
    assert rule == one_rule("tcp flags & syn != 0 drop")


def test_limit_and_meter() -> None:
    assert one_rule("limit rate 5/minute accept").match == WithinRate(5, 60, 5)
    assert one_rule("limit rate over 2 mbytes/second drop").match == WithinRate(2 << 20, 1, 0, "bytes", over=True)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("fib daddr type { broadcast, local }", any_of(*(AddressTypeIs(Field.DADDR, k) for k in ("broadcast", "local")))),
        ("fib saddr type != multicast", Not(FieldIn(Field.SADDR, MULTICAST))),
        ("fib saddr . mark . iif oif missing", ReversePathFails(mark=True)),
        ("fib saddr . mark oif exists", Not(ReversePathFails(loose=True, mark=True))),
        ('meta hour "08:00"-"17:59:59"', TimeWindow(28800, 64800)),
        ("meta hour 3600-7200", TimeWindow(3600, 7201, utc=True)),
        ("meta hour >= 3600", TimeWindow(3600, 86400, utc=True)),
        ('meta hour != "16:00:01"', Not(TimeWindow(57601, 57602))),
        ('meta time < "2026-12-31"', TimeWindow(until="2026-12-30T23:59:59")),
        ('meta time >= "2026-12-31 08:00"', TimeWindow(since="2026-12-31T08:00:00")),
        ("meta time 1205366400-1262307600",
         TimeWindow(since="2008-03-13T00:00:00", until="2010-01-01T00:59:59", utc=True)),
        ("tcp flags & (fin | syn) < syn", MaskedIn(Field.TCP_FLAGS, 3, IntervalSet.of(0, 1))),
        ("icmpv6 type . icmpv6 code { packet-too-big . no-route, 3 . 0-1 }",
         FieldIn(Field.ICMPV6, IntervalSet.of(0x200, 0x300, 0x301))),
        ("icmp type . icmp code != { destination-unreachable . 1 }",
         FieldIn(Field.ICMP, IntervalSet.of(0x301).complement(16))),
        ("icmp code net-unreachable", FieldIn(Field.ICMP, IntervalSet.of(*(kind << 8 for kind in range(256))))),
    ],
)  # fmt: skip
def test_condition(words: str, match: Match) -> None:
    assert one_rule(f"{words} accept").match == match


@pytest.mark.parametrize(
    "words",
    [
        'meta hour >= "08:00"',  # moved to UTC before it is compared
        'meta hour "22:00"-"06:00"',  # becomes the complement of another range, whose ends do not belong to it
        'meta hour "08:00"-3600',
        'meta time "2026-12-31"',  # one nanosecond
        "meta time < 0",
    ],
)
def test_times_that_are_kept_as_they_are(words: str) -> None:
    assert isinstance(one_rule(f"{words} accept").match, Opaque)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("set update ip saddr timeout 1m @seen", "update @seen { ip saddr timeout 1m }"),
        ("set add ip daddr @seen accept", "add @seen { ip daddr } accept"),
    ],
)
def test_changes_of_sets_as_they_were_written_before(old: str, new: str) -> None:
    table = "table ip t {{ set seen {{ type ipv4_addr; flags dynamic,timeout; }}\nchain c {{\n{rule}\n}} }}"
    one, two, other = (
        read(table.format(rule=r)).tables[0].chains[0].rules for r in (old, new, "delete @seen { ip saddr }")
    )
    assert one == two != other


def test_rules_in_braces_become_a_chain() -> None:
    lifted = read(
        "table inet f {\n chain c {\n  tcp dport 53 jump {\n   ip saddr 10.0.0.1 accept\n   goto { drop\n }\n  }\n"
        "  udp dport 53 goto { accept\n  }\n }\n chain c_block1 {\n }\n}\n"
    )
    chains = {chain.name: chain.rules for chain in lifted.tables[0].chains}
    assert [r.verdict for r in chains["c"]] == [Jump("c_block2"), Goto("c_block3")]  # the file has a c_block1
    assert [r.verdict for r in chains["c_block2"]] == [ACCEPT, Goto("c_block2_block1")]
    assert [r.verdict for r in chains["c_block2_block1"]] == [DROP]
    inner = chains["c_block2"][0].origin.span
    assert inner is not None and inner.line == 4


def test_rules_keep_their_place() -> None:
    rule = one_rule("tcp dport 22 accept")
    span = rule.origin.span
    assert span is not None and (span.line, span.column, span.text) == (4, 3, "tcp dport 22 accept")


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("table inet f {\n chain c {\n  tcp prot 22 accept\n }\n}\n", 3, "FW001"),
        ("table inet f {\n chain c {\n  accept\n", 4, "FW001"),
        ("table inet f {\n chain c {\n  tcp -port 22 accept\n }\n}\n", 3, "FW001"),
        ("table inet f {\n chain c {\n  ip . th dport { tcp . 22 } accept\n }\n}\n", 3, "FW001"),
        ("table inet f {\n chain c {\n  jump nowhere\n }\n}\n", 3, "FW015"),
        ("table inet f {\n chain c {\n  tcp dport $x accept\n }\n}\n", 3, "FW028"),
        ("table inet f {\n chain c {\n  tcp dport 90-80 accept\n }\n}\n", 3, "FW011"),
        ("tabel inet f {}\n", 1, "FW001"),
        ("table inet f {\n chain c {\n  policy reject\n }\n}\n", 3, "FW001"),
        ("table inet f {\n set s {\n  typo ipv4_addr\n }\n}\n", 3, "FW001"),
        ("table arp f {\n chain c {\n  arp saddr port 5 accept\n }\n}\n", 3, "FW001"),
    ],
)
def test_mistakes_are_reported_at_their_line(text: str, line: int, code: str) -> None:
    tree, diagnostics = dialect.parse(SourceFile("x.nft", text))
    _, more = dialect.lift(tree)
    found = [*diagnostics, *more]
    assert found and found[0].code == code
    assert found[0].primary is not None and found[0].primary.span.line == line


@pytest.mark.parametrize(
    ("rule", "code", "help"),
    [
        ("tcp dport htpp accept", "FW002", "did you mean `http`?"),
        ("tcp dport { 22, 80-htpp } accept", "FW002", "write the port's number"),
        ("meta l4proto . th dport { tcpp . 22 } accept", "FW002", "did you mean `tcp`?"),
        ("tcp dport vmap { zzz : accept }", "FW002", "write the port's number"),
        ("ip saddr gateway.example accept", "FW002", "write the address"),
        ("ip saddr 10.0.0.300 accept", "FW001", ""),
        ("ip saddr 1.2.3.4.5 accept", "FW001", ""),
        ("icmp type echo-reqest accept", "FW001", "did you mean `echo-request`?"),
        ("icmpv6 type { echo-request, router-advert } accept", "FW001", "did you mean `nd-router-advert`?"),
        ("tcp flags synn drop", "FW001", "did you mean `syn`?"),
        ("log level notify", "FW001", "write emerg, alert, crit, err, warn, notice, info, debug"),
        ("ct state vmap { estblished : accept }", "FW001", "did you mean `established`?"),
        ("ip dscp set cs1 ip dscp efx accept", "FW001", "did you mean `ef`?"),
    ],
)
def test_names_that_nobody_knows(rule: str, code: str, help: str) -> None:
    text = f"table inet f {{\n chain c {{\n  {rule}\n }}\n}}\n"
    tree, wrong = dialect.parse(SourceFile("x.nft", text))
    _, found = dialect.lift(tree)
    assert [(d.code, d.severity) for d in (*wrong, *found)] == [
        (code, Severity.WARNING if code == "FW002" else Severity.ERROR)
    ]
    assert found[0].help.startswith(help)


@pytest.mark.parametrize(
    "rule",
    [
        "tcp dport ftp-data accept",
        "tcp dport ssh-8080 accept",
        "tcp dport 0x16 accept",
        "tcp sport { www, 1024-65535 } accept",
        "meta l4proto ipv6-icmp accept",
        "icmp type 13-14 accept",
        "icmp type { echo-request, 0x11 } accept",
        "ip6 dscp { cs0, af11, 46 } accept",
        "ip saddr { 10.0.0.1-10.0.0.9, 192.0.2.0/24 } accept",
        "ip6 saddr ::ffff:192.0.2.1 accept",
        "tcp flags { syn, fin,ack } drop",
        "arp saddr ip != { 10.0.0.0/8, 192.168.0.0/16 } drop",
        "arp operation request arp daddr ether 00:11:22:33:44:55 accept",
    ],
)
def test_names_and_numbers_that_nft_knows(rule: str) -> None:
    one_rule(rule)


def test_every_mistake_of_a_file_is_reported() -> None:
    text = "table inet f {\n chain c {\n  foo 1\n  accept\n  bar 2\n }\n chain d {\n  tcp dprt 1\n }\n}\n"
    tree, diagnostics = dialect.parse(SourceFile("x.nft", text))
    assert [d.primary.span.line for d in diagnostics if d.primary] == [3, 5, 8]
    assert isinstance(tree.items[0], t.TableNode)


@given(st.text(alphabet='table inet{}"\\\n;,.@$/-:()# chain accept 0123456789', max_size=120))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_diagnostics_never_an_exception(text: str) -> None:
    tree, _ = dialect.parse(SourceFile("x.nft", text))
    dialect.lift(tree)
    dialect.print(tree)


def test_json_means_what_the_text_means() -> None:
    json_text = (
        '{"nftables": [{"metainfo": {"json_schema_version": 1}}, {"table": {"family": "inet", "name": "f"}},'
        '{"chain": {"family": "inet", "table": "f", "name": "c", "type": "filter", "hook": "input", "prio": 0,'
        '"policy": "drop"}}, {"rule": {"family": "inet", "table": "f", "chain": "c", "expr": [{"match": {"op": "==",'
        '"left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": {"set": [22, {"range": [80, 90]}]}}},'
        '{"accept": null}]}}]}'
    )
    rule = read(json_text).tables[0].chains[0].rules[0]
    assert rule.match == ports(6, 22, (80, 90)) and rule.verdict == ACCEPT


@pytest.mark.parametrize(
    "rule",
    [
        "ct mark set (meta mark | 16) << 8",
        "ct mark set meta mark | 16 << 8",
        "meta mark set ct mark & 0xff ^ (1 | 2)",
        "meta priority 1:4242 accept",
        'meta hour "18:00"-"19:00" accept',
        "tcp dport 80 meter m size 9 { ip saddr timeout 1m limit rate over 5/second } drop",
        'accept comment ""',
        "tcp flags syn jump {\n\t\t\ttcp sport 0 drop\n\t\t\taccept\n\t\t}",
    ],
)
def test_a_rule_is_printed_as_it_was_written(rule: str) -> None:
    text = f"table ip f {{\n\tchain c {{\n\t\t{rule}\n\t}}\n}}\n"
    tree, diagnostics = dialect.parse(SourceFile("x.nft", text))
    assert not diagnostics
    assert dialect.print(tree)[0].text == text


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ('{"tproxy": {"family": "ip6", "addr": "::1", "port": 5}}', "tproxy ip6 to [::1]:5"),
        ('{"match": {"op": "==", "left": {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, ["syn", "ack"]]},'
         '"right": ["syn", "ack"]}}', "tcp flags & (syn | ack) == syn | ack"),
        ('{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "new"]}}',
         "ct state established,new"),
        ('{"match": {"op": "==", "left": {"meta": {"key": "hour"}}, "right": {"range": ["10:00", "12:00"]}}}',
         'meta hour == "10:00"-"12:00"'),
        ('{"log": {"flags": ["tcp sequence", "skuid", "tcp options"]}}', "log flags tcp sequence,options flags skuid"),
        ('{"limit": "l"}', 'limit name "l"'),
        ('{"quota": {"val": 3, "val_unit": "mbytes", "inv": true}}', "quota over 3 mbytes"),
        ('{"snat": {"addr": {"prefix": {"addr": "10.0.0.0", "len": 24}}, "port": {"range": [1, 9]}}}',
         "snat to 10.0.0.0-10.0.0.255:1-9"),
        ('{"set": {"op": "update", "elem": {"payload": {"protocol": "ip", "field": "saddr"}}, "set": "@s",'
         '"stmt": [{"counter": null}]}}', "update @s { ip saddr counter }"),
    ],
)  # fmt: skip
def test_a_statement_of_json_as_text(statement: str, text: str) -> None:
    document = f'{{"nftables": [{{"rule": {{"family": "ip", "table": "t", "chain": "c", "expr": [{statement}]}}}}]}}'
    tree, diagnostics = dialect.parse(SourceFile("x.json", document))
    assert not diagnostics
    assert dialect.print(tree)[0].text == f"add rule ip t c {text}\n"


@pytest.mark.parametrize(
    "text", ['{"nftables": 3}', '{"nftables": [', '{"nftables": [{"rule": 3}]}', "{" * 5000 + '"nftables"']
)
def test_bad_json_is_a_diagnostic(text: str) -> None:
    _, diagnostics = dialect.parse(SourceFile("x.json", text))
    assert diagnostics and diagnostics[0].code == "FW001"


def test_runtime_set_pairs_become_one_set() -> None:
    lifted = read(text_of(EVERYTHING["match set"]))
    assert [s.name for s in lifted.tables[0].sets] == ["banned"]
    refs = {m.set for _, _, _, r in rules(lifted) for m in match_nodes(r.match) if isinstance(m, SetRef)}
    assert refs == {"banned"}


def test_ten_values_of_a_port_are_kept_exactly() -> None:
    wanted = IntervalSet.of(*range(1, 60, 2))
    lifted = read(text_of(EVERYTHING["match many ports"]))
    found = [
        m.values
        for _, _, _, r in rules(lifted)
        for m in match_nodes(r.match)
        if isinstance(m, FieldIn) and m.field is Field.DPORT
    ]
    assert found == [wanted]


def test_an_address_that_ends_in_dotted_form_is_one_word() -> None:
    """nft lists IPv4-mapped networks as `::ffff:0.0.0.0/96`."""
    from fwc.dialects.nft.lexer import Tokens
    from fwc.source import SourceFile

    words = ["::ffff:0.0.0.0/96", "::1.2.3.4-::1.2.3.9", "64:ff9b::192.0.2.1", "::1", "192.0.2.1", "fe80::/10"]
    assert Tokens(SourceFile("t", " ".join(words))).texts == [*words, *[""] * 8]
