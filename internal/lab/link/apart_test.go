package link

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Some packets have an account of their own, in which nothing is missing either.
func TestApart(t *testing.T) {
	const n = 3000
	done := make(chan struct{})
	var runner *Runner
	delivered := [2]uint64{}
	runner, err := NewRunner(newLink(t, "loss 20% duplicate 30% delay 1ms 1ms limit 700 seed 5"), func(batch [][]byte) error {
		for _, p := range batch {
			delivered[p[0]%2]++
		}
		if s := runner.Stats(); s.InFlight == 0 && s.Sent == n {
			close(done)
		}
		return nil
	}, Options{Apart: func(p []byte) bool { return p[0]%2 == 1 }})
	require.NoError(t, err)
	for i := range n {
		runner.Send([]byte{byte(i % 5)}) // 2 of 5 are odd
	}
	assert.NotZero(t, runner.Stats().Apart.InFlight())
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error)
	go func() { ran <- runner.Run(ctx) }()
	<-done
	cancel()
	require.NoError(t, <-ran)

	all := runner.Stats()
	assert.Equal(t, uint64(n*2/5), all.Apart.Sent)
	assert.Equal(t, delivered[1], all.Apart.Delivered)
	assert.Equal(t, delivered[0]+delivered[1], all.Delivered)
	for _, s := range []Stats{all.Apart, all.Stats} {
		assert.NotZero(t, s.Lost)
		assert.NotZero(t, s.Duplicated)
		assert.NotZero(t, s.Overflowed)
		assert.Equal(t, s.Sent+s.Duplicated, s.Delivered+s.Lost+s.Overflowed)
		assert.Zero(t, s.InFlight())
	}
}

func TestApartIsOff(t *testing.T) {
	runner, err := NewRunner(newLink(t, ""), func([][]byte) error { return nil }, Options{})
	require.NoError(t, err)
	runner.Send([]byte{1}, []byte{2})
	assert.Equal(t, uint64(2), runner.Stats().Sent)
	assert.Zero(t, runner.Stats().Apart)
}
