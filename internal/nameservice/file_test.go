//go:build linux && !nodns

package nameservice

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const before = "# the network's\nsearch home.example\nnameserver 192.0.2.53\nnameserver 192.0.2.54\noptions edns0\n"

// room is a folder with a resolv.conf.
func room(t *testing.T) places {
	t.Helper()
	dir := t.TempDir()
	p := places{
		resolvConf: filepath.Join(dir, "etc", "resolv.conf"), records: filepath.Join(dir, "run"), order: filepath.Join(dir, "none"), switchConf: filepath.Join(dir, "none"),
		lookEvery: 5 * time.Millisecond,
	}
	p.backups = []string{p.resolvConf + ".before-arc4", filepath.Join(p.records, "resolv.conf.before-arc4")}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "etc"), 0o755))
	return p
}

func (p places) put(t *testing.T, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(p.resolvConf+"~", []byte(content), 0o640))
	require.NoError(t, os.Rename(p.resolvConf+"~", p.resolvConf))
}

func (p places) content(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(p.resolvConf)
	require.NoError(t, err)
	return string(content)
}

// clean holds that nothing lies around.
func (p places) clean(t *testing.T) {
	t.Helper()
	for _, dir := range []string{filepath.Dir(p.resolvConf), p.records} {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			assert.Equal(t, "resolv.conf", e.Name())
		}
	}
}

// tunnel is a Service of a room.
func (p places) tunnel() *Service { return &Service{log: slog.New(slog.DiscardHandler), places: p} }

// crash ends a Service as the end of its process does.
func (s *Service) crash() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.stop)
	s.record.file.Close()
	s.record = nil
}

func through(only bool, servers ...string) Settings {
	s := Settings{Device: "lo", Only: only, Domains: []string{"office.example", "~lan.example"}}
	for _, a := range servers {
		s.Servers = append(s.Servers, netip.MustParseAddr(a))
	}
	return s
}

// lines are those of a resolv.conf without comments.
func lines(content string) (all []string) {
	for line := range strings.Lines(content) {
		if !strings.HasPrefix(line, "#") {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all
}

var all10 = []string{"nameserver 10.0.0.53", "search office.example home.example", "options edns0"}

func TestFile(t *testing.T) {
	for _, tc := range []struct {
		name string
		only bool
		want []string
	}{
		{"all traffic", true, all10},
		{"some", false, []string{"nameserver 10.0.0.53", "nameserver 192.0.2.53", "nameserver 192.0.2.54", "search office.example home.example", "options edns0"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := room(t)
			p.put(t, before)
			was, err := os.Stat(p.resolvConf)
			require.NoError(t, err)
			s := p.tunnel()
			require.NoError(t, s.Set(t.Context(), through(tc.only, "10.0.0.53")))
			assert.Equal(t, tc.want, lines(p.content(t)))
			assert.Equal(t, []netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("192.0.2.54")}, s.Outside())
			by, servers := s.Asked()
			assert.Equal(t, "/etc/resolv.conf", by)
			assert.Equal(t, through(false, "10.0.0.53").Servers, servers)
			info, err := os.Stat(p.resolvConf)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o644), info.Mode().Perm(), "who looks names up reads it")
			require.NoError(t, s.Restore())
			require.NoError(t, s.Restore(), "twice")
			is, err := os.Stat(p.resolvConf)
			require.NoError(t, err)
			assert.True(t, os.SameFile(was, is), "it is the very file, with all that hangs on it")
			assert.Equal(t, was.ModTime(), is.ModTime())
			assert.Equal(t, before, p.content(t))
			p.clean(t)
		})
	}
}

func TestFileThatIsALink(t *testing.T) {
	p := room(t)
	target := filepath.Join(filepath.Dir(p.resolvConf), "..", "elsewhere")
	require.NoError(t, os.WriteFile(target, []byte(before), 0o644))
	require.NoError(t, os.Symlink("../elsewhere", p.resolvConf))
	s := p.tunnel()
	require.NoError(t, s.Set(t.Context(), through(true, "10.0.0.53")))
	assert.Equal(t, all10, lines(p.content(t)))
	assert.Len(t, s.Outside(), 2)
	content, err := os.ReadFile(target)
	require.NoError(t, err)
	assert.Equal(t, before, string(content), "somebody else's file")
	require.NoError(t, s.Restore())
	link, err := os.Readlink(p.resolvConf)
	require.NoError(t, err)
	assert.Equal(t, "../elsewhere", link)
	p.clean(t)
}

