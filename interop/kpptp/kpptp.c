/*
 * kpptp.so: a pppd plugin that carries PPP over the Linux kernel's own PPTP
 * data path (AF_PPPOX / PX_PROTO_PPTP, modules pptp + gre).
 *
 * Debian ships no such plugin, so the tests have their own. The PPP
 * stack (pppd, ppp_generic, ppp_mppe) and the GRE data path (pptp.ko) are
 * the stock ones; only the RFC 2637 control connection is spoken here.
 *
 * Options (pppd plugin /path/kpptp.so ...):
 *   kpptp-connect A.B.C.D   be the client: call this server on TCP 1723
 *   kpptp-listen  A.B.C.D   be the server: wait for one call on TCP 1723
 *   kpptp-window N          receive window size announced (default 64)
 *   kpptp-keepalive N       seconds between our Echo-Requests (0 = none)
 *
 * Log lines start with "kpptp:" so that scenarios can grep them.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <linux/if_pppox.h>

#include <pppd/pppd.h>
#include <pppd/fsm.h>
#include <pppd/lcp.h>
#include <pppd/ipcp.h>
#include <pppd/ccp.h>

char pppd_version[] = VERSION;

#define PPTP_PORT 1723
#define COOKIE 0x1A2B3C4Du
enum { SCCRQ = 1, SCCRP, STOPRQ, STOPRP, ECHORQ, ECHORP, OCRQ, OCRP, ICRQ, ICRP,
       ICCN, CCRQ, CDN, WEN, SLI };

static char *opt_connect, *opt_listen;
static int opt_window = 64, opt_keepalive;
static pid_t ctl_pid = -1;	/* child that keeps the control connection */
static int ctl_pipe = -1;	/* closing it tells the child to hang up */

static void put16(uint8_t *p, unsigned v) { p[0] = v >> 8; p[1] = v; }
static void put32(uint8_t *p, uint32_t v) { put16(p, v >> 16); put16(p + 2, v & 0xffff); }
static unsigned get16(const uint8_t *p) { return p[0] << 8 | p[1]; }
static uint32_t get32(const uint8_t *p) { return (uint32_t)get16(p) << 16 | get16(p + 2); }

static int put_msg(int fd, uint8_t *m, int len, int type)
{
	put16(m, len);
	put16(m + 2, 1);
	put32(m + 4, COOKIE);
	put16(m + 8, type);
	return write(fd, m, len) == len ? 0 : -1;
}

static int get_full(int fd, uint8_t *b, int n)
{
	int got = 0, r;

	while (got < n) {
		r = read(fd, b + got, n - got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return -1;
		got += r;
	}
	return 0;
}

/* one control message into m (at least 256 bytes); its type, or -1 */
static int get_msg(int fd, uint8_t *m)
{
	unsigned len;

	if (get_full(fd, m, 12) < 0)
		return -1;
	len = get16(m);
	if (len < 12 || len > 256 || get16(m + 2) != 1 || get32(m + 4) != COOKIE)
		return -1;
	if (get_full(fd, m + 12, len - 12) < 0)
		return -1;
	return get16(m + 8);
}

/* read messages (answering echoes) until `want` comes */
static int await(int fd, uint8_t *m, int want)
{
	int t;

	while ((t = get_msg(fd, m)) > 0) {
		if (t == want)
			return 0;
		if (t == ECHORQ) {
			uint8_t r[20] = {0};
			memcpy(r + 12, m + 12, 4);
			r[16] = 1;
			if (put_msg(fd, r, 20, ECHORP) < 0)
				return -1;
		} else if (t == CDN || t == STOPRQ)
			break;
	}
	error("kpptp: wanted control message %d, got %d", want, t);
	return -1;
}

static void fill_sccr(uint8_t *m, int reply)
{
	memset(m, 0, 156);
	put16(m + 12, 0x0100);		/* protocol version 1.0 */
	if (reply)
		m[14] = 1;		/* result: ok */
	put32(m + 16, 3);		/* framing: async + sync */
	put32(m + 20, 3);		/* bearer: analog + digital */
	put16(m + 24, reply ? 1 : 0);	/* maximum channels */
	put16(m + 26, 1);		/* firmware revision */
	strcpy((char *)m + 28, "arc4tun");
	strcpy((char *)m + 92, "kpptp");
}

/* keeps the control connection; lives until either side hangs up */
static void control_loop(int fd, int up, unsigned our_id, int client)
{
	uint8_t m[256], r[256];
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = up, .events = POLLIN } };
	time_t last = time(NULL);
	uint32_t ident = 1;
	int t, n;

	for (;;) {
		n = poll(p, 2, opt_keepalive ? 1000 : -1);
		if (n < 0 && errno != EINTR)
			return;
		if (opt_keepalive && time(NULL) - last >= opt_keepalive) {
			memset(r, 0, 16);
			put32(r + 12, ident++);
			if (put_msg(fd, r, 16, ECHORQ) < 0)
				return;
			last = time(NULL);
		}
		if (n <= 0)
			continue;
		if (p[1].revents) {	/* pppd is done with the channel */
			memset(r, 0, 148);
			if (client) {
				put16(r + 12, our_id);
				put_msg(fd, r, 16, CCRQ);
			} else {
				put16(r + 12, our_id);
				r[14] = 3;	/* administrative shutdown */
				put_msg(fd, r, 148, CDN);
			}
			memset(r, 0, 16);
			r[12] = 1;
			put_msg(fd, r, 16, STOPRQ);
			/* give the peer a moment to answer */
			while (poll(p, 1, 1000) > 0 && get_msg(fd, m) > 0)
				if (get16(m + 8) == STOPRP)
					break;
			return;
		}
		if (!p[0].revents)
			continue;
		t = get_msg(fd, m);
		memset(r, 0, sizeof r);
		switch (t) {
		case ECHORQ:
			memcpy(r + 12, m + 12, 4);
			r[16] = 1;
			put_msg(fd, r, 20, ECHORP);
			break;
		case CCRQ:
			put16(r + 12, our_id);
			r[14] = 4;
			put_msg(fd, r, 148, CDN);
			kill(getppid(), SIGHUP);
			break;
		case STOPRQ:
			r[12] = 1;
			put_msg(fd, r, 16, STOPRP);
			kill(getppid(), SIGHUP);
			return;
		case CDN:
		case -1:
			kill(getppid(), SIGHUP);
			return;
		default:		/* SLI, WEN, echo replies: nothing to do */
			break;
		}
	}
}

