package profile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// maxFile bounds what is read of a file, in bytes.
const maxFile = 64 << 10

// File is what a file holds, and who may do what with it.
type File struct {
	Path    string
	Entries []Entry
	mode    fs.FileMode
	regular bool
}

// Read reads a file. An error names it, the line if it is one's, and carries its exit code.
func Read(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, readError(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, readError(path, err)
	}
	file := &File{Path: path, mode: info.Mode(), regular: info.Mode().IsRegular()}
	if file.regular && file.mode.Perm()&0o022 != 0 {
		return nil, exit.With(exit.Permission, fmt.Errorf("%s can be changed by others (mode %04o), and it may name programs to run: chmod go-w %s", path, file.mode.Perm(), path))
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, readError(path, err)
	case len(text) > maxFile:
		return nil, exit.Usagef("%s: longer than %d bytes: is this the right file?", path, maxFile)
	}
	if file.Entries, err = Parse(text); err != nil {
		return nil, errorAt(path, err)
	}
	return file, nil
}

// errorAt puts the place before a mistake.
func errorAt(path string, err error) error {
	line := 1
	var syntax *SyntaxError
	if errors.As(err, &syntax) {
		line = syntax.Line
	}
	return exit.Usagef("%s:%d: %w", path, line, err)
}

// readError is why a file cannot be read.
func readError(path string, err error) error {
	cause := err
	var of *fs.PathError
	if errors.As(err, &of) {
		cause = of.Err
	}
	if errors.Is(err, fs.ErrPermission) {
		return exit.With(exit.Permission, fmt.Errorf("%s: %w: run as the user that it belongs to, or as root", path, cause))
	}
	return exit.Usagef("%s: %w", path, cause)
}

// OpenToOthers reports whether others than its owner may read the file. One that is no plain file,
// such as a pipe, nobody reads but this process.
func (f *File) OpenToOthers() bool { return f.regular && f.mode.Perm()&0o077 != 0 }

// Mode is the file's mode, for messages.
func (f *File) Mode() fs.FileMode { return f.mode }
