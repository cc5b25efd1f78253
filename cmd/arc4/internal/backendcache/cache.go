// Package backendcache keeps in a file which RC4 backend was selected, so that a slow machine need
// not measure at every start. What a file says is trusted only for the machine and the build that
// wrote it.
package backendcache

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// longest is the largest file that is read, in bytes.
const longest = 1 << 16

// Key is what a selection depends on.
type Key struct {
	Version   string `json:"version"`   // of the program
	Build     string `json:"build"`     // the Go release, and which of several builds of a version
	Kernel    string `json:"kernel"`    // the kernel's architecture, as uname -m says
	Processor string `json:"processor"` // its model and what it can do
}

// entry is the file.
type entry struct {
	Key
	Backend string `json:"backend"` // what --backend takes
}

// Load returns the name of the backend that the file keeps for this key. The error is
// [os.ErrNotExist] if there is no file, and says else why the file does not count.
func Load(path string, key Key) (name string, err error) {
	// Opening a FIFO would wait for somebody who writes.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s: is no regular file", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, longest+1))
	if err != nil {
		return "", err
	}
	e, err := parse(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if what := e.difference(key); what != "" {
		return "", fmt.Errorf("%s: is of another %s", path, what)
	}
	return e.Backend, nil
}

// parse reads a file's text.
func parse(text []byte) (entry, error) {
	if len(text) > longest {
		return entry{}, fmt.Errorf("is larger than %d bytes", longest)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var e entry
	if err := decoder.Decode(&e); err != nil {
		return entry{}, fmt.Errorf("is not what --backend-cache writes: %w", err)
	}
	if decoder.More() {
		return entry{}, errors.New("is not what --backend-cache writes: something follows")
	}
	if e.Backend == "" || slices.Contains(strings.Split(e.Backend, ","), "auto") {
		return entry{}, errors.New("names no backend")
	}
	return e, nil
}

// difference says in what the file's key differs, or nothing.
func (e entry) difference(key Key) string {
	switch {
	case e.Version != key.Version:
		return "version"
	case e.Build != key.Build:
		return "build"
	case e.Kernel != key.Kernel:
		return "kernel"
	case e.Processor != key.Processor:
		return "processor"
	}
	return ""
}

// Store writes the file, of mode 0644, which replaces what is there in one step. The error begins
// with path.
func Store(path string, key Key, name string) error {
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s: is a directory: name a file in it", path)
	}
	text, err := json.MarshalIndent(entry{key, name}, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("%s: cannot be written in %s: %w", path, dir, cause(err))
	}
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, errors.Join(cause(err), os.Remove(f.Name())))
	}
	return nil
}

// cause is the system's own error, without the name of a temporary file that nobody knows.
func cause(err error) error {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number
	}
	return err
}
