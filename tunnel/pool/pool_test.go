package pool

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var addr = netip.MustParseAddr

func mustParse(t *testing.T, text string, exclude ...netip.Addr) *Pool {
	t.Helper()
	p, err := Parse(text, exclude...)
	require.NoError(t, err)
	return p
}

func take(t *testing.T, p *Pool) string {
	t.Helper()
	a, err := p.Take("", nil)
	require.NoError(t, err)
	return a.String()
}

func TestParse(t *testing.T) {
	for text, want := range map[string]struct {
		size        uint64
		first, last string
	}{
		"10.99.0.100-10.99.0.120":     {21, "10.99.0.100", "10.99.0.120"},
		" 10.99.0.100 - 10.99.0.120 ": {21, "10.99.0.100", "10.99.0.120"},
		"10.99.0.255-10.99.1.0":       {2, "10.99.0.255", "10.99.1.0"},
		"10.99.0.7":                   {1, "10.99.0.7", "10.99.0.7"},
		"10.99.0.7-10.99.0.7":         {1, "10.99.0.7", "10.99.0.7"},
		"10.99.0.0/24":                {254, "10.99.0.1", "10.99.0.254"},
		"10.99.0.0/30":                {2, "10.99.0.1", "10.99.0.2"},
		"10.99.0.0/31":                {2, "10.99.0.0", "10.99.0.1"},
		"10.99.0.4/32":                {1, "10.99.0.4", "10.99.0.4"},
		"10.0.0.0/8":                  {1<<24 - 2, "10.0.0.1", "10.255.255.254"},
		"128.0.0.0/2":                 {1<<30 - 2, "128.0.0.1", "191.255.255.254"},
	} {
		p := mustParse(t, text)
		assert.Equal(t, want.size, p.Size(), text)
		assert.Equal(t, want.first, address(p.first).String(), text)
		assert.Equal(t, want.last, address(p.last).String(), text)
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                          `"" is no IPv4 address or network`,
		"pool":                      "write FIRST-LAST",
		"10.99.0.100-120":           `"120" is no IPv4 address or network: write FIRST-LAST, as in`,
		"10.99.0.120-10.99.0.100":   "ends before it begins: write 10.99.0.100-10.99.0.120",
		"10.99.0.0/33":              "is no IPv4 address or network",
		"10.99.0.5/24":              "write 10.99.0.0/24",
		"2001:db8::/64":             "is no IPv4 address or network",
		"fd00::1-fd00::9":           "is no IPv4 address or network",
		"10.0.0.1-10.0.0.2-3":       "is no IPv4 address or network",
		"0.0.0.0/0":                 "no client can use",
		"0.0.0.1-0.0.0.9":           "no client can use",
		"126.255.255.0-128.0.0.1":   "no client can use",
		"127.0.0.0/8":               "no client can use",
		"223.255.255.0-224.0.0.1":   "no client can use",
		"255.255.255.255":           "no client can use",
		"10.99.0.100-10.99.0.1000":  "is no IPv4 address or network",
		"10.99.0.100-":              "is no IPv4 address or network",
		"-10.99.0.100":              "is no IPv4 address or network",
		"10.99.0.0/24-10.99.0.0/25": "is no IPv4 address or network",
	} {
		_, err := Parse(text)
		require.Error(t, err, text)
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, text)
	}
	_, err := Parse("10.99.0.0/30", addr("10.99.0.1"), addr("10.99.0.2"), addr("10.99.0.3"))
	assert.ErrorContains(t, err, "10.99.0.0/30 has no address left")
}

func TestTakeUntilExhausted(t *testing.T) {
	p := mustParse(t, "10.99.0.100-10.99.0.120", addr("10.99.0.105"), addr("10.99.0.1"))
	assert.EqualValues(t, 20, p.Size())
	seen := map[string]bool{}
	for range 20 {
		a := take(t, p)
		assert.False(t, seen[a], a)
		seen[a] = true
		assert.True(t, p.Contains(addr(a)))
	}
	assert.False(t, seen["10.99.0.105"], "excluded")
	_, err := p.Take("", nil)
	var exhausted *exhaustedError
	require.ErrorAs(t, err, &exhausted)
	assert.EqualError(t, err, "address pool 10.99.0.100-10.99.0.120 is exhausted (20 in use): enlarge --pool, or lower --max-sessions")

	require.True(t, p.Give(addr("10.99.0.111")))
	assert.Equal(t, "10.99.0.111", take(t, p))
	assert.Equal(t, 20, p.InUse())
}

func TestAddressIsNotReusedAtOnce(t *testing.T) {
	p := mustParse(t, "10.99.0.1-10.99.0.4")
	for _, want := range []string{"10.99.0.1", "10.99.0.2", "10.99.0.3", "10.99.0.4", "10.99.0.1"} {
		got := take(t, p)
		assert.Equal(t, want, got)
		require.True(t, p.Give(addr(got)))
	}
}

