package pool

import (
	"net/netip"
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
	a, err := p.Take(netip.Addr{}, nil)
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
		"":                          `"" is not IPv4`,
		"pool":                      "write FIRST-LAST",
		"10.99.0.100-120":           `"120" is not IPv4: write FIRST-LAST, as in`,
		"10.99.0.120-10.99.0.100":   "ends before it begins: write 10.99.0.100-10.99.0.120",
		"10.99.0.0/33":              "is not IPv4",
		"10.99.0.5/24":              "write 10.99.0.0/24",
		"2001:db8::/64":             "is not IPv4",
		"fd00::1-fd00::9":           "is not IPv4",
		"10.0.0.1-10.0.0.2-3":       "is not IPv4",
		"0.0.0.0/0":                 "no client can use",
		"0.0.0.1-0.0.0.9":           "no client can use",
		"126.255.255.0-128.0.0.1":   "no client can use",
		"127.0.0.0/8":               "no client can use",
		"223.255.255.0-224.0.0.1":   "no client can use",
		"255.255.255.255":           "no client can use",
		"10.99.0.100-10.99.0.1000":  "is not IPv4",
		"10.99.0.100-":              "is not IPv4",
		"-10.99.0.100":              "is not IPv4",
		"10.99.0.0/24-10.99.0.0/25": "is not IPv4",
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
	_, err := p.Take(netip.Addr{}, nil)
	var exhausted *ExhaustedError
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

func TestTakePreferred(t *testing.T) {
	p := mustParse(t, "10.99.0.1-10.99.0.9", addr("10.99.0.9"))
	for _, tc := range []struct{ preferred, want string }{
		{"10.99.0.5", "10.99.0.5"},
		{"10.99.0.5", "10.99.0.6"}, // taken: the next in turn
		{"10.99.0.9", "10.99.0.7"}, // excluded
		{"10.98.0.1", "10.99.0.8"}, // not of the pool
		{"::1", "10.99.0.1"},
		{"::ffff:10.99.0.3", "10.99.0.3"},
	} {
		got, err := p.Take(addr(tc.preferred), nil)
		require.NoError(t, err)
		assert.Equal(t, tc.want, got.String())
	}
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
	a, err := p.Take(addr("10.99.0.2"), only("10.99.0.8"))
	require.NoError(t, err)
	assert.Equal(t, "10.99.0.8", a.String())
	_, err = p.Take(netip.Addr{}, only("10.99.0.8"))
	var notAllowed *NotAllowedError
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
	_, err := p.Take(netip.Addr{}, nil)
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
	_, err := p.Take(netip.Addr{}, func(netip.Addr) bool { asked++; return false })
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
				a, err := p.Take(netip.Addr{}, nil)
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
		a, err := p.Take(netip.Addr{}, nil)
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

// FuzzTakeGive steps a small pool against a plain map.
func FuzzTakeGive(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 130, 131, 64, 70, 0, 200})
	f.Fuzz(func(t *testing.T, steps []byte) {
		p, err := Parse("10.0.0.0-10.0.0.15", addr("10.0.0.3"))
		require.NoError(t, err)
		model := map[netip.Addr]bool{}
		for _, step := range steps {
			a := address(10<<24 | uint32(step&31)) // up to twice the range
			switch step >> 5 {
			case 0, 1, 2, 3:
				got, err := p.Take(a, nil)
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
				require.False(t, model[got])
				require.True(t, p.Contains(got))
				if p.Contains(a) && !model[a] {
					require.Equal(t, a, got)
				}
				model[got] = true
			case 4, 5:
				require.Equal(t, !model[a] && a != addr("10.0.0.3"), p.Reserve(a))
				if a != addr("10.0.0.3") {
					model[a] = true
				}
			default:
				require.Equal(t, model[a], p.Give(a))
				delete(model, a)
			}
			require.Equal(t, len(model), p.InUse())
		}
	})
}
