"""Generated from policies/std/services.fw by `make grammar`; do not edit."""

# fmt: off
TEXT = r'''syntax 1
# Services that every policy knows by name. Numbers are IANA's; where the usual port of a program is not registered, the
# comment says so. A shipped service never changes its meaning within a syntax version.

# --- shell, files, remote desktops -------------------------------------------
service ssh = tcp 22
service mosh = udp 60000-61000                     # unregistered; mosh-server's default range
service telnet = tcp 23
service telnets = tcp 992
service rsh = tcp 514
service rlogin = tcp 513
service rexec = tcp 512
service ftp = tcp 21                               # control only: data needs the ftp helper
service ftp-data = tcp 20
service ftps = tcp 990
service tftp = udp 69
service rsync = tcp 873
service git = tcp 9418
service svn = tcp 3690
service nfs = tcp 2049, udp 2049
service rpcbind = tcp 111, udp 111
service smb = tcp 445
service netbios-ns = udp 137
service netbios-dgm = udp 138
service netbios-ssn = tcp 139
service samba = tcp 139, 445, udp 137-138
service afp = tcp 548
service iscsi = tcp 3260
service nbd = tcp 10809
service glusterfs = tcp 24007-24008, 49152-49251   # bricks: unregistered, from 49152 up
service ceph-mon = tcp 3300, 6789
service ceph-osd = tcp 6800-7300                   # unregistered; Ceph's default range
service rdp = tcp 3389, udp 3389
service vnc = tcp 5900, udp 5900
service x11 = tcp 6000-6063
service spice = tcp 5930                           # unregistered; QEMU's usual port
service xdmcp = udp 177

# --- web ---------------------------------------------------------------------
service http = tcp 80
service https = tcp 443, udp 443                   # udp: HTTP/3 over QUIC
service http-alt = tcp 8080
service https-alt = tcp 8443                       # unregistered
service squid = tcp 3128                           # unregistered
service gopher = tcp 70
service gemini = tcp 1965                          # unregistered

# --- mail and news -----------------------------------------------------------
service smtp = tcp 25
service submission = tcp 587
service submissions = tcp 465
service pop3 = tcp 110
service pop3s = tcp 995
service imap = tcp 143
service imaps = tcp 993
service sieve = tcp 4190
service lmtp = tcp 24                              # registered as "any private mail system"
service nntp = tcp 119
service nntps = tcp 563
service spamd = tcp 783                            # unregistered

# --- names, time, addresses --------------------------------------------------
service dns = tcp 53, udp 53
service dns-tls = tcp 853, udp 853                 # DNS over TLS and over QUIC
service mdns = udp 5353
service llmnr = tcp 5355, udp 5355
service whois = tcp 43
service ident = tcp 113
service ntp = udp 123
service nts-ke = tcp 4460
service ptp = udp 319-320
service time = tcp 37, udp 37
service daytime = tcp 13, udp 13
service dhcp = udp 67                              # to a server; the client side is implicit
service dhcp-client = udp 68
service dhcpv6 = udp 547
service dhcpv6-client = udp 546
service bootp = udp 67-68
service wol = udp 9                                # magic packets to the discard port

# --- diagnosis ---------------------------------------------------------------
service ping = icmp echo-request, icmpv6 echo-request
service ping4 = icmp echo-request
service ping6 = icmpv6 echo-request
service traceroute = udp 33434-33523
service echo = tcp 7, udp 7
service discard = tcp 9, udp 9
service chargen = tcp 19, udp 19
service iperf3 = tcp 5201, udp 5201                # unregistered
service finger = tcp 79

# --- routing and switching ---------------------------------------------------
service bgp = tcp 179
service bfd = udp 3784-3785, 4784
service ospf = proto 89
service rip = udp 520
service ripng = udp 521
service eigrp = proto 88
service pim = proto 103
service igmp = proto 2
service vrrp = proto 112
service hsrp = udp 1985
service glbp = udp 3222
service ldp = tcp 646, udp 646
service babel = udp 6696
service olsr = udp 698
service rpki-rtr = tcp 323
service rpki-rtr-tls = tcp 324
service msdp = tcp 639

# --- tunnels and VPN ---------------------------------------------------------
service wireguard = udp 51820                      # unregistered; the port of all examples
service openvpn = tcp 1194, udp 1194
service isakmp = udp 500
service ipsec-nat-t = udp 4500
service esp = proto 50
service ah = proto 51
service ipsec = udp 500, 4500, proto 50
service l2tp = udp 1701
service pptp = tcp 1723
service gre = proto 47
service ipip = proto 4
service sixinfour = proto 41
service vxlan = udp 4789
service geneve = udp 6081
service gtp-c = udp 2123
service gtp-u = udp 2152
service teredo = udp 3544
service tailscale = udp 41641                      # unregistered; tailscaled's default
service zerotier = udp 9993
service nebula = udp 4242                          # unregistered
service tor-or = tcp 9001                          # unregistered; the usual relay port
service socks = tcp 1080

# --- directory and authentication --------------------------------------------
service ldap = tcp 389, udp 389
service ldaps = tcp 636
service ldap-gc = tcp 3268
service ldaps-gc = tcp 3269
service kerberos = tcp 88, udp 88
service kpasswd = tcp 464, udp 464
service kadmin = tcp 749
service radius = udp 1812
service radius-acct = udp 1813
service radsec = tcp 2083
service tacacs = tcp 49
service diameter = tcp 3868, sctp 3868
service msrpc = tcp 135
service winrm = tcp 5985
service winrms = tcp 5986

# --- databases and caches ----------------------------------------------------
service postgres = tcp 5432
service mysql = tcp 3306
service mssql = tcp 1433
service mssql-browser = udp 1434
service oracle = tcp 1521
service mongodb = tcp 27017
service redis = tcp 6379
service redis-sentinel = tcp 26379                 # unregistered
service memcached = tcp 11211, udp 11211
service cassandra = tcp 9042                       # unregistered
service couchdb = tcp 5984
service elasticsearch = tcp 9200                   # unregistered
service elasticsearch-node = tcp 9300              # unregistered
service clickhouse = tcp 9000                      # unregistered; the native protocol
service influxdb = tcp 8086                        # unregistered
service neo4j = tcp 7687
service etcd-client = tcp 2379
service etcd-server = tcp 2380
service zookeeper = tcp 2181                       # unregistered

# --- messages and telephony --------------------------------------------------
service amqp = tcp 5672
service amqps = tcp 5671
service mqtt = tcp 1883
service mqtts = tcp 8883
service kafka = tcp 9092                           # unregistered
service nats = tcp 4222                            # unregistered
service stomp = tcp 61613                          # unregistered
service xmpp-client = tcp 5222
service xmpp-server = tcp 5269
service irc = tcp 6667
service ircs = tcp 6697
service matrix-federation = tcp 8448               # unregistered
service sip = tcp 5060, udp 5060
service sips = tcp 5061
service stun = tcp 3478, udp 3478
service stuns = tcp 5349, udp 5349
service iax = udp 4569
service h323 = tcp 1720
service rtsp = tcp 554, udp 554
service mumble = tcp 64738, udp 64738              # unregistered

# --- monitoring and logs -----------------------------------------------------
service snmp = udp 161
service snmp-trap = udp 162
service syslog = udp 514
service syslog-tls = tcp 6514
service netconf-ssh = tcp 830
service netflow = udp 2055                         # unregistered; the usual collector port
service ipfix = udp 4739, tcp 4739, sctp 4739
service sflow = udp 6343
service prometheus = tcp 9090                      # unregistered
service node-exporter = tcp 9100                   # unregistered
service alertmanager = tcp 9093                    # unregistered
service grafana = tcp 3000                         # unregistered
service loki = tcp 3100                            # unregistered
service zabbix-agent = tcp 10050
service zabbix-trapper = tcp 10051
service nrpe = tcp 5666
service graphite = tcp 2003                        # unregistered
service statsd = udp 8125
service otlp = tcp 4317-4318
service ipmi = udp 623
service gnmi = tcp 9339

# --- clusters, containers, automation ----------------------------------------
service kube-api = tcp 6443
service kubelet-api = tcp 10250                    # unregistered
service docker = tcp 2375
service docker-tls = tcp 2376
service docker-swarm = tcp 2377, 7946, udp 7946, 4789 # unregistered
service registry = tcp 5000                        # unregistered; Docker's registry
service consul = tcp 8300-8302, 8500, udp 8301-8302 # unregistered
service vault = tcp 8200-8201                      # unregistered
service nomad = tcp 4646-4648, udp 4648            # unregistered
service salt-master = tcp 4505-4506
service puppet = tcp 8140
service corosync = udp 5404-5405                   # unregistered
service pacemaker = tcp 3121
service libvirt-tls = tcp 16514

# --- home and office ---------------------------------------------------------
service ipp = tcp 631, udp 631
service jetdirect = tcp 9100
service lpd = tcp 515
service ssdp = udp 1900
service nat-pmp = udp 5351
service ws-discovery = tcp 3702, udp 3702
service airplay = tcp 5000, 7000, 7100, udp 6000-6002, 7000  # unregistered; what receivers listen on
service daap = tcp 3689
service dlna = tcp 8200, udp 1900                  # minidlna
service plex = tcp 32400
service chromecast = tcp 8008-8009, 8443           # unregistered
service home-assistant = tcp 8123                  # unregistered
service knx = udp 3671
service modbus = tcp 502
service bacnet = udp 47808
service opc-ua = tcp 4840
service bittorrent = tcp 6881-6889, udp 6881-6889  # unregistered
service syncthing = tcp 22000, udp 22000, 21027    # unregistered
service minecraft = tcp 25565
service steam = udp 27015, 27031-27036, tcp 27036  # unregistered
'''