func TestFileThatWasNotThere(t *testing.T) {
	p := room(t)
	s := p.tunnel()
	require.NoError(t, s.Set(t.Context(), through(false, "10.0.0.53")))
	assert.Equal(t, []string{"nameserver 10.0.0.53", "search office.example"}, lines(p.content(t)))
	require.NoError(t, s.Restore())
	assert.NoFileExists(t, p.resolvConf)
	p.clean(t)
}

// TestFileOfAKilledRun: the next one puts it back, also when a boot has emptied /run.
func TestFileOfAKilledRun(t *testing.T) {
	for _, boot := range []bool{false, true} {
		p := room(t)
		p.put(t, before)
		s := p.tunnel()
		require.NoError(t, s.Set(t.Context(), through(true, "10.0.0.53")))
		require.NoError(t, p.sweep(slog.New(slog.DiscardHandler)))
		assert.Equal(t, all10, lines(p.content(t)), "its process lives")
		s.crash()
		if boot {
			require.NoError(t, os.RemoveAll(p.records))
		}
		require.NoError(t, p.sweep(slog.New(slog.DiscardHandler)))
		assert.Equal(t, before, p.content(t))
		p.clean(t)
	}
}

// TestFileOfSeveralTunnels: the last one's servers come first, and the file before comes back with
// the end of the last, in whichever order they end, and by whatever.
func TestFileOfSeveralTunnels(t *testing.T) {
	for _, crash := range []bool{false, true} {
		p := room(t)
		p.put(t, before)
		one, two := p.tunnel(), p.tunnel()
		require.NoError(t, one.Set(t.Context(), through(false, "10.0.0.53")))
		require.NoError(t, two.Set(t.Context(), through(true, "172.16.0.53")))
		assert.Equal(t, []string{"nameserver 172.16.0.53", "nameserver 10.0.0.53"}, lines(p.content(t))[:2])
		if crash {
			one.crash()
			require.NoError(t, p.sweep(slog.New(slog.DiscardHandler)))
		} else {
			require.NoError(t, one.Restore())
		}
		assert.Equal(t, "nameserver 172.16.0.53", lines(p.content(t))[0])
		assert.NotContains(t, p.content(t), "10.0.0.53")
		require.NoError(t, two.Restore())
		assert.Equal(t, before, p.content(t))
		p.clean(t)
	}
}

// TestFileThatAnotherWrites: what a DHCP client writes meanwhile is what comes back, and until then
// the tunnel's servers are asked again.
func TestFileThatAnotherWrites(t *testing.T) {
	p := room(t)
	p.put(t, before)
	s := p.tunnel()
	require.NoError(t, s.Set(t.Context(), through(true, "10.0.0.53")))
	p.put(t, "nameserver 203.0.113.53\n")
	require.Eventually(t, func() bool { return strings.Contains(p.content(t), "nameserver 10.0.0.53") }, time.Minute, time.Millisecond)
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("203.0.113.53")}, s.Outside())
	require.NoError(t, s.Restore())
	assert.Equal(t, "nameserver 203.0.113.53\n", p.content(t))
	p.clean(t)
}

// TestFileThatAnotherWroteLast: it is theirs, whenever that is noticed.
func TestFileThatAnotherWroteLast(t *testing.T) {
	p := room(t)
	p.lookEvery = time.Hour
	p.put(t, before)
	s := p.tunnel()
	require.NoError(t, s.Set(t.Context(), through(true, "10.0.0.53")))
	p.put(t, "nameserver 203.0.113.53\n")
	require.NoError(t, s.Restore())
	assert.Equal(t, "nameserver 203.0.113.53\n", p.content(t))
	p.clean(t)
}

// TestFileThatAnotherEdits: an edited file stays, and so does what was there before, beside it.
func TestFileThatAnotherEdits(t *testing.T) {
	p := room(t)
	p.put(t, before)
	s := p.tunnel()
	require.NoError(t, s.Set(t.Context(), through(true, "10.0.0.53")))
	edited := p.content(t) + "nameserver 203.0.113.53\n"
	p.put(t, edited)
	require.NoError(t, s.Restore())
	assert.Equal(t, edited, p.content(t))
	content, err := os.ReadFile(p.backups[0])
	require.NoError(t, err)
	assert.Equal(t, before, string(content))

	other := p.tunnel()
	assert.ErrorContains(t, other.Set(t.Context(), through(true, "10.0.0.54")), "somebody has edited it: move "+p.backups[0]+" back over it")
	assert.Equal(t, edited, p.content(t))
	require.NoError(t, other.Restore())
}

