package soak

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/bench/leakcheck"
	"github.com/arc4tun/arc4tun/internal/lab"
	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/internal/raceflag"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

func TestMain(m *testing.M) {
	// An ordinary user's tests run once more inside a user namespace, if there is one to be had.
	if done, code, _ := lab.Enter(context.Background()); done {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

// fixed are settings for tests that let a policy be chosen.
func fixed(policy reorder.Policy) endSettings {
	return endSettings{Policy: policy, MPPE: ppp.MPPEPolicy{Mode: ppp.Require, Strengths: []int{128}}, FirstSeq: 4294967000}
}

// quiet is a scene in which nothing happens. Its bursts are of so many datagrams, however busy the
// machine is.
var quiet = Scene{
	Number: 1, Kind: "quiet", Lasts: 300 * time.Millisecond, Load: Load{Datagrams: 500, Burst: 5, Stream: 100_000},
	Events: []event{{At: 50 * time.Millisecond, Kind: burstOfTraffic, Count: 100}, {At: 150 * time.Millisecond, Kind: burstOfTraffic, Count: 200}},
}

// playScene plays a scene in a testbed of userspace mode.
func playScene(t *testing.T, s Scene, policy reorder.Policy, plant func(netdev.Device) netdev.Device) SceneResult {
	backend, err := arc4.Lookup("u32")
	require.NoError(t, err)
	cfg := Config{Mode: lab.Userspace, Backend: backend, balanceTimeout: balanceTimeout, wrapDevice: plant}
	if plant != nil {
		cfg.balanceTimeout = 5 * time.Second
	}
	w, err := openTestbed(t.Context(), cfg.withDefaults(), fixed(policy), fixed(policy), 1)
	require.NoError(t, err)
	defer func() { require.NoError(t, w.close()) }()
	r, err := w.playScene(t.Context(), s)
	require.NoError(t, err)
	return r
}

func TestQuietSceneIsGood(t *testing.T) {
	for _, policy := range []reorder.Policy{reorder.Order, reorder.Drop, reorder.Immediate} {
		r := playScene(t, quiet, policy, nil)
		require.Empty(t, r.Faults)
		for _, traffic := range r.Traffic {
			assert.GreaterOrEqual(t, traffic.Datagrams, uint64(300))
			// A socket whose reader has to wait loses some; the accounts say that the tunnel does
			// not.
			assert.Positive(t, traffic.Delivered)
			assert.Positive(t, traffic.StreamBytes)
			assert.Zero(t, traffic.Lost)
		}
	}
}

func TestBadSceneIsGood(t *testing.T) {
	bad := quiet
	bad.Download = link.Config{Delay: 5 * time.Millisecond, Jitter: 3 * time.Millisecond, Loss: 0.02, Duplicate: 1}
	bad.Upload = bad.Download
	bad.Events = []event{
		{At: 100 * time.Millisecond, Kind: killServer}, {At: 150 * time.Millisecond, Kind: restartServer},
		{At: 200 * time.Millisecond, Kind: jumpClient, By: -time.Hour}, {At: 250 * time.Millisecond, Kind: pressureOn},
	}
	r := playScene(t, bad, reorder.Order, nil)
	require.Empty(t, r.Faults)
	for _, traffic := range r.Traffic {
		// On a busy machine a direction may come to nothing between the events.
		assert.Equal(t, traffic.GRE > traffic.Lost, traffic.Duplicated > 0, "%+v", traffic)
	}
}

// deviceFault does something to every 20th datagram that the tunnel delivers to the client's
// device, behind the tap or before it.
type deviceFault struct {
	netdev.Device
	n    int
	held []byte
	do   func(p *deviceFault, whole [][]byte, i int) [][]byte
}

func (p *deviceFault) Write(bufs [][]byte, offset int) (int, error) {
	for i := 0; i < len(bufs); i++ {
		if ip := bufs[i][offset:]; len(ip) < 28 || ip[9] != protocolUDP {
			continue
		}
		if p.n++; p.n%20 == 0 {
			bufs = p.do(p, slices.Clone(bufs), i)
			i++ // what was put in is not looked at again
		}
	}
	if len(bufs) == 0 {
		return 0, nil
	}
	return p.Device.Write(bufs, offset)
}

// Whatever a tunnel might do to packets is found.
func TestPlantedFaultsAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(p *deviceFault, all [][]byte, i int) [][]byte
		found string
	}{
		"a loss":      {func(_ *deviceFault, all [][]byte, i int) [][]byte { return slices.Delete(all, i, i+1) }, "tunnel to device"},
		"a duplicate": {func(_ *deviceFault, all [][]byte, i int) [][]byte { return slices.Insert(all, i, slices.Clone(all[i])) }, "came twice"},
		"an alteration": {func(_ *deviceFault, all [][]byte, i int) [][]byte {
			all[i][len(all[i])-1] ^= 1
			return all
		}, "wrong checksums"},
		"a disorder": {func(p *deviceFault, all [][]byte, i int) [][]byte {
			// Each takes the place of the next one that is due.
			if p.held == nil {
				p.held = slices.Clone(all[i])
				return slices.Delete(all, i, i+1)
			}
			all, p.held = slices.Insert(all, i, p.held), nil
			return all
		}, "came late"},
	} {
		t.Run(name, func(t *testing.T) {
			r := playScene(t, quiet, reorder.Order, func(d netdev.Device) netdev.Device { return &deviceFault{Device: d, do: c.do} })
			require.NotEmpty(t, r.Faults)
			assert.Contains(t, strings.Join(r.Faults, "\n"), c.found)
		})
	}
}

