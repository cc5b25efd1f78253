package secrets

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"time"
	"unicode/utf8"
)

// Options for Open.
type Options struct {
	// Insecure lets group and others read the file (--insecure-secrets).
	Insecure bool
	// Clock is asked at a look-up whether it is time to see if the file changed; nil: time.Now.
	Clock func() time.Time
	// CheckInterval is the least time between two checks of the files that lines name, and of
	// content that may have changed unseen; 0: one second. The file itself is looked at every time.
	CheckInterval time.Duration
	// Reloaded, if set, is called after the file was read again: with the number of secrets now in
	// use, or with the error that keeps the old ones in use. Once a change, from Lookup's
	// goroutine.
	Reloaded func(secrets int, err error)
}

// InsecureError is a secrets file that others than its owner may read.
type InsecureError struct {
	Path string
	Mode fs.FileMode
}

func (e *InsecureError) Error() string {
	return fmt.Sprintf("secrets file %s may be read by others (mode %04o): chmod 600 %s, or --insecure-secrets", e.Path, e.Mode.Perm(), e.Path)
}

// File is a secrets file that is read again when it changes. Its methods may be called from
// any goroutine.
type File struct {
	path string
	opts Options

	mu      sync.Mutex
	table   *Table
	state   state
	checked time.Time
	err     error
}

// state is what was seen at one reading.
type state struct {
	files  []seen   // the file first, then those its lines name
	digest [32]byte // of all that was read
	unsure bool     // some file changed so short a time before that it may since, without its looks
}

// seen is what a file looked like when it was read. A missing file has no info.
type seen struct {
	path    string
	info    fs.FileInfo
	changed time.Time
}

// coarse is the resolution of the times of the coarsest file system in use, FAT.
const coarse = 2 * time.Second

// justNow reports whether a file was written about now, so that its times would be the same if it
// were again.
func (s seen) justNow(now time.Time) bool {
	return s.info != nil && (now.Sub(s.info.ModTime()).Abs() <= coarse || now.Sub(s.changed).Abs() <= coarse)
}

// Open reads the file. Errors name it and the remedy; those of permission are an
// *InsecureError, or satisfy errors.Is(err, fs.ErrPermission).
func Open(path string, opts Options) (*File, error) {
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if opts.CheckInterval == 0 {
		opts.CheckInterval = time.Second
	}
	f := &File{path: path, opts: opts, checked: opts.Clock()}
	var err error
	if f.table, f.state, err = f.load(); err != nil {
		return nil, err
	}
	return f, nil
}

// Lookup is Table.Lookup on the newest content that could be read.
func (f *File) Lookup(client, server string) (Secret, bool) {
	table, report := f.current()
	if report != nil {
		report()
	}
	return table.Lookup(client, server)
}

// Warnings are those of the content in use.
func (f *File) Warnings() []Warning {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.table.Warnings()
}

// Table is the content in use.
func (f *File) Table() *Table {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.table
}

// String names the file alone.
func (f *File) String() string { return "secrets file " + f.path }

// GoString names the file alone.
func (f *File) GoString() string { return f.String() }

// Reload reads the file now, changed or not, and has Reloaded called.
func (f *File) Reload() {
	f.mu.Lock()
	f.checked = f.opts.Clock()
	_, report := f.reread()
	f.mu.Unlock()
	if report != nil {
		report()
	}
}

// current reads the file again if it changed, and returns the call to report that with, to be
// made without the lock.
func (f *File) current() (*Table, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.opts.Clock()
	thorough := now.Sub(f.checked) >= f.opts.CheckInterval
	if thorough {
		f.checked = now
	}
	if f.changed(thorough) || thorough && f.state.unsure && f.other() {
		return f.reread()
	}
	return f.table, nil
}

// other reads the files, though they look as they did, and says whether they hold something else.
func (f *File) other() bool {
	_, state, err := f.load()
	same := state.digest == f.state.digest && (err == nil) == (f.err == nil)
	if !same || err != nil && err.Error() != f.err.Error() {
		return true
	}
	f.state = state
	return false
}

