package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// hookNames are the flags of programs, in the order in which they run.
var hookNames = []string{"ip-pre-up", "ip-up", "ipv6-up", "ip-down", "ipv6-down"}

// hooks are shell scripts that note how they were called, and the flags that name them.
type hooks struct {
	dir   string
	flags []string
}

func newHooks(t *testing.T, names ...string) *hooks {
	t.Helper()
	h := &hooks{dir: t.TempDir()}
	for _, name := range names {
		h.write(t, name, "")
		h.flags = append(h.flags, "--"+name, filepath.Join(h.dir, name))
	}
	return h
}

// write makes a hook that does something before it notes that it has run.
func (h *hooks) write(t *testing.T, name, does string) {
	t.Helper()
	text := fmt.Sprintf("#!/bin/sh\n%s\n{ echo \"%s $*\"; env | sort; } >>%s/log.%s\necho %s >>%s/order\n", does, name, h.dir, name, name, h.dir)
	labtest.WriteProgram(t, filepath.Join(h.dir, name), []byte(text))
}

// said is what a hook noted.
func (h *hooks) said(name string) string {
	b, _ := os.ReadFile(filepath.Join(h.dir, "log."+name))
	return string(b)
}

// ran waits until the hooks that ran are these.
func (h *hooks) ran(t *testing.T, names ...string) {
	t.Helper()
	waitFor(t, "the hooks "+strings.Join(names, ", "), func() error {
		b, _ := os.ReadFile(filepath.Join(h.dir, "order"))
		if got := strings.Fields(string(b)); strings.Join(got, " ") != strings.Join(names, " ") {
			return fmt.Errorf("ran: %v", got)
		}
		return nil
	})
}

// TestE2EHooks: both ends tell programs what pppd tells its scripts, and of the end whatever it is.
func TestE2EHooks(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	atServer, atClient := newHooks(t, hookNames...), newHooks(t, hookNames...)
	atClient.write(t, "ip-pre-up", "ip -4 -o addr show dev arc40 | grep -o 'inet [0-9.]*' >"+atClient.dir+"/early; ip -o link show dev arc40 | grep -o 'state [A-Z]*' >>"+atClient.dir+"/early")
	server := l.serve(t, append(atServer.flags, "--ipv6", "--dns", "9.9.9.9,1.1.1.1", "--ipparam", "in")...)
	client := l.connect(t, append(atClient.flags, "--ipv6", "--ipparam", "out")...).up(t)
	for _, h := range []*hooks{atServer, atClient} {
		h.ran(t, hookNames[:3]...)
	}
	early, err := os.ReadFile(filepath.Join(atClient.dir, "early"))
	require.NoError(t, err)
	assert.Equal(t, "inet 10.99.0.100\nstate DOWN\n", string(early), "it has its address, and is not up yet")

	assert.Contains(t, atClient.said("ip-up"), "ip-up arc40 192.0.2.1 0 10.99.0.100 10.99.0.1 out\n")
	assert.Contains(t, atServer.said("ip-up"), "ip-up arc40 192.0.2.2 0 10.99.0.1 10.99.0.100 in\n")
	assert.Regexp(t, `^ipv6-up arc40 192\.0\.2\.1 0 fe80::[0-9a-f:]+ fe80::[0-9a-f:]+ out\n`, atClient.said("ipv6-up"))
	for _, variable := range []string{"DEVICE=192.0.2.1", "IFNAME=arc40", "IPLOCAL=10.99.0.100", "IPREMOTE=10.99.0.1", "LLLOCAL=fe80::", "LLREMOTE=fe80::", "DNS1=9.9.9.9", "DNS2=1.1.1.1", "USEPEERDNS=1", "SPEED=0", "ORIG_UID=0", "PPPLOGNAME=root"} {
		assert.Contains(t, atClient.said("ip-up"), "\n"+variable)
	}
	assert.NotContains(t, atClient.said("ip-up"), "wonderland", "the password")
	assert.NotContains(t, atClient.said("ip-up"), "PEERNAME")
	assert.Contains(t, atServer.said("ip-up"), "\nPEERNAME=alice\n")
	l.client.ping(t, tunnelLocal, 500)

	client.stop(t, syscall.SIGTERM)
	assert.Regexp(t, `(?m)^BYTES_RCVD=[1-9][0-9]*\nBYTES_SENT=[1-9][0-9]*\nCONNECT_TIME=[0-9]+$`, atClient.said("ip-down"), "which had run before the client was gone")
	atClient.ran(t, hookNames...)
	atServer.ran(t, hookNames...)
	assert.Contains(t, atServer.said("ip-down"), "ip-down arc40 192.0.2.2 0 10.99.0.1 10.99.0.100 in\n")
	server.stop(t, syscall.SIGTERM)
}

