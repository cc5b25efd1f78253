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