// triggerAfter calls do when it has been given so many datagrams.
type triggerAfter struct {
	netdev.Device
	left int
	do   func()
}

func (b *triggerAfter) Write(bufs [][]byte, offset int) (int, error) {
	for _, p := range bufs {
		if ip := p[offset:]; len(ip) >= 28 && ip[9] == protocolUDP {
			if b.left--; b.left == 0 {
				go b.do()
			}
		}
	}
	return b.Device.Write(bufs, offset)
}

// A session that ends is a fault where the scene does not allow for it.
func TestLostSessionIsFound(t *testing.T) {
	backend, err := arc4.Lookup("u32")
	require.NoError(t, err)
	var w *testbed
	broken := make(chan struct{})
	cfg := Config{Mode: lab.Userspace, Backend: backend, wrapDevice: func(d netdev.Device) netdev.Device {
		return &triggerAfter{d, 250, func() {
			defer close(broken)
			w.client.mu.Lock()
			wires := slices.Clone(w.client.controlConns)
			w.client.mu.Unlock()
			for _, c := range wires {
				resetConn(c)
			}
		}}
	}}
	w, err = openTestbed(t.Context(), cfg.withDefaults(), fixed(reorder.Order), fixed(reorder.Order), 1)
	require.NoError(t, err)
	defer func() { require.NoError(t, w.close()) }()
	r, err := w.playScene(t.Context(), quiet)
	require.NoError(t, err)
	<-broken
	assert.Contains(t, strings.Join(r.Faults, "\n"), "a session ended")
}

type recordingObserver struct {
	begun, ended []int
	rests        int
}

func (o *recordingObserver) Begin(s Scene)                   { o.begun = append(o.begun, s.Number) }
func (o *recordingObserver) End(s Scene, _ SceneResult)      { o.ended = append(o.ended, s.Number) }
func (o *recordingObserver) Idle(leakcheck.Memory, []string) { o.rests++ }

