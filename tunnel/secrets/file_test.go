package secrets

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), mode))
	require.NoError(t, os.Chmod(path, mode))
}

// clock is a hand-set one.
type clock struct{ now time.Time }

func (c *clock) read() time.Time         { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

type reports struct {
	counts []int
	errs   []error
}

func (r *reports) add(n int, err error) { r.counts, r.errs = append(r.counts, n), append(r.errs, err) }

func open(t *testing.T, path string, opts Options) (*File, *clock, *reports) {
	t.Helper()
	c, r := &clock{time.Unix(1e9, 0)}, &reports{}
	opts.Clock, opts.Reloaded = c.read, r.add
	f, err := Open(path, opts)
	require.NoError(t, err)
	return f, c, r
}

func password(t *testing.T, f *File, client string) string {
	t.Helper()
	s, ok := f.Lookup(client, "arc4")
	require.True(t, ok)
	return s.Password
}

func TestOpenChecksPermissions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chap-secrets")
	for mode, refused := range map[fs.FileMode]bool{0o600: false, 0o400: false, 0o700: false, 0o640: true, 0o604: true, 0o644: true, 0o660: true, 0o610: true} {
		write(t, path, "alice * x *\n", mode)
		_, err := Open(path, Options{})
		if !refused {
			assert.NoError(t, err, "%o", mode)
			continue
		}
		var insecure *InsecureError
		require.ErrorAs(t, err, &insecure, "%o", mode)
		assert.ErrorContains(t, err, "chmod 600 "+path+", or --insecure-secrets")
		f, err := Open(path, Options{Insecure: true})
		require.NoError(t, err, "%o", mode)
		assert.Equal(t, 1, f.table.Len())
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	absent := filepath.Join(dir, "absent")
	_, err := Open(absent, Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorContains(t, err, absent)

	require.NoError(t, os.Chmod(dir, 0o700))
	_, err = Open(dir, Options{})
	assert.ErrorContains(t, err, "is a directory")

	bad := filepath.Join(dir, "bad")
	write(t, bad, "alice * x *\nbob\n", 0o600)
	_, err = Open(bad, Options{})
	assert.ErrorContains(t, err, "secrets file "+bad+" line 2: 1 word(s)")

	err = openError(absent, "", &fs.PathError{Op: "open", Path: absent, Err: fs.ErrPermission})
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.ErrorContains(t, err, "run as its owner")
}

func TestReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chap-secrets")
	write(t, path, "alice * one *\n", 0o600)
	f, c, r := open(t, path, Options{})
	assert.Equal(t, "one", password(t, f, "alice"))

	write(t, path, "alice * second *\nbob * x *\n", 0o600)
	assert.Equal(t, "second", password(t, f, "alice"), "within the same second")
	assert.Equal(t, []int{2}, r.counts)
	assert.Equal(t, []error{nil}, r.errs)

	c.advance(time.Second)
	password(t, f, "alice")
	assert.Len(t, r.counts, 1, "no change, no report")

	// The same size in the same place, at another time.
	write(t, path, "alice * SECOND *\nbob * x *\n", 0o600)
	require.NoError(t, os.Chtimes(path, time.Time{}, time.Unix(2e9, 0)))
	c.advance(time.Second)
	assert.Equal(t, "SECOND", password(t, f, "alice"))

	// Replaced as an editor does, keeping time and size.
	write(t, path+".new", "alice * THIRD! *\nbob * x *\n", 0o600)
	require.NoError(t, os.Chtimes(path+".new", time.Time{}, time.Unix(2e9, 0)))
	require.NoError(t, os.Rename(path+".new", path))
	c.advance(time.Second)
	assert.Equal(t, "THIRD!", password(t, f, "alice"))
}

// TestReloadUnseen changes a file without a trace but its content: in the same tick of the file
// system's clock, with the same size and in the same place.
func TestReloadUnseen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chap-secrets")
	write(t, path, "alice * one *\n", 0o600)
	f, c, r := open(t, path, Options{})
	write(t, path, "alice * two *\n", 0o600)
	info, err := os.Stat(path)
	require.NoError(t, err)
	f.state.files[0].info, f.state.files[0].changed = info, changeTime(path)
	assert.Equal(t, "one", password(t, f, "alice"))
	c.advance(time.Second)
	assert.Equal(t, "two", password(t, f, "alice"))
	assert.Equal(t, []int{1}, r.counts)
	for range 3 {
		c.advance(time.Second)
		assert.Equal(t, "two", password(t, f, "alice"))
	}
	assert.Len(t, r.counts, 1, "read again, and nothing to report")

	// Its times say nothing any more once they are old.
	old := time.Now().Add(-time.Minute)
	s := seen{info: info, changed: old}
	assert.True(t, s.justNow(info.ModTime()))
	assert.False(t, s.justNow(info.ModTime().Add(coarse+time.Second)))
	assert.False(t, seen{}.justNow(time.Now()))
}

