//go:build race

package arc4_test

// raceDetector says that sync.Pool, which XORKeyStreams uses, forgets what it has
// at random, so that allocations show nothing.
const raceDetector = true
