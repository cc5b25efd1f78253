package reorder

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// event is one step of a story: a packet at a time, or, with expire set, the
// caller's timer at that time; out is what must be delivered by it.
type event struct {
	ms     int
	seq    uint32
	expire bool
	out    []uint32
}

func TestStories(t *testing.T) {
	const top = 1<<32 - 1
	for name, c := range map[string]struct {
		cfg    Config
		events []event
		want   Stats
		held   int
	}{
		"in order": {
			events: []event{{seq: 7, out: []uint32{7}}, {seq: 8, out: []uint32{8}}, {seq: 9, out: []uint32{9}}},
			want:   Stats{Accepted: 3},
		},
		"a gap is filled": {
			events: []event{{seq: 1, out: []uint32{1}}, {seq: 3}, {seq: 4}, {seq: 2, out: []uint32{2, 3, 4}}},
			want:   Stats{Accepted: 4, Buffered: 2},
		},
		"a gap times out on arrival": {
			events: []event{
				{seq: 1, out: []uint32{1}}, {ms: 10, seq: 3}, {ms: 342, seq: 5},
				{ms: 343, seq: 6, out: []uint32{3}},
			},
			want: Stats{Accepted: 2, Buffered: 1, Lost: 1}, held: 2,
		},
		"a gap times out by the timer": {
			events: []event{
				{seq: 1, out: []uint32{1}}, {ms: 10, seq: 3}, {ms: 342, expire: true},
				{ms: 343, expire: true, out: []uint32{3}}, {ms: 344, seq: 2},
			},
			want: Stats{Accepted: 2, Buffered: 1, Lost: 1, UnderWindow: 1},
		},
		"the longest wait counts, not the lowest number": {
			events: []event{
				{seq: 1, out: []uint32{1}}, {ms: 0, seq: 5}, {ms: 200, seq: 3}, {ms: 300, seq: 8},
				{ms: 333, expire: true, out: []uint32{3, 5}}, {ms: 632, expire: true},
				{ms: 633, expire: true, out: []uint32{8}},
			},
			want: Stats{Accepted: 4, Buffered: 3, Lost: 4},
		},
		"the missing packet comes at the last moment": {
			events: []event{{seq: 1, out: []uint32{1}}, {seq: 3}, {ms: 400, seq: 2, out: []uint32{2, 3}}},
			want:   Stats{Accepted: 3, Buffered: 1},
		},
		"duplicates, delivered and waiting": {
			events: []event{{seq: 1, out: []uint32{1}}, {seq: 1}, {seq: 3}, {seq: 3}},
			want:   Stats{Accepted: 1, Duplicated: 2}, held: 1,
		},
		"a duplicate from beyond memory is under the window": {
			cfg: Config{Size: 4},
			events: []event{
				{seq: 1, out: []uint32{1}}, {seq: 2, out: []uint32{2}}, {seq: 3, out: []uint32{3}},
				{seq: 4, out: []uint32{4}}, {seq: 1}, {seq: 5, out: []uint32{5}}, {seq: 1},
			},
			want: Stats{Accepted: 5, Duplicated: 1, UnderWindow: 1},
		},
		"wrap": {
			events: []event{
				{seq: top - 1, out: []uint32{top - 1}}, {seq: 1}, {seq: 0},
				{seq: top, out: []uint32{top, 0, 1}}, {seq: 2, out: []uint32{2}}, {seq: top},
			},
			want: Stats{Accepted: 5, Buffered: 2, Duplicated: 1},
		},
		"before the first one": {
			events: []event{{seq: 2, out: []uint32{2}}, {seq: 1}, {seq: 3, out: []uint32{3}}},
			want:   Stats{Accepted: 2, UnderWindow: 1},
		},
		"the last place of the window, and one beyond": {
			cfg: Config{Size: 4},
			events: []event{
				{seq: 1, out: []uint32{1}}, {seq: 5}, {seq: 3},
				{seq: 6, out: []uint32{3}}, {seq: 4, out: []uint32{4, 5, 6}},
			},
			want: Stats{Accepted: 5, Buffered: 3, Lost: 1},
		},
		"a jump delivers what waits": {
			cfg: Config{Size: 4},
			events: []event{
				{seq: 1, out: []uint32{1}}, {seq: 3}, {seq: 1<<31 + 1, out: []uint32{3}},
				{seq: 1<<31 - 1},
				{seq: 1<<31 - 2, out: []uint32{1<<31 - 2, 1<<31 - 1}},
			},
			want: Stats{Accepted: 4, Buffered: 2, Lost: 1<<31 - 5}, held: 1,
		},
		"exactly half the numbers away is behind": {
			events: []event{{seq: 1, out: []uint32{1}}, {seq: 1<<31 + 2}},
			want:   Stats{Accepted: 1, UnderWindow: 1},
		},
		"window of one never waits": {
			cfg:    Config{Size: 1},
			events: []event{{seq: 1, out: []uint32{1}}, {seq: 3, out: []uint32{3}}, {seq: 2}, {seq: 3}},
			want:   Stats{Accepted: 2, UnderWindow: 1, Duplicated: 1, Lost: 1},
		},
		"drop": {
			cfg: Config{Policy: Drop},
			events: []event{
				{seq: 1, out: []uint32{1}}, {seq: 4, out: []uint32{4}}, {seq: 2}, {seq: 3}, {seq: 4},
				{seq: 5, out: []uint32{5}},
			},
			want: Stats{Accepted: 3, UnderWindow: 2, Duplicated: 1, Lost: 2},
		},
		"immediate delivers the late ones once": {
			cfg: Config{Policy: Immediate},
			events: []event{
				{seq: 1, out: []uint32{1}}, {seq: 4, out: []uint32{4}}, {seq: 2, out: []uint32{2}}, {seq: 2},
				{seq: 5, out: []uint32{5}},
			},
			want: Stats{Accepted: 4, Duplicated: 1, Lost: 1},
		},
		"immediate, beyond memory": {
			cfg: Config{Policy: Immediate, Size: 4},
			events: []event{
				{seq: 1, out: []uint32{1}}, {seq: 7, out: []uint32{7}}, {seq: 3}, {seq: 4, out: []uint32{4}},
			},
			want: Stats{Accepted: 3, UnderWindow: 1, Lost: 4},
		},
		"immediate, before the first one": {
			cfg: Config{Policy: Immediate},
			events: []event{
				{seq: 5, out: []uint32{5}}, {seq: 2, out: []uint32{2}}, {seq: 4, out: []uint32{4}}, {seq: 2},
			},
			want: Stats{Accepted: 3, Duplicated: 1, Lost: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var back []byte
			c.cfg.Release = func(p []byte) { back = append(back, p[0]) }
			w, err := New(c.cfg)
			require.NoError(t, err)
			start := time.Unix(0, 0)
			for i, e := range c.events {
				var out []uint32
				deliver := func(p []byte) {
					out = append(out, uint32(p[0])|uint32(p[1])<<8|uint32(p[2])<<16|uint32(p[3])<<24)
				}
				now := start.Add(time.Duration(e.ms) * time.Millisecond)
				if e.expire {
					w.Expire(now, deliver)
				} else {
					w.Push(now, e.seq, []byte{byte(e.seq), byte(e.seq >> 8), byte(e.seq >> 16), byte(e.seq >> 24)}, deliver)
				}
				require.Equal(t, e.out, out, "event %d", i)
			}
			assert.Equal(t, c.want, w.Stats())
			held, _ := w.Held()
			assert.Equal(t, c.held, held)
			assert.Len(t, back, int(c.want.UnderWindow+c.want.Duplicated), "every refused packet is released")
		})
	}
}

