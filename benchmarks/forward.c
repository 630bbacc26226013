/* forward: interleaved timing of packet forwarding through several namespaces.
 * usage: forward CPU REPS TARGET_MS INTERFACE FRAMES NS...
 * FRAMES: file of (u16 little-endian length, bytes)*.
 * Output: one line per repetition with the ns/packet of each namespace, then the packets sent to each. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32
struct side { int fd; int n; struct mmsghdr *m; struct iovec *v; long cur; long sent; long npk; };

static void die(const char *s) { perror(s); exit(2); }
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e9 + t.tv_nsec; }

static void setup(struct side *s, const char *ns, const char *ifn, const char *file)
{
	int f = open(ns, O_RDONLY);
	if (f < 0 || setns(f, CLONE_NEWNET)) die("setns");
	close(f);
	s->fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (s->fd < 0) die("socket");
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(ifn) };
	if (!a.sll_ifindex || bind(s->fd, (void *)&a, sizeof a)) die("bind");
	int one = 1;
	if (setsockopt(s->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one)) die("bypass");
	FILE *fp = fopen(file, "rb");
	if (!fp) die(file);
	fseek(fp, 0, SEEK_END); long sz = ftell(fp); rewind(fp);
	unsigned char *buf = malloc(sz);
	if (fread(buf, 1, sz, fp) != (size_t)sz) die("read");
	fclose(fp);
	int n = 0;
	for (long o = 0; o < sz; n++) o += 2 + (buf[o] | buf[o + 1] << 8);
	s->n = n;
	/* the array is repeated at the end so that a batch never wraps */
	s->m = calloc(n + BATCH, sizeof *s->m); s->v = calloc(n + BATCH, sizeof *s->v);
	long o = 0;
	for (int i = 0; i < n; i++) {
		int l = buf[o] | buf[o + 1] << 8;
		s->v[i].iov_base = buf + o + 2; s->v[i].iov_len = l; o += 2 + l;
	}
	for (int i = 0; i < n + BATCH; i++) {
		s->v[i] = s->v[i % n];
		s->m[i].msg_hdr.msg_iov = &s->v[i]; s->m[i].msg_hdr.msg_iovlen = 1;
	}
}

static double shoot(struct side *s, long count)
{
	double t = now();
	for (long left = count; left > 0; ) {
		int k = left < BATCH ? left : BATCH;
		int r = sendmmsg(s->fd, s->m + s->cur, k, 0);
		if (r < 0) { if (errno == EAGAIN || errno == ENOBUFS) continue; die("sendmmsg"); }
		s->cur = (s->cur + r) % s->n; left -= r; s->sent += r;
	}
	return (now() - t) / count;
}

#define MOST 16

int main(int c, char **v)
{
	int n = c - 6;
	if (n < 1 || n > MOST) { fprintf(stderr, "args\n"); return 2; }
	int cpu = atoi(v[1]), reps = atoi(v[2]); double target = atof(v[3]) * 1e6;
	static struct side sides[MOST];
	for (int k = 0; k < n; k++) setup(&sides[k], v[6 + k], v[4], v[5]);
	cpu_set_t cs; CPU_ZERO(&cs); CPU_SET(cpu, &cs);
	if (sched_setaffinity(0, sizeof cs, &cs)) die("affinity");
	struct sched_param sp = { .sched_priority = 10 };
	if (sched_setscheduler(0, SCHED_FIFO, &sp)) fprintf(stderr, "no SCHED_FIFO\n");
	mlockall(MCL_CURRENT);
	for (int k = 0; k < n; k++) {
		double t = shoot(&sides[k], 64);
		t = shoot(&sides[k], t > 20000 ? 256 : 2000);
		sides[k].npk = target / t;
		if (sides[k].npk < 32) sides[k].npk = 32;
	}
	for (int i = 0; i < reps; i++)
		for (int j = 0; j < n; j++) {
			/* each repetition begins elsewhere, so that none is always the one after the slowest */
			static double t[MOST];
			int k = (i + j) % n;
			t[k] = shoot(&sides[k], sides[k].npk);
			if (j == n - 1)
				for (int x = 0; x < n; x++) printf("%.2f%c", t[x], x == n - 1 ? '\n' : ' ');
		}
	printf("sent");
	for (int k = 0; k < n; k++) printf(" %ld", sides[k].sent);
	printf("\n");
	return 0;
}
