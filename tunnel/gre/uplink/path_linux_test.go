package uplink

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestCountOfAPathThatEnded: what a session has sent past the kernel is part of the totals, which never fall, when it has
// ended too.
func TestCountOfAPathThatEnded(t *testing.T) {
	for name, end := range map[string]func(p *Path){
		"closed":                     (*Path).Close,
		"closed twice":               func(p *Path) { p.Close(); p.Close() },
		"closed after the link left": func(p *Path) { p.leave(p.cur.Load()); p.Close() },
		"ended with all others":      (*Path).end,
	} {
		t.Run(name, func(t *testing.T) {
			u := &Uplink{paths: map[*Path]struct{}{}, links: map[int]*link{}}
			p := &Path{u: u}
			u.paths[p] = struct{}{}
			p.past.Store(3)
			r := &route{}
			r.sent.Store(40)
			p.cur.Store(r)
			assert.EqualValues(t, 43, p.Status().Fast)
			end(p)
			assert.EqualValues(t, 43, p.Status().Fast)
			assert.Equal(t, Raw.String(), p.Status().Way)
		})
	}
}

// TestLongPacketsStayWhole: where the link takes longer packets than a frame does, those go by the raw socket.
func TestLongPacketsStayWhole(t *testing.T) {
	for _, tc := range []struct {
		mtu, packet int
		fits        bool
	}{{1500, 1480, true}, {1500, 1481, false}, {9000, 2014, true}, {9000, 2015, false}, {9000, 8000, false}} {
		u := &Uplink{paths: map[*Path]struct{}{}, links: map[int]*link{}, wake: make(chan struct{}, 1)}
		p := &Path{u: u}
		r := &route{mtu: routeFacts{link: linkFacts{mtu: tc.mtu}}.wholeFrame()}
		p.cur.Store(r)
		packet := make([]byte, tc.packet)
		packet[0] = sequenceBit
		n := p.fitting(r, [][]byte{packet})
		assert.Equal(t, tc.fits, n == 1, "%d bytes where the link takes %d", tc.packet, tc.mtu)
		if n == 1 {
			assert.LessOrEqual(t, headerLen+len(packet), frameSize)
		}
	}
}