// TestFileOnAFullDisk: where no file can be made beside it, none is lost either.
func TestFileOnAFullDisk(t *testing.T) {
	p := room(t)
	p.put(t, before)
	// What is in the way is as good as no room.
	require.NoError(t, os.MkdirAll(filepath.Join(p.resolvConf+".new-arc4", "full"), 0o755))
	require.Error(t, p.tunnel().Set(t.Context(), through(true, "10.0.0.53")))
	assert.Equal(t, before, p.content(t))
	require.NoError(t, os.RemoveAll(p.resolvConf+".new-arc4"))
	p.clean(t)
}

// TestFileThatChangesNowAndThen: a laptop is in many networks in a week.
func TestFileThatChangesNowAndThen(t *testing.T) {
	p := room(t)
	p.lookEvery = time.Hour
	p.put(t, before)
	s := p.tunnel()
	require.NoError(t, s.Set(t.Context(), through(true, "10.0.0.53")))
	look := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.look()
	}
	for range 3 * mostAgain {
		p.put(t, before)
		require.True(t, look())
		require.Equal(t, all10, lines(p.content(t)))
		for range enoughCalm {
			require.True(t, look())
		}
	}
	require.NoError(t, s.Restore())
	assert.Equal(t, before, p.content(t))
}

// TestFileThatIsImmutable: whoever made it so is told how to undo that, and nothing is left.
func TestFileThatIsImmutable(t *testing.T) {
	p := room(t)
	p.put(t, before)
	setFlags := func(flags int) error {
		f, err := os.Open(p.resolvConf)
		require.NoError(t, err)
		defer f.Close()
		return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags)
	}
	if err := setFlags(unix.STATX_ATTR_IMMUTABLE); err != nil {
		t.Logf("not here: %v", err) // some file systems have no such flag, and some users no right
		return
	}
	defer func() { _ = setFlags(0) }()
	err := p.tunnel().Set(t.Context(), through(true, "10.0.0.53"))
	assert.ErrorContains(t, err, "the file is immutable, so that nobody changes it: chattr -i "+p.resolvConf+", or give --dns off")
	assert.Equal(t, before, p.content(t))
	p.clean(t)
}

func TestFileThatSomebodyKeepsWriting(t *testing.T) {
	p := room(t)
	p.put(t, before)
	s := p.tunnel()
	require.NoError(t, s.Set(t.Context(), through(true, "10.0.0.53")))
	require.Eventually(t, func() bool {
		if strings.Contains(p.content(t), "arc4") {
			p.put(t, before)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.again > mostAgain
	}, time.Minute, time.Millisecond)
	require.NoError(t, s.Restore())
	assert.Equal(t, before, p.content(t))
}

func TestSetOfADeviceThatIsNot(t *testing.T) {
	p := room(t)
	p.put(t, before)
	want := through(true, "10.0.0.53")
	want.Device = "none0"
	assert.ErrorContains(t, p.tunnel().Set(context.Background(), want), `the tunnel's device "none0"`)
	assert.Equal(t, before, p.content(t))
	p.clean(t)
}

func TestPrefix(t *testing.T) {
	p := room(t)
	for order, want := range map[string]string{
		"": "",
		"# interface-order(5)\nlo.inet6\nlo.@(dnsmasq|pdnsd)\nlo\ntun*\ntap*\n": "tun.",
		"lo\nen+([bcosxpP])*\n*\n": "",
		"vpn*":                     "vpn.",
	} {
		require.NoError(t, os.WriteFile(p.order, []byte(order), 0o644))
		assert.Equal(t, want, p.prefix(), order)
	}
}

// FuzzRender: whatever was there before, what is written is ours, unedited, and asks the tunnel's
// servers first.
func FuzzRender(f *testing.F) {
	f.Add([]byte(before), false)
	f.Fuzz(func(t *testing.T, base []byte, only bool) {
		e := entry{Settings: through(only, "10.0.0.53", "10.0.0.54")}
		content := render(base, "/etc/resolv.conf.before-arc4", []entry{e})
		require.True(t, writtenByUs(content) && sumHolds(content) && !noneBefore(content))
		require.Equal(t, []string{"nameserver 10.0.0.53", "nameserver 10.0.0.54"}, lines(string(content))[:2])
	})
}