static int data_socket(void)
{
	int s = socket(AF_PPPOX, SOCK_STREAM, PX_PROTO_PPTP);

	if (s < 0)
		error("kpptp: no AF_PPPOX PPTP socket (module pptp?): %m");
	return s;
}

static int px_addr(int s, int do_bind, unsigned id, struct in_addr a)
{
	struct sockaddr_pppox sp;

	memset(&sp, 0, sizeof sp);
	sp.sa_family = AF_PPPOX;
	sp.sa_protocol = PX_PROTO_PPTP;
	sp.sa_addr.pptp.call_id = id;	/* host order: pptp.ko swaps it itself */
	sp.sa_addr.pptp.sin_addr = a;
	return do_bind ? bind(s, (void *)&sp, sizeof sp)
		       : connect(s, (void *)&sp, sizeof sp);
}

static int px_call_id(int s)
{
	struct sockaddr_pppox sp;
	socklen_t l = sizeof sp;

	if (getsockname(s, (void *)&sp, &l) < 0)
		return -1;
	return sp.sa_addr.pptp.call_id;
}

/* both roles: bind to our address with a kernel-chosen call id */
static int data_bind(int ctl, struct in_addr *peer)
{
	struct sockaddr_in me, him;
	socklen_t l = sizeof me;
	int s;

	if (getsockname(ctl, (struct sockaddr *)&me, &l) < 0)
		return -1;
	l = sizeof him;
	if (getpeername(ctl, (struct sockaddr *)&him, &l) < 0)
		return -1;
	*peer = him.sin_addr;
	if ((s = data_socket()) < 0)
		return -1;
	if (px_addr(s, 1, 0, me.sin_addr) < 0) {
		error("kpptp: bind: %m");
		close(s);
		return -1;
	}
	return s;
}

static int call_out(int ctl, unsigned *our_id)
{
	uint8_t m[256];
	struct in_addr peer;
	int s, id, peer_id;

	fill_sccr(m, 0);
	if (put_msg(ctl, m, 156, SCCRQ) < 0 || await(ctl, m, SCCRP) < 0)
		return -1;
	if (m[14] != 1) {
		error("kpptp: SCCRP result %d error %d", m[14], m[15]);
		return -1;
	}
	notice("kpptp: peer host '%.63s' vendor '%.63s'", m + 28, m + 92);
	if ((s = data_bind(ctl, &peer)) < 0)
		return -1;
	id = px_call_id(s);
	memset(m, 0, 168);
	put16(m + 12, id);
	put16(m + 14, 1);		/* call serial number */
	put32(m + 16, 2400);		/* minimum bps */
	put32(m + 20, 1000000000);	/* maximum bps */
	put32(m + 24, 3);		/* bearer */
	put32(m + 28, 3);		/* framing */
	put16(m + 32, opt_window);
	if (put_msg(ctl, m, 168, OCRQ) < 0 || await(ctl, m, OCRP) < 0)
		goto bad;
	if (m[16] != 1) {
		error("kpptp: OCRP result %d error %d cause %d", m[16], m[17], get16(m + 18));
		goto bad;
	}
	if (get16(m + 14) != (unsigned)id)
		warn("kpptp: OCRP for call %d, ours is %d", get16(m + 14), id);
	peer_id = get16(m + 12);
	notice("kpptp: call up: our id %d, peer id %d, peer window %d, delay %d, speed %u",
	       id, peer_id, get16(m + 24), get16(m + 26), get32(m + 20));
	if (px_addr(s, 0, peer_id, peer) < 0) {
		error("kpptp: connect: %m");
		goto bad;
	}
	/* Set-Link-Info: all accm bits set, as RFC 2637's default */
	memset(m, 0, 24);
	put16(m + 12, peer_id);
	put32(m + 16, 0xffffffff);
	put32(m + 20, 0xffffffff);
	put_msg(ctl, m, 24, SLI);
	*our_id = id;
	return s;
bad:
	close(s);
	return -1;
}