// reread is current for a file that is to be read. The caller holds mu.
func (f *File) reread() (*Table, func()) {
	table, state, err := f.load()
	f.state, f.err = state, err
	if err == nil {
		f.table = table
	}
	if f.opts.Reloaded == nil {
		return f.table, nil
	}
	count := f.table.Len()
	return f.table, func() { f.opts.Reloaded(count, err) }
}

// changed compares what can be seen without reading: times, size, mode and identity. There may be
// thousands of files that lines name: only if it is thorough, it looks at them.
func (f *File) changed(thorough bool) bool {
	for i, s := range f.state.files {
		if i > 0 && !thorough {
			break
		}
		now, err := os.Stat(s.path)
		if err != nil {
			now = nil
		}
		if now == nil || s.info == nil {
			if now != nil || s.info != nil {
				return true
			}
			continue
		}
		if s.info.Mode().IsRegular() && (!os.SameFile(s.info, now) || !now.ModTime().Equal(s.info.ModTime()) ||
			now.Size() != s.info.Size() || now.Mode() != s.info.Mode() || !changeTime(s.path).Equal(s.changed)) {
			return true
		}
	}
	return false
}

// load reads everything anew. What it looked at is returned with an error too, so that the
// same broken file is reported once.
func (f *File) load() (*Table, state, error) {
	var now state
	began := time.Now()
	sum := sha256.New()
	read := func(path, advice string) ([]byte, error) {
		changed := changeTime(path)
		data, info, err := readPrivate(path, advice, f.opts.Insecure)
		s := seen{path, info, changed}
		now.files = append(now.files, s)
		now.unsure = now.unsure || s.justNow(began)
		fmt.Fprintf(sum, "%q %d ", path, len(data))
		sum.Write(data)
		return data, err
	}
	data, err := read(f.path, "create it with lines CLIENT SERVER SECRET ADDRESSES, mode 600")
	if err != nil {
		return nil, now, err
	}
	defer clear(data)
	table, err := Parse(data, fileIs+f.path, func(path string) (string, error) {
		data, err := read(path, "create it with nothing but the secret in it, mode 600, or write the secret in the place of @"+path)
		if err != nil {
			return "", err
		}
		defer clear(data)
		return firstWord(data, path)
	})
	now.digest = [32]byte(sum.Sum(nil))
	return table, now, err
}

// firstWord is the secret in a file that holds nothing else.
func firstWord(data []byte, path string) (string, error) {
	scan := scanner{data: data, line: 1}
	words, err := scan.entry()
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		return "", &ParseError{path, syntax.line, syntax.problem, syntax.remedy}
	}
	if err != nil {
		return "", err
	}
	if len(words) == 0 {
		return "", fmt.Errorf("secrets file %s is empty: write the secret into it", path)
	}
	if !utf8.ValidString(words[0].text) {
		return "", &ParseError{fileIs + path, words[0].line, "the secret is not UTF-8", notUTF8Remedy}
	}
	return words[0].text, nil
}

// readPrivate reads a file after checking, on the open descriptor, that nobody else may.
func readPrivate(path, advice string, insecure bool) ([]byte, fs.FileInfo, error) {
	file, err := os.Open(path)
	if err != nil {
		info, _ := os.Stat(path) // may be there, and unreadable: then a later chmod is a change
		return nil, info, openError(path, advice, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("secrets file %s: %w", path, err)
	}
	if info.IsDir() {
		return nil, info, fmt.Errorf("secrets file %s is a directory: name a file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && !insecure && runtime.GOOS != "windows" {
		return nil, info, &InsecureError{path, mode}
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, info, fmt.Errorf("secrets file %s: %w", path, err)
	}
	return data, info, nil
}

// openError gives the advice if there is no such file.
func openError(path, advice string, err error) error {
	var cause *fs.PathError
	if errors.As(err, &cause) {
		err = cause.Err // the path is named already
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("secrets file %s: %w: %s", path, err, advice)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("secrets file %s: %w: run as its owner or as root, or chown it", path, err)
	}
	return fmt.Errorf("secrets file %s: %w", path, err)
}