func TestUserGetsTheLastAddressAgain(t *testing.T) {
	p := mustParse(t, "10.99.0.1-10.99.0.9")
	as := func(user string, allowed func(netip.Addr) bool) string {
		a, err := p.Take(user, allowed)
		require.NoError(t, err)
		return a.String()
	}
	give := func(a string) { require.True(t, p.Give(addr(a))) }
	require.Equal(t, "10.99.0.1", as("alice", nil))
	require.Equal(t, "10.99.0.2", as("bob", nil))
	give("10.99.0.1")
	require.Equal(t, "10.99.0.3", as("carol", nil), "alice may come back")
	require.Equal(t, "10.99.0.1", as("alice", nil))

	// With two sessions, both come back.
	require.Equal(t, "10.99.0.4", as("alice", nil))
	give("10.99.0.1")
	give("10.99.0.4")
	require.Equal(t, "10.99.0.4", as("alice", nil), "the one left last")
	require.Equal(t, "10.99.0.1", as("alice", nil))

	// What the user may not have any more goes to others.
	give("10.99.0.4")
	require.Equal(t, "10.99.0.5", as("alice", func(a netip.Addr) bool { return a != addr("10.99.0.4") }))

	// When no address is new, those go first whose user has been away for longest.
	give("10.99.0.2")
	give("10.99.0.3")
	for _, want := range []string{"10.99.0.6", "10.99.0.7", "10.99.0.8", "10.99.0.9", "10.99.0.4", "10.99.0.2"} {
		require.Equal(t, want, as("dave", nil))
	}
	require.Equal(t, "10.99.0.3", as("carol", nil))
	_, err := p.Take("bob", nil)
	require.Error(t, err)
	give("10.99.0.2")
	require.Equal(t, "10.99.0.2", as("bob", nil), "whoever had it in between")
}

// TestReservedAddressIsLeftLong: an address that is some user's own goes to others late too.
func TestReservedAddressIsLeftLong(t *testing.T) {
	p := mustParse(t, "10.99.0.1-10.99.0.3")
	require.True(t, p.Reserve(addr("10.99.0.1")))
	require.True(t, p.Give(addr("10.99.0.1")))
	require.Equal(t, "10.99.0.2", take(t, p))
	require.Equal(t, "10.99.0.3", take(t, p))
	require.Equal(t, "10.99.0.1", take(t, p))
}

func TestMemoryIsBounded(t *testing.T) {
	p := mustParse(t, "10.0.0.0/8")
	for i := range maxLeft + 100 {
		a, err := p.Take(fmt.Sprint("user ", i), nil)
		require.NoError(t, err)
		require.True(t, p.Give(a))
	}
	require.Equal(t, maxLeft, p.left.order.Len())
	require.Len(t, p.left.byNumber, maxLeft)
	require.Len(t, p.left.byUser, maxLeft)
	a, err := p.Take("user 150", nil)
	require.NoError(t, err)
	require.Equal(t, address(10<<24+1+150), a)
}

func TestTakeAllowed(t *testing.T) {
	p := mustParse(t, "10.99.0.1-10.99.0.9")
	only := func(list ...string) func(netip.Addr) bool {
		return func(a netip.Addr) bool {
			for _, s := range list {
				if a == addr(s) {
					return true
				}
			}
			return false
		}
	}
	a, err := p.Take("alice", only("10.99.0.8"))
	require.NoError(t, err)
	assert.Equal(t, "10.99.0.8", a.String())
	_, err = p.Take("", only("10.99.0.8"))
	var notAllowed *notAllowedError
	require.ErrorAs(t, err, &notAllowed)
	assert.ErrorContains(t, err, "address pool 10.99.0.1-10.99.0.9")
	assert.Equal(t, 1, p.InUse(), "a refusal takes nothing")
}

func TestReserveAndGive(t *testing.T) {
	p := mustParse(t, "10.99.0.1-10.99.0.2", addr("10.99.0.2"))
	assert.True(t, p.Reserve(addr("192.168.5.5")), "a fixed address need not be of the pool")
	assert.False(t, p.Reserve(addr("192.168.5.5")))
	assert.False(t, p.Reserve(addr("10.99.0.2")), "excluded")
	assert.False(t, p.Reserve(addr("::1")))
	assert.False(t, p.Reserve(netip.Addr{}))
	assert.Equal(t, "10.99.0.1", take(t, p), "what is outside does not use the pool up")
	_, err := p.Take("", nil)
	assert.ErrorContains(t, err, "(1 in use)")
	assert.True(t, p.Give(addr("192.168.5.5")))
	assert.False(t, p.Give(addr("192.168.5.5")), "given already")
	assert.False(t, p.Give(addr("10.99.0.2")))
	assert.False(t, p.Give(netip.Addr{}))
	assert.Equal(t, 1, p.InUse())
}