static int call_in(int ctl, unsigned *our_id)
{
	uint8_t m[256];
	struct in_addr peer;
	int s, id, peer_id;

	if (await(ctl, m, SCCRQ) < 0)
		return -1;
	notice("kpptp: caller host '%.63s' vendor '%.63s'", m + 28, m + 92);
	fill_sccr(m, 1);
	if (put_msg(ctl, m, 156, SCCRP) < 0 || await(ctl, m, OCRQ) < 0)
		return -1;
	peer_id = get16(m + 12);
	if ((s = data_bind(ctl, &peer)) < 0)
		return -1;
	id = px_call_id(s);
	notice("kpptp: call up: our id %d, peer id %d, peer window %d", id, peer_id, get16(m + 32));
	if (px_addr(s, 0, peer_id, peer) < 0) {
		error("kpptp: connect: %m");
		close(s);
		return -1;
	}
	memset(m, 0, 32);
	put16(m + 12, id);
	put16(m + 14, peer_id);
	m[16] = 1;			/* connected */
	put32(m + 20, 1000000000);
	put16(m + 24, opt_window);
	if (put_msg(ctl, m, 32, OCRP) < 0) {
		close(s);
		return -1;
	}
	*our_id = id;
	return s;
}

static int tcp_open(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PPTP_PORT) };
	int s, c, one = 1;

	s = socket(AF_INET, SOCK_STREAM, 0);
	if (s < 0)
		return -1;
	if (opt_connect) {
		if (!inet_aton(opt_connect, &a.sin_addr) ||
		    connect(s, (struct sockaddr *)&a, sizeof a) < 0) {
			error("kpptp: %s: %m", opt_connect);
			close(s);
			return -1;
		}
		c = s;
	} else {
		setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		if (!inet_aton(opt_listen, &a.sin_addr) ||
		    bind(s, (struct sockaddr *)&a, sizeof a) < 0 || listen(s, 1) < 0) {
			error("kpptp: %s: %m", opt_listen);
			close(s);
			return -1;
		}
		notice("kpptp: listening on %s", opt_listen);
		c = accept(s, NULL, NULL);
		close(s);
		if (c < 0)
			return -1;
	}
	setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return c;
}

static int kpptp_connect(void)
{
	unsigned our_id = 0;
	int ctl, s, pp[2];

	if ((ctl = tcp_open()) < 0)
		return -1;
	s = opt_connect ? call_out(ctl, &our_id) : call_in(ctl, &our_id);
	if (s < 0 || pipe(pp) < 0) {
		close(ctl);
		return -1;
	}
	ctl_pid = fork();
	if (ctl_pid == 0) {
		close(pp[1]);
		close(s);
		signal(SIGHUP, SIG_IGN);
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		signal(SIGCHLD, SIG_DFL);
		signal(SIGPIPE, SIG_IGN);
		control_loop(ctl, pp[0], our_id, opt_connect != NULL);
		_exit(0);
	}
	close(pp[0]);
	close(ctl);
	ctl_pipe = pp[1];
	strlcpy(ppp_devnam, "kpptp", MAXPATHLEN);
	return s;
}

static void kpptp_disconnect(void)
{
	if (ctl_pipe >= 0)
		close(ctl_pipe);
	ctl_pipe = -1;
	if (ctl_pid > 0)
		waitpid(ctl_pid, NULL, 0);
	ctl_pid = -1;
}

static void kpptp_close(void)
{
	if (ctl_pipe >= 0)
		close(ctl_pipe);
	ctl_pipe = -1;
}

static void kpptp_check(void)
{
	if (!opt_connect == !opt_listen)
		fatal("kpptp: give one of kpptp-connect and kpptp-listen");
}

/* pppd sets the interface's MTU itself; the kernel channel has nothing to set */
static void kpptp_config(int mru, u_int32_t accm, int pcomp, int accomp) { }

static option_t no_options[] = { { NULL } };

static struct channel kpptp_channel = {
	.options = no_options,	/* pppd walks this list; NULL crashes it */
	.check_options = kpptp_check,
	.connect = kpptp_connect,
	.disconnect = kpptp_disconnect,
	.establish_ppp = generic_establish_ppp,
	.disestablish_ppp = generic_disestablish_ppp,
	.send_config = kpptp_config,
	.recv_config = kpptp_config,
	.close = kpptp_close,
};

static option_t kpptp_options[] = {
	{ "kpptp-connect", o_string, &opt_connect, "PPTP server to call", OPT_PRIO },
	{ "kpptp-listen", o_string, &opt_listen, "address to wait for a call on", OPT_PRIO },
	{ "kpptp-window", o_int, &opt_window, "announced receive window", OPT_PRIO },
	{ "kpptp-keepalive", o_int, &opt_keepalive, "seconds between Echo-Requests", OPT_PRIO },
	{ NULL }
};

void plugin_init(void)
{
	add_options(kpptp_options);
	the_channel = &kpptp_channel;
	modem = 0;
}
