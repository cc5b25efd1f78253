package soak

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab"
)

// receiveOf lets a stream receive what is written.
func receiveOf(t *testing.T, pieces ...[]byte) (half, error) {
	from, to := net.Pipe()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for _, p := range pieces {
			if _, err := from.Write(p); err != nil {
				return
			}
		}
		from.Close()
	}()
	var h half
	s := &stream{received: new(atomic.Uint64)}
	err := s.receive(to, &h)
	require.NoError(t, to.Close())
	<-sent
	return h, err
}

func TestStreamSeesAnyChange(t *testing.T) {
	whole := streamBlock[:100_000]
	h, err := receiveOf(t, whole)
	require.NoError(t, err)
	assert.EqualValues(t, len(whole), h.bytes)
	bad := append([]byte(nil), whole...)
	bad[77_777] ^= 1
	for name, pieces := range map[string][][]byte{
		"a bit":          {bad},
		"a piece twice":  {whole[:1400], whole[:1400]},
		"a piece less":   {whole[:1400], whole[2800:5000]},
		"pieces swapped": {whole[1400:2800], whole[:1400]},
		"64 KiB less":    {whole[:1400], whole[1400+1<<16:][:1400]},
	} {
		_, err := receiveOf(t, pieces...)
		assert.ErrorIs(t, err, errAltered, name)
	}
}

// Both ends must have counted the same.
func TestStreamsCompare(t *testing.T) {
	ended := func(from, to half) *stream {
		s := &stream{ends: [2]half{from, to}}
		for i := range s.ends {
			s.ends[i].done = make(chan struct{})
			close(s.ends[i].done)
			s.ends[i].begun = true
		}
		return s
	}
	broken := errors.New("reset by peer")
	for name, c := range map[string]struct {
		from, to  half
		mayBeLost bool
		wrong     string
	}{
		"whole":               {half{bytes: 5, sum: 7}, half{bytes: 5, sum: 7}, false, ""},
		"a byte less":         {half{bytes: 5, sum: 7}, half{bytes: 4, sum: 7}, false, "4 with 00000007 came"},
		"another checksum":    {half{bytes: 5, sum: 7}, half{bytes: 5, sum: 8}, false, "5 with 00000008 came"},
		"broken":              {half{bytes: 5, sum: 7, err: broken}, half{bytes: 5, sum: 7}, false, "reset by peer"},
		"broken with reason":  {half{bytes: 5, sum: 7, err: broken}, half{bytes: 3, err: broken}, true, ""},
		"altered for certain": {half{bytes: 5}, half{bytes: 3, err: errAltered}, true, "altered"},
	} {
		streams := newStreams(lab.Host{}, nil)
		err := streams.finish(ended(c.from, c.to), c.mayBeLost)
		if c.wrong == "" {
			assert.NoError(t, err, name)
		} else {
			assert.ErrorContains(t, err, c.wrong, name)
		}
	}
}
