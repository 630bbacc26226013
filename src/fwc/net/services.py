"""Names of ports."""

from __future__ import annotations

SERVICES = {
    "echo": 7, "discard": 9, "daytime": 13, "chargen": 19, "ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23,
    "mail": 25, "smtp": 25, "time": 37, "nicname": 43, "whois": 43, "tacacs": 49, "domain": 53, "bootps": 67,
    "bootpc": 68, "tftp": 69, "gopher": 70, "finger": 79, "http": 80, "www": 80, "kerberos": 88, "kerberos-sec": 88,
    "kerberos5": 88, "krb5": 88, "pop-3": 110, "pop3": 110, "portmapper": 111, "sunrpc": 111, "auth": 113, "ident": 113,
    "nntp": 119, "ntp": 123, "epmap": 135, "loc-srv": 135, "netbios-ns": 137, "netbios-dgm": 138, "netbios-ssn": 139,
    "imap": 143, "imap2": 143, "snmp": 161, "snmp-trap": 162, "snmptrap": 162, "xdmcp": 177, "bgp": 179, "irc": 194,
    "ptp-event": 319, "ptp-general": 320, "ldap": 389, "svrloc": 427, "https": 443, "microsoft-ds": 445, "kpasswd": 464,
    "smtps": 465, "ssmtp": 465, "submissions": 465, "urd": 465, "ike": 500, "isakmp": 500, "biff": 512, "comsat": 512,
    "exec": 512, "login": 513, "who": 513, "whod": 513, "cmd": 514, "shell": 514, "syslog": 514, "printer": 515,
    "spooler": 515, "talk": 517, "ntalk": 518, "route": 520, "router": 520, "uucp": 540, "dhcpv6-client": 546,
    "dhcpv6-server": 547, "afpovertcp": 548, "rtsp": 554, "nntps": 563, "submission": 587, "asf-rmcp": 623, "ipp": 631,
    "ldaps": 636, "ldp": 646, "tinc": 655, "kerberos-adm": 749, "domain-s": 853, "rsync": 873, "ftps-data": 989,
    "ftps": 990, "telnets": 992, "imaps": 993, "pop3s": 995, "socks": 1080, "rmiregistry": 1099, "openvpn": 1194,
    "ms-sql-s": 1433, "ms-sql-m": 1434, "datametrics": 1645, "l2f": 1701, "l2tp": 1701, "pptp": 1723, "radius": 1812,
    "radacct": 1813, "radius-acct": 1813, "mqtt": 1883, "ssdp": 1900, "cisco-sccp": 2000, "nfs": 2049,
    "cvspserver": 2401, "dict": 2628, "gpsd": 2947, "squid": 3128, "icp": 3130, "icpv2": 3130, "iscsi-target": 3260,
    "mysql": 3306, "ms-wbt-server": 3389, "rdp": 3389, "stun": 3478, "nut": 3493, "distcc": 3632, "daap": 3689,
    "subversion": 3690, "svn": 3690, "sieve": 4190, "epmd": 4369, "ntske": 4460, "ipsec-nat-t": 4500, "iax": 4569,
    "munin": 4949, "sip": 5060, "sip-tls": 5061, "jabber-client": 5222, "xmpp-client": 5222, "jabber-server": 5269,
    "xmpp-server": 5269, "mdns": 5353, "postgres": 5432, "postgresql": 5432, "nrpe": 5666, "nsca": 5667, "amqps": 5671,
    "amqp": 5672, "rfb": 5900, "x11": 6000, "redis": 6379, "syslog-tls": 6514, "sane-port": 6566, "ircd": 6667,
    "babel": 6696, "ircs-u": 6697, "http-alt": 8080, "webcache": 8080, "tproxy": 8081, "puppet": 8140, "xinetd": 9098,
    "bacula-dir": 9101, "bacula-fd": 9102, "bacula-sd": 9103, "git": 9418, "webmin": 10000, "zabbix-agent": 10050,
    "zabbix-trapper": 10051, "amanda": 10080, "nbd": 10809, "dicom": 11112, "hkp": 11371,
}  # fmt: skip
"""Names of Linux' /etc/services that rulesets use, with IANA's ports. Others are kept as text."""
