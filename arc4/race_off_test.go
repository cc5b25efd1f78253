//go:build !race

package arc4_test

const raceDetector = false