// TestReloadWithTheOldTime: an editor may set the time of a file to what it was.
func TestReloadWithTheOldTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chap-secrets")
	write(t, path, "alice * one *\n", 0o600)
	long := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(path, long, long))
	f, _, _ := open(t, path, Options{})
	before := changeTime(path)
	require.Eventually(t, func() bool { // for the file system's clock to tick
		write(t, path, "alice * two *\n", 0o600)
		require.NoError(t, os.Chtimes(path, long, long))
		return changeTime(path) != before
	}, 20*time.Second, time.Millisecond)
	assert.Equal(t, "two", password(t, f, "alice"))
}

func TestMissingIndirectSecret(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "chap-secrets"), filepath.Join(dir, "alice")
	write(t, path, "bob * x *\nalice * @"+other+" *\n", 0o600)
	_, err := Open(path, Options{})
	assert.EqualError(t, err, "secrets file "+path+" line 2: secrets file "+other+": no such file or directory: "+
		"create it with nothing but the secret in it, mode 600, or write the secret in the place of @"+other)
	write(t, other, "geh\xe4im", 0o600)
	_, err = Open(path, Options{})
	assert.ErrorContains(t, err, "secrets file "+other+" line 1: the secret is not UTF-8: save the file as UTF-8")
	assert.NotContains(t, err.Error(), "geh")
	write(t, other, "gehäim", 0o600)
	f, err := Open(path, Options{})
	require.NoError(t, err)
	assert.Equal(t, "gehäim", password(t, f, "alice"))
}

// TestReloadNow does not wait for the interval, nor for a change.
func TestReloadNow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chap-secrets")
	write(t, path, "alice * one *\n", 0o600)
	f, _, r := open(t, path, Options{})
	write(t, path, "alice * two *\nbob * x *\n", 0o600)
	f.Reload()
	assert.Equal(t, "two", password(t, f, "alice"))
	f.Reload()
	assert.Equal(t, []int{2, 2}, r.counts)
	write(t, path, "alice * \"\n", 0o600)
	f.Reload()
	require.Len(t, r.errs, 3)
	require.Error(t, r.errs[2])
	assert.Equal(t, "two", password(t, f, "alice"))
}

func TestReloadKeepsTheOldOnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chap-secrets")
	write(t, path, "alice * one *\n", 0o600)
	f, c, r := open(t, path, Options{})

	steps := []struct {
		name   string
		change func()
		want   string
	}{
		{"malformed", func() { write(t, path, "alice\n", 0o600) }, "line 1: 1 word(s)"},
		{"readable by others", func() { write(t, path, "alice * two *\n", 0o644) }, "chmod 600"},
		{"removed", func() { require.NoError(t, os.Remove(path)) }, "no such file"},
	}
	for i, step := range steps {
		step.change()
		for range 3 {
			c.advance(time.Second)
			assert.Equal(t, "one", password(t, f, "alice"), step.name)
		}
		require.Len(t, r.errs, i+1, "%s is reported once", step.name)
		assert.ErrorContains(t, r.errs[i], step.want)
		assert.Equal(t, 1, r.counts[i])
		assert.Equal(t, r.errs[i], f.err)
	}
	write(t, path, "alice * four *\n", 0o600)
	c.advance(time.Second)
	assert.Equal(t, "four", password(t, f, "alice"))
	assert.NoError(t, f.err)
}

func TestIndirectFiles(t *testing.T) {
	dir := t.TempDir()
	path, own := filepath.Join(dir, "chap-secrets"), filepath.Join(dir, "alice")
	write(t, path, "alice * @"+own+" *\n", 0o600)
	write(t, own, "# the secret\n'from here' and no more\n", 0o600)
	f, c, r := open(t, path, Options{})
	assert.Equal(t, "from here", password(t, f, "alice"))

	write(t, own, "changed\n", 0o600)
	c.advance(time.Second)
	assert.Equal(t, "changed", password(t, f, "alice"))

	require.NoError(t, os.Remove(own))
	c.advance(time.Second)
	assert.Equal(t, "changed", password(t, f, "alice"))
	assert.ErrorContains(t, r.errs[1], own)

	for text, want := range map[string]string{"": "is empty", "'open": "is not closed"} {
		write(t, own, text, 0o600)
		_, err := Open(path, Options{})
		assert.ErrorContains(t, err, path+" line 1")
		assert.ErrorContains(t, err, own)
		assert.ErrorContains(t, err, want)
	}
	write(t, own, "x", 0o640)
	_, err := Open(path, Options{})
	assert.ErrorContains(t, err, "chmod 600 "+own)
}

func TestFileIsSafeForManyCallers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chap-secrets")
	write(t, path, "alice * one *\n", 0o600)
	f, err := Open(path, Options{CheckInterval: 1})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 50 {
				_, ok := f.Lookup("alice", "arc4")
				assert.True(t, ok)
				_ = f.Warnings()
			}
		}()
	}
	for range 10 {
		// By rename, so that no reader meets half a file.
		write(t, path+".new", "alice * two *\n", 0o600)
		require.NoError(t, os.Rename(path+".new", path))
	}
	wg.Wait()
	assert.Equal(t, "secrets file "+path, f.String())
}