func TestBigPoolIsCheap(t *testing.T) {
	p := mustParse(t, "10.0.0.0/8", addr("10.0.0.1"))
	assert.Equal(t, "10.0.0.2", take(t, p))
	assert.Less(t, testing.AllocsPerRun(100, func() { p.Give(addr(take(t, p))) }), 20.0)

	// Nobody allows anything: bounded, and nothing is taken.
	asked := 0
	_, err := p.Take("", func(netip.Addr) bool { asked++; return false })
	require.Error(t, err)
	assert.Equal(t, maxTries, asked)
	assert.Equal(t, 1, p.InUse())
}

func TestPrefixes(t *testing.T) {
	for text, want := range map[string][]string{
		"10.99.0.100-10.99.0.120": {"10.99.0.100/30", "10.99.0.104/29", "10.99.0.112/29", "10.99.0.120/32"},
		"10.99.0.7":               {"10.99.0.7/32"},
		"10.99.0.0-10.99.0.255":   {"10.99.0.0/24"},
		"10.0.0.0-10.255.255.255": {"10.0.0.0/8"},
		"10.99.0.0/30":            {"10.99.0.0/30"},
		"10.99.0.1-10.99.0.2":     {"10.99.0.1/32", "10.99.0.2/32"},
	} {
		var got []string
		for _, p := range mustParse(t, text).Prefixes() {
			got = append(got, p.String())
		}
		assert.Equal(t, want, got, text)
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	p := mustParse(t, "10.99.0.0/24")
	var wg sync.WaitGroup
	var mu sync.Mutex
	holders := map[netip.Addr]bool{}
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 200 {
				a, err := p.Take("", nil)
				if !assert.NoError(t, err) {
					return
				}
				mu.Lock()
				assert.False(t, holders[a])
				holders[a] = true
				mu.Unlock()
				mu.Lock()
				delete(holders, a)
				mu.Unlock()
				p.Give(a)
			}
		}()
	}
	wg.Wait()
	assert.Zero(t, p.InUse())
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"10.99.0.100-10.99.0.120", "10.0.0.0/8", "10.99.0.7", "128.0.0.0/1", "-", "1.0.0.0-126.255.255.255", "10.0.0.0/31"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		a, err := p.Take("", nil)
		require.NoError(t, err)
		require.True(t, p.Contains(a))
		require.LessOrEqual(t, len(p.Prefixes()), 62)
		total := uint64(0)
		for _, prefix := range p.Prefixes() {
			require.Equal(t, prefix.Masked(), prefix)
			total += 1 << (32 - prefix.Bits())
		}
		require.GreaterOrEqual(t, total, p.Size())
		require.LessOrEqual(t, total, p.Size()+2, "at most the network and the broadcast address more")
		require.True(t, p.Give(a))
	})
}

// FuzzTakeGive steps a small pool with some users against a plain model: who has what, and in what
// order it was given back.
func FuzzTakeGive(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 130, 131, 64, 70, 0, 200})
	f.Add([]byte{0, 1, 2, 192, 0, 193, 194, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 224, 3})
	f.Fuzz(func(t *testing.T, steps []byte) {
		p, err := Parse("10.0.0.0-10.0.0.15", addr("10.0.0.3"))
		require.NoError(t, err)
		model := map[netip.Addr]string{}
		var given []held // the latest last; an address stands there once
		forget := func(a netip.Addr) {
			given = slices.DeleteFunc(given, func(h held) bool { return h.addr == a })
		}
		for _, step := range steps {
			a := address(10<<24 | uint32(step&31)) // up to twice the range
			switch user := fmt.Sprint("user ", step&3); step >> 5 {
			case 0, 1, 2, 3:
				got, err := p.Take(user, nil)
				inside := 0
				for held := range model {
					if held.As4()[3] < 16 {
						inside++
					}
				}
				require.Equal(t, inside == 15, err != nil)
				if err != nil {
					continue
				}
				require.NotContains(t, model, got)
				require.True(t, p.Contains(got))
				if want, certain := expected(given, user, inside); certain {
					require.Equal(t, want, got)
				} else {
					require.False(t, slices.ContainsFunc(given, func(h held) bool { return h.addr == got }), "a new one")
				}
				model[got] = user
				forget(got)
			case 4, 5:
				_, taken := model[a]
				require.Equal(t, !taken && a != addr("10.0.0.3"), p.Reserve(a))
				if !taken && a != addr("10.0.0.3") {
					model[a] = ""
					forget(a)
				}
			default:
				user, taken := model[a]
				require.Equal(t, taken, p.Give(a))
				delete(model, a)
				if taken && p.Contains(a) {
					given = append(given, held{a, user})
				}
			}
			require.Equal(t, len(model), p.InUse())
			require.Equal(t, len(given), p.left.order.Len())
		}
	})
}

type held struct {
	addr netip.Addr
	user string
}

// expected is the address that a user must get: the last one given back, or, if all others are in
// use or were given back, the first one that anybody gave back. Else it is a new one.
func expected(given []held, user string, inUse int) (want netip.Addr, certain bool) {
	for _, h := range slices.Backward(given) {
		if h.user == user {
			return h.addr, true
		}
	}
	if inUse+len(given) == 15 {
		return given[0].addr, true
	}
	return want, false
}
