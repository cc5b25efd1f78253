package arc4

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// memory collects the bytes of everything that v, a pointer, leads to.
func memory(v any) (all [][]byte) {
	seen := map[unsafe.Pointer]uintptr{}
	take := func(p unsafe.Pointer, size uintptr) bool {
		if size == 0 || seen[p] >= size {
			return false
		}
		seen[p] = size
		all = append(all, unsafe.Slice((*byte)(p), size))
		return true
	}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() && take(v.UnsafePointer(), v.Type().Elem().Size()) {
				walk(v.Elem())
			}
		case reflect.UnsafePointer:
			take(v.UnsafePointer(), 256) // a permutation, of bytes at least
		case reflect.Interface:
			walk(v.Elem())
		case reflect.Slice:
			if take(v.UnsafePointer(), uintptr(v.Cap())*v.Type().Elem().Size()) {
				for i := range v.Len() {
					walk(v.Index(i))
				}
			}
		case reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		}
	}
	walk(reflect.ValueOf(v))
	return all
}

// secretsOf are a key, and parts of the permutations that it makes: at the start of its stream and
// at every byte up to n, which say as much as the whole where they stand.
func secretsOf(key []byte, n int) map[string][]byte {
	var s [256]byte
	for i := range s {
		s[i] = byte(i)
	}
	i, j := byte(0), byte(0)
	for k := range s {
		j += s[k] + key[k%len(key)]
		s[k], s[j] = s[j], s[k]
	}
	all := map[string][]byte{}
	if len(key) >= 16 {
		all["key"] = key
	}
	note := func(when string) {
		const part = 24
		for at := 0; at+part <= len(s); at += part {
			all[fmt.Sprintf("permutation %s, from %d", when, at)] = bytes.Clone(s[at : at+part])
		}
	}
	note("at the start")
	i, j = 0, 0
	for range n {
		i++
		j += s[i]
		s[i], s[j] = s[j], s[i]
	}
	note("at the end")
	return all
}

// found names the secrets that are in memory: byte by byte, or each byte at the same place of a
// word.
func found(memory [][]byte, secrets map[string][]byte) (names []string) {
	var all [][]byte
	for _, m := range memory {
		var columns [4][]byte
		for i, b := range m {
			columns[i%4] = append(columns[i%4], b)
		}
		all = append(append(all, m), columns[:]...)
	}
	for name, secret := range secrets {
		for _, m := range all {
			if bytes.Contains(m, secret) {
				names = append(names, name)
				break
			}
		}
	}
	return names
}

// pooled is b with pools that tell what is in them.
func pooled(b *Backend) (own *Backend, made *[]any) {
	made = new([]any)
	own = newBackend(b.name, "", func() stream {
		s := b.newStream()
		*made = append(*made, s)
		return s
	})
	if b.newLanes != nil {
		own.withLanes(b.newLanes)
		own.spareRun.New = func() any {
			s := newScheduler(b.newLanes())
			*made = append(*made, s)
			return s
		}
	}
	return own, made
}

// TestPoolsKeepNothing: what works on batches lies in a pool until the next one, and has nothing of
// the last one's keys.
func TestPoolsKeepNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, b := range Backends() {
		for _, tc := range []struct{ jobs, key, size int }{
			{1, 16, 1400}, {2, 16, 100}, {3, 16, 5}, {4, 8, 333}, {5, 16, 64}, {6, 16, 1400}, {7, 40, 100}, {20, 16, 77}, {20, 256, 500}, {300, 16, 30},
		} {
			t.Run(fmt.Sprintf("%s/%d jobs of %d bytes, keys of %d", b.Name(), tc.jobs, tc.size, tc.key), func(t *testing.T) {
				own, made := pooled(b)
				jobs := make([]Job, tc.jobs)
				secrets := map[string][]byte{}
				for i := range jobs {
					key, data := make([]byte, tc.key), make([]byte, tc.size+i%3)
					for k := range key {
						key[k] = byte(r.Uint32())
					}
					jobs[i] = Job{Key: key, Dst: data, Src: data}
					if i < 4 || i >= tc.jobs-16 {
						for name, s := range secretsOf(key, len(data)) {
							secrets[fmt.Sprintf("%s of job %d", name, i)] = s
						}
					}
				}
				own.XORKeyStreams(jobs)
				require.NotEmpty(t, *made)
				assert.Empty(t, found(memory(made), secrets))
			})
		}
	}
}

// TestTheSearchFinds what is there: streams and lanes that are not wiped.
func TestTheSearchFinds(t *testing.T) {
	key := []byte("0123456789abcdef")
	data := make([]byte, 48)
	for _, b := range Backends() {
		t.Run(b.Name(), func(t *testing.T) {
			s := b.newStream()
			s.SetKey(key)
			assert.NotEmpty(t, found(memory(&s), secretsOf(key, 0)))
			s.XORKeyStream(data, data)
			assert.NotEmpty(t, found(memory(&s), secretsOf(key, len(data))))
			s.Wipe()
			assert.Empty(t, found(memory(&s), secretsOf(key, len(data))))
			if b.newLanes == nil {
				return
			}
			l := newScheduler(b.newLanes())
			jobs := make([]Job, 6)
			for i := range jobs {
				jobs[i] = Job{Key: key, Dst: make([]byte, 48), Src: make([]byte, 48)}
			}
			l.round(jobs)
			assert.NotEmpty(t, found(memory(l), secretsOf(key, len(data))))
		})
	}
}