// TestE2EHooksAtOtherEnds: a server that goes is an end too, and a login that fails is none.
func TestE2EHooksAtOtherEnds(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	server := l.serve(t)
	h := newHooks(t, "ip-up", "ip-down")
	refused := l.connectTo(t, serverOuter, "wrong", h.flags...)
	refused.fails(t, exit.Auth)
	h.ran(t)
	client := l.connect(t, h.flags...).up(t)
	h.ran(t, "ip-up")
	server.stop(t, syscall.SIGTERM)
	client.fails(t, exit.Network)
	h.ran(t, "ip-up", "ip-down")
}

// TestE2EHookSetsTheDefaultRoute, as OpenWrt's netifd does at ip-up, with a host route to the
// server before the tunnel is dialled: the tunnel carries everything, and does not enter itself.
func TestE2EHookSetsTheDefaultRoute(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t, "--listen", serverFar)
	h := newHooks(t, "ip-up", "ip-down")
	h.write(t, "ip-up", "ip route add "+serverFar+" via "+serverOuter+"; ip route replace default dev $1")
	h.write(t, "ip-down", "ip route replace default via "+serverOuter+"; ip route del "+serverFar)
	client := l.connectTo(t, serverFar, "wonderland", append([]string{"--tun", "arc4-vpn"}, h.flags...)...).up(t)
	h.ran(t, "ip-up")
	l.client.ping(t, serverInner, 1000)
	s := l.client.status(t)
	assert.GreaterOrEqual(t, session(t, s).BytesIn, uint64(1000), "which went through the tunnel")
	assert.Zero(t, s.Refused["ip_loop"])
	client.stop(t, syscall.SIGTERM)
	h.ran(t, "ip-up", "ip-down")
}

// TestE2EHooksThatCannotBe are refused before anything is done.
func TestE2EHooksThatCannotBe(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	for args, want := range map[string]string{
		"--ip-up ip-up":              `arc4: --ip-up ip-up: must be a whole path, from / on`,
		"--ip-down /etc/passwd":      `arc4: --ip-down /etc/passwd: is no file that can be run (chmod +x)`,
		"--ipv6-up /bin/true":        `arc4: --ipv6-up /bin/true has no effect without --ipv6: add that, or leave it out`,
		"--ipparam vpn":              `arc4: --ipparam has no effect without a program such as --ip-up: name one, or leave it out`,
		"--echo-failures 0":          `arc4: --echo-failures 0: must be 1 to 1000 (with --echo-interval 0 no echo is sent)`,
		"--ip-pre-up /no/such/place": `arc4: --ip-pre-up /no/such/place: no such file or directory`,
	} {
		p := l.connect(t, strings.Fields(args)...)
		assert.Equal(t, want, p.fails(t, exit.Usage))
	}
}

// TestE2EHookThatHangsDelaysNobody: the client ends soon, and says what it has killed.
func TestE2EHookThatHangsDelaysNobody(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t)
	h := newHooks(t, "ip-up")
	labtest.WriteProgram(t, filepath.Join(h.dir, "ip-up"), []byte("#!/bin/sh\nexec sleep 1000\n"))
	client := l.connect(t, h.flags...).up(t)
	l.client.ping(t, tunnelLocal, 100)
	client.stop(t, syscall.SIGTERM)
	assert.Regexp(t, regexp.QuoteMeta(`msg="a hook is killed"`), client.stderr.String())
}
