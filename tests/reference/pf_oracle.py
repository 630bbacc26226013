"""A naive interpreter of pf.conf, as the XNU kernel's pf decides: one packet at a time, rule by rule, states included.

It knows nothing of fwc. Written from bsd/net/pf.c (pf_test, pf_test_rule, pf_match_translation, pf_test_state_tcp) and
validated against verdicts that the kernel's own code gave. Words of the grammar it does not know raise an error.
"""

from __future__ import annotations

import ipaddress
import re

PROTO = {
    "tcp": 6,
    "udp": 17,
    "icmp": 1,
    "ipv6-icmp": 58,
    "icmp6": 58,
    "igmp": 2,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "sctp": 132,
}
ICMP4 = {
    "echorep": 0,
    "unreach": 3,
    "redir": 5,
    "echoreq": 8,
    "routeradv": 9,
    "routersol": 10,
    "timex": 11,
    "paramprob": 12,
}
ICMP6 = {"unreach": 1, "toobig": 2, "timex": 3, "paramprob": 4, "echoreq": 128, "echorep": 129, "routersol": 133}
ICMP6 |= {"routeradv": 134, "neighbrsol": 135, "neighbradv": 136, "redir": 137}
FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "W": 128}
OTHER_OPTIONS = {"round-robin", "random", "sticky-address", "static-port", "bitmask", "source-hash"}
TOKEN = re.compile(r'"[^"]*"|\'[^\']*\'|#[^\n]*|\\\n|\n|<>|><|->|[<>{}(),!=/]|-(?=\s)|[^\s<>{}(),!=/#"]+')


def net(text):
    """(version, low, high) of an address or prefix."""
    n = ipaddress.ip_network(text, strict=False)
    return (n.version, int(n.network_address), int(n.broadcast_address))


def swapped(address, version):
    """XNU compares the ends of `a - b` as 32-bit words in host byte order (pf_match_addr_range), which on every Mac is
    the wrong way round: 10.1.2.3 - 10.1.2.77 holds 192.0.2.9."""
    return [
        int.from_bytes((address >> shift & 0xFFFFFFFF).to_bytes(4, "big"), "little")
        for shift in ((0,) if version == 4 else (96, 64, 32, 0))
    ]


def parse_flags(text):
    return sum(FLAGS[c] for c in text)


class Words:
    def __init__(self, text):
        self.toks = [t for t in TOKEN.findall(text) if not t.startswith("#") and t != "\\\n"] + ["\n"]
        self.i = 0

    def peek(self):
        return self.toks[self.i] if self.i < len(self.toks) else "\n"

    def next(self):
        self.i += 1
        return self.toks[self.i - 1]

    def take(self, *words):
        if self.peek() in words:
            return self.next()
        return None

    def need(self, word):
        if self.next() != word:
            raise ValueError(f"expected {word}: {self.toks[max(0, self.i - 12) : self.i]}")

    def lines(self):
        while self.peek() == "\n" and self.i < len(self.toks):
            self.i += 1

    def many(self, one):
        if not self.take("{"):
            return [one()]
        out = []
        self.lines()
        while not self.take("}"):
            out.append(one())
            self.take(",")
            self.lines()
        return out


def unquote(text):
    return text[1:-1] if text[:1] in "\"'" else text