// One scene of a plan can be played again alone, and is the same.
func TestRunOneScene(t *testing.T) {
	const seed = 3
	which := 0
	for _, s := range scenesOf(seed, len(sceneKinds)) {
		if s.Kind == "loss" {
			which = s.Number
		}
	}
	var o recordingObserver
	r, err := Run(t.Context(), Config{Seed: seed, Mode: lab.Userspace, Why: "a test", Only: which, Observer: &o})
	require.NoError(t, err)
	require.Empty(t, r.Faults)
	require.True(t, r.Good())
	require.Len(t, r.Scenes, 1)
	assert.Equal(t, scenesOf(seed, which)[which-1].String(), r.Scenes[0].Scene)
	assert.Equal(t, recordingObserver{[]int{which}, []int{which}, 1}, o)
	var table bytes.Buffer
	require.NoError(t, r.WriteTable(&table))
	assert.Contains(t, table.String(), "Nothing was wrong")
	assert.Contains(t, table.String(), "loss")

	r.Faults = append(r.Faults, Fault{which, "something"}, Fault{0, "something of the whole"})
	require.False(t, r.Good())
	table.Reset()
	require.NoError(t, r.WriteTable(&table))
	assert.Contains(t, table.String(), "again: "+r.Again(which))
	assert.Contains(t, r.Again(which), "-mode userspace -seed 3 -only ")
}

func TestRunThatCannotBe(t *testing.T) {
	for _, c := range []Config{{}, {Duration: -1}, {Only: -1}} {
		_, err := Run(t.Context(), c)
		require.Error(t, err)
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	r, err := Run(gone, Config{Duration: time.Hour, Mode: lab.Userspace})
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, r.Good())
}

// A run that is to show something, and has not, is no good; one that was too short or too slow for
// that is.
func TestRunWithoutWraps(t *testing.T) {
	enough := Traffic{GRE: 3 * packetsToWrap, SequenceWraps: 1, CoherencyWraps: 5}
	without, without2, few := enough, enough, enough
	without.SequenceWraps, without2.CoherencyWraps = 0, 0
	few.GRE, few.SequenceWraps = few.GRE-1, 0
	for _, tc := range []struct {
		name    string
		traffic [2]Traffic
		want    string
	}{
		{"both have passed them", [2]Traffic{enough, enough}, ""},
		{"no sequence number", [2]Traffic{enough, without}, "upload: in 61200 packets of 3 sessions none has passed the end"},
		{"no coherency count", [2]Traffic{without2, enough}, "download: in 61200 packets of 3 sessions none has passed the end"},
		{"too few packets", [2]Traffic{few, few}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := run{result: Result{Scenes: make([]SceneResult, 9), Idle: make([]leakcheck.Memory, 1)}}
			r.result.Scenes[3].Traffic, r.result.Scenes[4].Sessions = tc.traffic, 1
			r.checkWhole()
			if tc.want == "" {
				require.Empty(t, r.result.Faults)
				return
			}
			require.Len(t, r.result.Faults, 1)
			assert.Contains(t, r.result.Faults[0].What, tc.want)
		})
	}
}

func samples(heap ...uint64) (all []leakcheck.Memory) {
	for _, h := range heap {
		all = append(all, leakcheck.Memory{Heap: h})
	}
	return all
}

// A leak of one part in fifty is a fault, what is less is not, and what the warm-up takes is not
// looked at.
func TestMemoryFault(t *testing.T) {
	run := func(last uint64) *Result {
		return &Result{WarmUp: 2, Idle: samples(1, 2, 1000, 1000, 1000, 1000, 1000, 1000, 1000, last, last, last)}
	}
	assert.Empty(t, (&Result{}).memoryFault())
	assert.Empty(t, (&Result{WarmUp: 2, Idle: samples(1, 2, 1000, 2000)}).memoryFault(), "too short to tell")
	assert.Empty(t, run(1020).memoryFault())
	assert.Contains(t, run(1021).memoryFault(), "live heap at rest has grown from 1000 to 1021")
	rss := run(1000)
	for i := range rss.Idle {
		rss.Idle[i].RSS = uint64(1000 + 100*i)
	}
	if raceflag.Enabled {
		assert.Empty(t, rss.memoryFault())
	} else {
		assert.Contains(t, rss.memoryFault(), "resident memory")
	}
}
