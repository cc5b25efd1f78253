package keyhash

import "testing"

// BenchmarkSum compares the implementations of the hash of one key.
func BenchmarkSum(b *testing.B) {
	h, err := New([]byte("0123456789abcdef"))
	if err != nil {
		b.Fatal(err)
	}
	for name, sum := range implementations() {
		b.Run(name, func(b *testing.B) {
			var session [Size]byte
			for b.Loop() {
				sum(h, &session, &session)
			}
		})
	}
}