class Pf:
    """`ifaces` maps names to lists of "address/length". `routes` is not needed: the caller names the interfaces."""

    def __init__(self, conf, ifaces, users=None):
        self.ifaces = ifaces
        self.users = users or {}
        self.tables, self.skip, self.block_policy, self.if_bound = {}, set(), "drop", False
        self.rules = {"filter": [], "nat": [], "rdr": [], "binat": []}
        self.states = []
        self.read(Words(conf), self.rules["filter"])

    # ----- reading

    def read(self, w, filters):
        while w.i < len(w.toks):
            w.lines()
            if w.i >= len(w.toks) or w.peek() == "}":
                return
            self.statement(w, filters)
            if w.peek() not in ("\n", "}"):
                raise ValueError(f"cannot read {w.toks[max(0, w.i - 12) : w.i + 3]}")

    def statement(self, w, filters):
        word = w.next()
        if word == "table":
            self.table(w)
        elif word == "set":
            self.option(w)
        elif word in ("scrub", "scrub-anchor", "nat-anchor", "rdr-anchor", "dummynet-anchor", "load", "binat-anchor"):
            while w.peek() != "\n":
                w.next()
        elif word in ("nat", "rdr", "binat", "no"):
            self.translation(w, word)
        elif word in ("pass", "block", "anchor"):
            filters.append(self.filter(w, word))
        else:
            raise ValueError(f"unknown statement {word}")

    def option(self, w):
        name = w.next()
        if name == "skip":
            w.need("on")
            self.skip |= set(w.many(w.next))
        elif name == "block-policy":
            self.block_policy = w.next()
        elif name == "state-policy":
            self.if_bound = w.next() == "if-bound"
        else:
            while w.peek() != "\n":
                w.next()

    def table(self, w):
        w.need("<")
        name = w.next()
        w.need(">")
        entries = self.tables.setdefault(name, [])
        while w.peek() != "\n":
            if w.take("const", "persist"):
                continue
            for host in w.many(lambda: self.host(w)):
                for kind, negated, value in host:
                    assert kind == "net"
                    entries.append((value, negated))

    def own(self, name=None):
        return [net(a.split("/")[0]) for n, all_ in self.ifaces.items() for a in all_ if name in (None, n)]

    def host(self, w):
        """One item as a list of (kind, negated, value); several when a name stands for several addresses."""
        negated = bool(w.take("!"))
        word = w.next()
        if word == "<":
            name = w.next()
            w.need(">")
            return [("table", negated, name)]
        if word == "(":
            name = w.next()
            w.need(")")
            return [("never", negated, None)] if name == "self" else [("set", negated, self.own(name.split(":")[0]))]
        if word in ("no-route", "urpf-failed"):
            return [("never", negated, None)]
        if word == "self":
            return [("net", negated, n) for n in self.own()]
        if word in self.ifaces:
            return [("net", negated, n) for n in self.own(word)]
        if w.take("-"):
            low, high = net(word), net(w.next())
            return [("range", negated, (low[0], low[1], high[2]))]
        if w.take("/"):
            word += "/" + w.next()
        return [("net", negated, net(word))]

    def hosts(self, w):
        return [h for group in w.many(lambda: self.host(w)) for h in group]

    def port(self, w):
        if w.take("!"):
            w.need("=")
            return ("!=", int(w.next()), 0)
        for sign in ("=", "<", ">"):
            if w.take(sign):
                op = sign + (w.take("=") or "") if sign != "=" else "="
                return (op, int(w.next()), 0)
        word = w.next()
        if ":" in word:
            low, high = word.split(":")
            return (":", int(low), int(high))
        op = w.take("><", "<>")
        return (op, int(word), int(w.next())) if op else ("=", int(word), 0)

    def peer(self, w):
        hosts, ports = None, None
        if w.peek() != "port" and not w.take("any"):
            hosts = self.hosts(w)
        if w.take("port"):
            ports = w.many(lambda: self.port(w))
        return hosts, ports

    def head(self, w, rule):
        """on, family, proto, from, to."""
        if w.take("on"):
            rule["on"] = w.many(lambda: (bool(w.take("!")), unquote(w.next())))
        family = w.take("inet", "inet6")
        rule["af"] = {"inet": 4, "inet6": 6, None: None}[family]
        if w.take("proto"):
            rule["proto"] = [PROTO[p] if p in PROTO else int(p) for p in w.many(w.next)]
        if not w.take("all"):
            if w.take("from"):
                rule["src"], rule["sport"] = self.peer(w)
            if w.take("to"):
                rule["dst"], rule["dport"] = self.peer(w)

    def log(self, w):
        if w.take("log") and w.take("("):
            while not w.take(")"):
                w.next()

    def filter(self, w, action):
        rule = {"action": action, "answer": "", "label": None, "state": None, "quick": False}
        if action == "anchor" and w.peek() not in (
            "in",
            "out",
            "quick",
            "on",
            "inet",
            "inet6",
            "proto",
            "from",
            "to",
            "all",
            "{",
        ):
            w.next()
        if action == "block":
            rule["answer"] = w.take("drop", "return", "return-rst", "return-icmp", "return-icmp6") or self.block_policy
            if w.take("("):
                while not w.take(")"):
                    w.next()
        rule["dir"] = w.take("in", "out")
        self.log(w)
        rule["quick"] = bool(w.take("quick"))
        self.log(w)
        self.head(w, rule)
        while w.peek() not in ("\n", "{"):
            self.filter_option(w, rule)
        if action == "anchor":
            rule["rules"] = []
            if w.take("{"):
                self.read(w, rule["rules"])
                w.need("}")
        elif action == "pass" and rule["state"] is None:
            rule["state"] = "keep"
        if action == "pass" and rule["state"] != "no" and "flags" not in rule and not rule.get("fragment"):
            rule["flags"] = (2, 18)
        return rule

    def filter_option(self, w, rule):
        word = w.next()
        if word == "label":
            rule["label"] = unquote(w.next())
        elif word == "tag":
            rule["tag"] = unquote(w.next())
        elif word == "tagged":
            rule["tagged"] = (False, unquote(w.next()))
        elif word == "!":
            w.need("tagged")
            rule["tagged"] = (True, unquote(w.next()))
        elif word == "flags":
            first = w.next()
            if first == "any":
                rule["flags"] = (0, 0)
            elif first == "/":
                rule["flags"] = (0, parse_flags(w.next()))
            else:
                w.need("/")
                rule["flags"] = (parse_flags(first), parse_flags(w.next()))
        elif word in ("icmp-type", "icmp6-type"):
            names = ICMP4 if word == "icmp-type" else ICMP6

            def one():
                name = w.next()
                code = int(w.next()) if w.take("code") else None
                return (names[name] if name in names else int(name), code)

            rule["icmp"] = w.many(one)
        elif word in ("keep", "modulate", "synproxy", "no"):
            w.need("state")
            rule["state"] = word
            if w.take("("):
                while not w.take(")"):
                    w.next()
        elif word in ("user", "group"):
            rule[word] = w.many(lambda: self.identity(w))
        elif word == "fragment":
            rule["fragment"] = True
        elif word == "allow-opts":
            pass
        else:
            raise ValueError(f"unknown option {word}: {w.toks[max(0, w.i - 12) : w.i]}")

    def identity(self, w):
        negated = bool(w.take("!"))
        w.take("=")
        return (negated, unquote(w.next()))

    def translation(self, w, word):
        rule = {"action": word, "no": word == "no", "label": None}
        if word == "no":
            rule["action"] = word = w.next()
            if word == "scrub":
                while w.peek() != "\n":
                    w.next()
                return
        rule["pass"] = bool(w.take("pass"))
        self.log(w)
        self.head(w, rule)
        while w.peek() not in ("\n", "->"):
            self.filter_option(w, rule)
        if w.take("->"):
            rule["pool"] = self.hosts(w)
            if w.take("port"):
                text = w.next()
                low, _, high = text.partition(":")
                rule["ports"] = (int(low), high if high == "*" else int(high or low))
            while w.peek() != "\n":
                option = w.next()
                assert option in OTHER_OPTIONS, option
                rule[option] = True
        self.rules[word].append(rule)

    # ----- matching

    def in_table(self, name, version, address):
        best = None
        for (v, low, high), negated in self.tables.get(name, ()):
            if v == version and low <= address <= high and (best is None or high - low <= best[0]):
                best = (high - low, negated)
        return best is not None and not best[1]

    def address(self, hosts, version, address):
        """Items are OR-ed; an item of the other family drops out (its expansion has that family)."""
        if hosts is None:
            return True
        for kind, negated, value in hosts:
            if kind == "net":
                if value[0] == version and (value[1] <= address <= value[2]) is not negated:
                    return True
            elif kind == "range":
                if (
                    value[0] == version
                    and (swapped(value[1], version) <= swapped(address, version) <= swapped(value[2], version))
                    is not negated
                ):
                    return True
            elif kind == "set":
                if any(v == version and low <= address <= high for v, low, high in value) is not negated:
                    return True
            elif kind == "table":
                if self.in_table(value, version, address) is not negated:
                    return True
            elif negated:
                return True
        return False

    @staticmethod
    def ports(tests, port):
        if tests is None:
            return True
        for op, a, b in tests:
            hit = {
                "=": port == a,
                "!=": port != a,
                "<": port < a,
                "<=": port <= a,
                ">": port > a,
                ">=": port >= a,
                ":": a <= port <= b,
                "><": a < port < b,
                "<>": port < a or port > b,
            }[op]
            if hit:
                return True
        return False

    @staticmethod
    def on(rule, iface):
        return "on" not in rule or any((name == iface) is not negated for negated, name in rule["on"])

    def basic(self, rule, p, src, sport, dst, dport, direction, iface):
        if not self.on(rule, iface):
            return False
        if rule.get("dir") not in (None, direction):
            return False
        if rule.get("af") not in (None, p["version"]):
            return False
        if rule.get("proto") and p["proto"] not in rule["proto"]:
            return False
        if not self.address(rule.get("src"), p["version"], src) or not self.address(rule.get("dst"), p["version"], dst):
            return False
        if p["proto"] in (6, 17):
            return self.ports(rule.get("sport"), sport) and self.ports(rule.get("dport"), dport)
        return rule.get("sport") is None and rule.get("dport") is None

    def full(self, rule, p, direction, iface):
        if not self.basic(rule, p, p["src"], p["sport"], p["dst"], p["dport"], direction, iface):
            return False
        if p["fragment"] and (
            rule.get("sport")
            or rule.get("dport")
            or rule.get("icmp")
            or (rule.get("flags", (0, 0))[1] and rule.get("proto") == [6])
        ):
            return False
        if rule.get("fragment") and not p["fragment"]:
            return False
        if p["proto"] == 6 and "flags" in rule and not p["fragment"]:
            ones, mask = rule["flags"]
            if p["flags"] & mask != ones:
                return False
        if rule.get("icmp") and not self.icmp(rule["icmp"], p):
            return False
        for kind in ("user", "group"):
            if kind in rule and p["proto"] in (6, 17):
                has = p.get(kind)
                if not any(
                    ((has is not None and str(has) == name) or (has is None and name == "unknown")) is not n
                    for n, name in rule[kind]
                ):
                    return False
        if "tagged" in rule:
            negated, name = rule["tagged"]
            if (p["tag"] == name) is negated:
                return False
        return True

    @staticmethod
    def icmp(tests, p):
        return p["proto"] in (1, 58) and any(p["type"] == t and c in (None, p["code"]) for t, c in tests)

    def evaluate(self, rules, p, direction, iface, found):
        """Last match wins; True when a quick rule ended everything. `found` holds the rule; tags stick at once."""
        for rule in rules:
            if not self.full(rule, p, direction, iface):
                continue
            if "tag" in rule:
                p["tag"] = rule["tag"]
            if rule["action"] == "anchor":
                before = found[0]
                found[0] = None
                ended = self.evaluate(rule["rules"], p, direction, iface, found)
                inside = found[0] is not None
                if not inside:
                    found[0] = before
                if ended or (inside and rule["quick"]):
                    return True
                continue
            found[0] = rule
            if rule["quick"]:
                return True
        return False

    # ----- translation

    def translate(self, p, direction, iface):
        """The first translation rule that matches and the packet's new (src, sport, dst, dport), or None."""
        order = ("rdr", "binat") if direction == "in" else ("binat", "nat")
        for kind in order:
            rule = self.first(self.rules[kind], kind, p, direction, iface)
            if rule is not None and not rule["no"]:
                new = self.rewrite(rule, p, direction, iface)
                if new is not None:
                    return rule, new
        return None, None

    def first(self, rules, kind, p, direction, iface):
        for rule in rules:
            tagged = rule.get("tagged")
            if tagged and (p["tag"] == tagged[1]) is tagged[0]:
                continue
            if kind == "binat" and direction == "in":
                probe = {k: v for k, v in rule.items() if k not in ("src", "dst", "sport", "dport")}
                probe["src"] = rule.get("dst")
                if rule.get("pool"):
                    probe["dst"] = rule["pool"]
                elif rule["no"]:
                    continue
                if not self.basic(probe, p, p["src"], p["sport"], p["dst"], p["dport"], direction, iface):
                    continue
            elif not self.basic(rule, p, p["src"], p["sport"], p["dst"], p["dport"], direction, iface) or (
                rule.get("pool") and not self.choices(rule, p["version"])
            ):
                continue
            if "tag" in rule:
                p["tag"] = rule["tag"]
            return rule
        return None

    def choices(self, rule, version):
        out = []
        for kind, _, value in rule["pool"]:
            if kind == "net":
                out += [value] if value[0] == version else []
            elif kind == "set":
                out += [v for v in value if v[0] == version]
            elif kind == "table":
                out += [v for v, negated in self.tables.get(value, ()) if v[0] == version and not negated]
        return out

    def rewrite(self, rule, p, direction, iface):
        choices = self.choices(rule, p["version"])
        src, sport, dst, dport = p["src"], p["sport"], p["dst"], p["dport"]
        if rule["action"] == "binat":
            if direction == "out":
                low = next(v for k, n, v in rule["src"] if v[0] == p["version"])
                src = choices[0][1] + (src - low[1])
            else:
                low = next(v for k, n, v in rule["src"] if v[0] == p["version"])
                dst = low[1] + (dst - choices[0][1])
        elif rule["action"] == "rdr":
            dst = choices[0][1]
            if rule.get("ports"):
                low, high = rule["ports"]
                dport = low + (dport - rule["dport"][0][1] if high == "*" or high != low else 0)
        else:
            src = choices[0][1]
            if p["proto"] in (6, 17) and not rule.get("static-port"):
                sport = None  # the kernel picks one of 50001-65535, or of the rule's range
        return src, sport, dst, dport

    # ----- states

    def find_state(self, p, iface, direction):
        for state in self.states:
            if state["if"] not in (None, iface) or state["proto"] != p["proto"] or state["version"] != p["version"]:
                continue
            if direction == "in":
                key = (p["src"], p["sport"], p["dst"], p["dport"])
                want = (*state["ext"], *state["gwy"])
            else:
                key = (p["src"], p["sport"], p["dst"], p["dport"])
                want = (*state["lan"], *state["ext"])
            if p["proto"] in (1, 58):
                key = (key[0], key[2], p["id"])
                port = state["gwy"][1] if direction == "in" else state["lan"][1]
                want = (want[0], want[2], port)
            elif p["proto"] not in (6, 17):
                key, want = (key[0], key[2]), (want[0], want[2])
            if key == want:
                return state
        return None

    def track(self, state, p, direction):
        """pf_test_state_tcp: "pass", "drop", or "gone" when the state was closed and a new SYN comes."""
        same = direction == state["dir"]
        src, dst = (state["a"], state["b"]) if same else (state["b"], state["a"])
        flags, seq, ack, win = p["flags"], p["seq"], p["ack"], p["win"]
        if flags & 18 == 2 and dst["state"] >= 9 and src["state"] >= 9:
            self.states.remove(state)
            return "gone"
        end = seq + bool(flags & 2) + bool(flags & 1)
        if src["lo"] == 0:
            if state["modulate"] and dst["diff"]:
                ack -= dst["diff"]
                src["diff"] = 1
            src["lo"] = seq
            src["state"] = max(src["state"], 2)
            if src["hi"] == 1 or end + max(1, dst["win"]) >= src["hi"]:
                src["hi"] = end + max(1, dst["win"])
            src["win"] = max(src["win"], win)
        else:
            ack -= dst["diff"]
        if not flags & 16 or (ack == 0 and flags & 20 == 20) or dst["state"] < 2:
            ack = dst["lo"]
        if seq == end:
            seq = end = src["lo"]
        skew = dst["lo"] - ack
        window = 0xFFFF + 1500
        if src["hi"] >= end and seq >= src["lo"] - dst["win"] and -window <= skew <= window:
            src["win"] = max(src["win"], win)
            src["lo"] = max(src["lo"], end)
            if ack + win >= dst["hi"]:
                dst["hi"] = ack + max(win, 1)
            if flags & 2:
                src["state"] = max(src["state"], 2)
            if flags & 1:
                src["state"] = max(src["state"], 7)
            if flags & 16:
                if dst["state"] == 2:
                    dst["state"] = 4
                elif dst["state"] == 7:
                    dst["state"] = 9
            if flags & 4:
                src["state"] = dst["state"] = 10
        elif (
            (dst["state"] < 2 or dst["state"] >= 9 or src["state"] >= 9)
            and src["hi"] + window >= end
            and seq >= src["lo"] - window
        ):
            src["win"] = max(src["win"], win)
            src["lo"] = max(src["lo"], end)
            if ack + win >= dst["hi"]:
                dst["hi"] = ack + max(win, 1)
            if flags & 1:
                src["state"] = max(src["state"], 7)
            if flags & 4:
                src["state"] = dst["state"] = 10
        else:
            if state["a"]["state"] == 2 and state["b"]["state"] == 2:
                src["lo"], src["hi"], src["win"] = 0, 1, 1
            return "drop"
        return "pass"

    def new_state(self, p, direction, rule, old, new, iface):
        """`old` and `new` are (src, sport, dst, dport) before and after translation."""
        if direction == "in":
            ext, gwy, lan = (old[0], old[1]), (old[2], old[3]), (new[2], new[3])
        else:
            lan, gwy, ext = (old[0], old[1]), (new[0], new[1]), (old[2], old[3])
        if p["proto"] in (1, 58):
            ext, gwy, lan = (ext[0], 0), (gwy[0], p["id"]), (lan[0], p["id"])
        hi = p["seq"] + 1 + bool(p["flags"] & 2) + bool(p["flags"] & 1)
        modulate = p["proto"] == 6 and rule is not None and rule["state"] == "modulate" and p["flags"] & 18 == 2
        state = {
            "if": iface if self.if_bound else None,
            "proto": p["proto"],
            "version": p["version"],
            "dir": direction,
            "ext": ext,
            "gwy": gwy,
            "lan": lan,
            "rule": rule,
            "tag": p["tag"],
            "modulate": modulate,
            "a": {"lo": p["seq"], "hi": hi, "win": max(p["win"], 1), "state": 2, "diff": 1 << 30 if modulate else 0},
            "b": {"lo": 0, "hi": 1, "win": 1, "state": 0, "diff": 0},
        }
        self.states.append(state)
        return state

    # ----- a packet at one interface

    def packet(self, data):
        """A packet in the form of the corpus, as the interpreter keeps it."""
        src, dst = ipaddress.ip_address(data["src"]), ipaddress.ip_address(data["dst"])
        proto = data["proto"]
        number = proto if isinstance(proto, int) else 58 if proto in ("icmp6", "ipv6-icmp") else PROTO[proto]
        if number == 1 and src.version == 6:
            number = 58
        flags = data.get("flags", 0)
        return {
            "version": src.version,
            "proto": number,
            "src": int(src),
            "dst": int(dst),
            "sport": data.get("sport", 0),
            "dport": data.get("dport", 0),
            "flags": parse_flags(flags) if isinstance(flags, str) else flags,
            "type": data.get("type"),
            "code": data.get("code", 0),
            "id": data.get("id", 0),
            "seq": data.get("seq", 1000),
            "ack": data.get("ack", 0),
            "win": data.get("win", 65535),
            "tag": data.get("tag"),
            "fragment": data.get("fragment", False),
            "user": data.get("user"),
            "group": data.get("group"),
        }

    def errors_only(self, p):
        """ICMP types that never have a state of their own (pf_icmp_mapping of the old pf)."""
        return (p["proto"] == 1 and p["type"] in (3, 4, 5, 11, 12)) or (p["proto"] == 58 and p["type"] in (1, 2, 3, 4))

    def run(self, p, direction, iface):
        """Pass or drop, with the deciding label; `p` is changed as the kernel changes the packet (addresses, tag)."""
        if iface in self.skip:
            return self.result(p, "pass", None, False, False)
        if not self.errors_only(p):
            state = self.find_state(p, iface, direction)
            if state is not None:
                verdict = self.track(state, p, direction) if p["proto"] == 6 else "pass"
                label = state["rule"]["label"] if state["rule"] else None
                if verdict == "drop":
                    return self.result(p, "drop", None, True, False)
                if verdict == "pass":
                    if state["tag"]:
                        p["tag"] = state["tag"]
                    if direction == "out":
                        p["src"], p["sport"] = state["gwy"][0], state["gwy"][1] if p["proto"] in (6, 17) else p["sport"]
                    else:
                        p["dst"], p["dport"] = state["lan"][0], state["lan"][1] if p["proto"] in (6, 17) else p["dport"]
                    return self.result(p, "pass", label, True, False)
        old = (p["src"], p["sport"], p["dst"], p["dport"])
        before_tag = p["tag"]
        nat, new = self.translate(p, direction, iface)
        if new is not None:
            p["src"], p["sport"], p["dst"], p["dport"] = new
        found = [None]
        if not (nat is not None and nat["pass"]):
            if p["sport"] is None:
                p["sport"] = old[1]  # the filter sees the new port; rules on it are not in the corpus
                self.evaluate(self.rules["filter"], p, direction, iface, found)
                p["sport"] = None
            else:
                self.evaluate(self.rules["filter"], p, direction, iface, found)
        rule = found[0]
        if rule is not None and rule["action"] == "block":
            p["src"], p["sport"], p["dst"], p["dport"] = old
            p["tag"] = before_tag
            return self.result(p, "drop", rule["label"], False, False, answer=rule["answer"])
        label = rule["label"] if rule else None
        keep = nat is not None or (rule is not None and rule["state"] not in (None, "no"))
        made = keep and not self.errors_only(p) and not p["fragment"]
        if made:
            self.new_state(p, direction, rule, old, (p["src"], p["sport"], p["dst"], p["dport"]), iface)
        return self.result(p, "pass", label, made, made)

    def result(self, p, verdict, label, state, new, answer=""):
        out = {"verdict": verdict, "label": label, "state": state, "new_state": new, "answer": answer}
        if verdict == "pass":
            out["out"] = [p["src"], p["sport"], p["dst"], p["dport"]]
        return out

    def forward(self, p, ingress, egress):
        """Both legs of a forwarded packet; the second is None when the first dropped it."""
        first = self.run(p, "in", ingress)
        return first, self.run(p, "out", egress) if first["verdict"] == "pass" else None