func TestPlaceholders(t *testing.T) {
	w, err := New(Config{})
	require.NoError(t, err)
	var out [][]byte
	deliver := func(p []byte) { out = append(out, p) }
	now := time.Unix(0, 0)
	w.Push(now, 1, nil, deliver)
	w.Push(now, 3, []byte{3}, deliver)
	w.Push(now, 2, []byte{}, deliver)
	assert.Equal(t, [][]byte{nil, {}, {3}}, out)
	w.Push(now, 5, nil, deliver)
	packets, bytes := w.Held()
	assert.Equal(t, 1, packets, "a place-holder waits like a packet")
	assert.Equal(t, 0, bytes)
}

func TestMaxBytes(t *testing.T) {
	w, err := New(Config{MaxBytes: 10})
	require.NoError(t, err)
	var out []int
	deliver := func(p []byte) { out = append(out, len(p)) }
	now := time.Unix(0, 0)
	w.Push(now, 1, nil, deliver)
	w.Push(now, 3, make([]byte, 4), deliver)
	w.Push(now, 4, make([]byte, 1), deliver)
	w.Push(now, 7, make([]byte, 5), deliver)
	assert.Equal(t, []int{0}, out, "ten bytes may wait")
	w.Push(now, 9, make([]byte, 2), deliver)
	assert.Equal(t, []int{0, 4, 1}, out, "the oldest gap is given up, the next one stays")
	w.Push(now, 11, make([]byte, 11), deliver)
	assert.Equal(t, []int{0, 4, 1, 5, 2, 11}, out, "a packet above the bound passes")
	assert.Equal(t, Stats{Accepted: 6, Buffered: 5, Lost: 5}, w.Stats())
}

