package profile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pelletier/go-toml/v2"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// Pair is a key and what is to be written for it: a string, a bool, an int, or a []string.
type Pair struct {
	Key   string
	Value any
}

// Encode is the text of a file with these lines.
func Encode(comment string, pairs []Pair) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n\n", comment)
	for _, p := range pairs {
		line, err := toml.Marshal(map[string]any{p.Key: p.Value})
		if err != nil {
			return nil, fmt.Errorf("%s cannot be written: %w", p.Key, err)
		}
		b.Write(line)
	}
	if _, err := Parse(b.Bytes()); err != nil {
		return nil, fmt.Errorf("what was to be written cannot be read: %w", err)
	}
	return b.Bytes(), nil
}

// Free says what is in the way of a new file.
func Free(path string) error {
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		return exit.Usagef("%s is there already: remove it, or give another name", path)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return readError(path, err)
}

// Create writes a new file, which its owner alone may read. One that is there already stays as it
// is.
func Create(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return readError(filepath.Dir(path), err)
	}
	// Whole or not at all: the name is given to what has been written, and only if it is free.
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return readError(filepath.Dir(path), err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return readError(path, err)
	}
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return Free(path)
	} else if err != nil {
		return readError(path, err)
	}
	return nil
}