func TestMaxPackets(t *testing.T) {
	w, err := New(Config{MaxPackets: 3})
	require.NoError(t, err)
	var out []byte
	deliver := func(p []byte) { out = append(out, p[0]) }
	now := time.Unix(0, 0)
	for _, seq := range []byte{1, 3, 4, 7} {
		w.Push(now, uint32(seq), []byte{seq}, deliver)
	}
	assert.Equal(t, []byte{1}, out, "three may wait")
	w.Push(now, 9, []byte{9}, deliver)
	assert.Equal(t, []byte{1, 3, 4}, out, "the oldest gap is given up, the next one stays")
	w.Push(now, 2, []byte{2}, deliver)
	w.Push(now, 5, []byte{5}, deliver)
	w.Push(now, 6, []byte{6}, deliver)
	assert.Equal(t, []byte{1, 3, 4, 5, 6, 7}, out, "what comes in time goes on as ever")
	assert.Equal(t, Stats{Accepted: 6, Buffered: 3, UnderWindow: 1, Lost: 1}, w.Stats())
}

func TestTrim(t *testing.T) {
	w, err := New(Config{})
	require.NoError(t, err)
	var out []byte
	deliver := func(p []byte) { out = append(out, p[0]) }
	now := time.Unix(0, 0)
	w.Trim(0, deliver)
	for _, seq := range []byte{1, 3, 5, 6, 9} {
		w.Push(now, uint32(seq), []byte{seq}, deliver)
	}
	w.Trim(4, deliver)
	assert.Equal(t, []byte{1}, out, "no more than that wait")
	w.Trim(2, deliver)
	assert.Equal(t, []byte{1, 3, 5, 6}, out, "with a gap goes all that waits for it")
	w.Trim(-1, deliver)
	assert.Equal(t, []byte{1, 3, 5, 6, 9}, out)
	w.Push(now, 10, []byte{10}, deliver)
	assert.Equal(t, []byte{1, 3, 5, 6, 9, 10}, out, "the window goes on")
	assert.Equal(t, Stats{Accepted: 6, Buffered: 4, Lost: 4}, w.Stats())
}

func TestFlush(t *testing.T) {
	w, err := New(Config{})
	require.NoError(t, err)
	var out []byte
	deliver := func(p []byte) { out = append(out, p[0]) }
	now := time.Unix(0, 0)
	w.flush(deliver)
	for _, seq := range []byte{1, 6, 3, 4} {
		w.Push(now, uint32(seq), []byte{seq}, deliver)
	}
	w.flush(deliver)
	assert.Equal(t, []byte{1, 3, 4, 6}, out)
	assert.Equal(t, Stats{Accepted: 4, Buffered: 3, Lost: 2}, w.Stats())
	w.Push(now, 7, []byte{7}, deliver)
	assert.Equal(t, []byte{1, 3, 4, 6, 7}, out, "the window goes on")
}

func TestClockSetBack(t *testing.T) {
	w, err := New(Config{Timeout: 100 * time.Millisecond})
	require.NoError(t, err)
	var out []byte
	deliver := func(p []byte) { out = append(out, p[0]) }
	now := time.Unix(10_000, 0)
	w.Push(now, 1, []byte{1}, deliver)
	w.Push(now.Add(50*time.Millisecond), 3, []byte{3}, deliver)
	now = now.Add(-time.Hour)
	w.Expire(now, deliver)
	at, ok := w.Deadline()
	require.True(t, ok)
	assert.Equal(t, now.Add(100*time.Millisecond), at, "the wait goes on from where it stood")
	w.Expire(at, deliver)
	assert.Equal(t, []byte{1, 3}, out)
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]struct {
		cfg Config
		err string
	}{
		"not a power":      {Config{Size: 3000}, "reorder: window 3000: must be a power of two (2048, 4096, ...)"},
		"three":            {Config{Size: 3}, "reorder: window 3: must be a power of two (2, 4, ...)"},
		"negative":         {Config{Size: -2}, "reorder: window -2: must be a power of two from 1 to 1048576"},
		"too large":        {Config{Size: 1 << 21}, "reorder: window 2097152: must be a power of two from 1 to 1048576"},
		"negative timeout": {Config{Timeout: -time.Second}, "reorder: timeout -1s: must be positive"},
		"negative bytes":   {Config{MaxBytes: -1}, "reorder: -1 bytes at most: must be positive"},
		"negative packets": {Config{MaxPackets: -1}, "reorder: -1 packets at most: must be positive"},
		"unknown policy":   {Config{Policy: 9}, "reorder: unknown policy(9): use order, drop or immediate"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(c.cfg)
			assert.EqualError(t, err, c.err)
		})
	}
	for _, size := range []int{0, 1, 2, 64, MaxSize} {
		_, err := New(Config{Size: size})
		assert.NoError(t, err)
	}
}

func TestPolicyNames(t *testing.T) {
	for _, p := range []Policy{Order, Drop, Immediate} {
		got, err := ParsePolicy(p.String())
		require.NoError(t, err)
		assert.Equal(t, p, got)
	}
	_, err := ParsePolicy("Best")
	assert.EqualError(t, err, `reorder: unknown policy "Best": use order, drop, immediate`)
}

func TestBeginPutsTheFirstPacketsInOrder(t *testing.T) {
	t0 := time.Unix(1000, 0)
	for _, c := range []struct {
		policy Policy
		want   []string
		stats  Stats
	}{
		{Order, []string{"8", "9", "10"}, Stats{Accepted: 3, Buffered: 1}},
		{Drop, []string{"9", "10"}, Stats{Accepted: 2, UnderWindow: 1}},
		{Immediate, []string{"9", "8", "10"}, Stats{Accepted: 3}},
	} {
		t.Run(c.policy.String(), func(t *testing.T) {
			w, err := New(Config{Policy: c.policy})
			require.NoError(t, err)
			var k taker
			w.Begin(t0, 8)
			for _, seq := range []uint32{9, 8, 10} {
				w.Push(t0, seq, []byte(map[uint32]string{8: "8", 9: "9", 10: "10"}[seq]), k.take)
			}
			w.Begin(t0, 100) // too late
			require.Equal(t, c.want, k.got)
			require.Equal(t, c.stats, w.Stats())
		})
	}
}
